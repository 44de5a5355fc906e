"""A stand-in for the service that the twin calls back, and the calls that tests make to the twin."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from channels_app.adapters.whatsapp import WhatsApp, WhatsAppConfig
from channels_app.contract import RawRequest
from channels_app.http.client import HttpClient

BEARER = {"Authorization": "Bearer good"}
HELLO = {"messaging_product": "whatsapp", "to": "+15550107777", "type": "text", "text": {"body": "hello"}}
MESSAGES = "/v25.0/400000000000001/messages"
CONFIG = WhatsAppConfig(
    phone_number_id="400000000000001",
    access_token="good",
    app_secret="twin-app-secret",
    verify_token="twin-verify-token",
)


class Service:
    """A stand-in for the service: keeps what the twin posts, verified and parsed by the adapter."""

    def __init__(self):
        self.requests: list[RawRequest] = []
        self.statuses = iter(())  # answers to the next requests, then 200
        service = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_GET(self):
                path, _, query = self.path.partition("?")
                raw = RawRequest("GET", path, query=dict(pair.split("=") for pair in query.split("&")))
                self._reply(200, WhatsApp().handshake(raw, CONFIG).body.encode())

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                service.requests.append(RawRequest("POST", self.path, headers, body=body))
                self._reply(next(service.statuses, 200), b"")

            def _reply(self, status, body):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def items(self):
        adapter = WhatsApp()
        for raw in self.requests:
            adapter.verify(raw, CONFIG, HttpClient())
        return [item for raw in self.requests for item in adapter.parse(raw, CONFIG)]


def call(twin, method, path, body=None, headers=BEARER):
    """(status, JSON body or bytes)"""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    kind = {"content-type": "application/json"}
    request = urllib.request.Request(twin.url + path, data, {**kind, **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def send(twin, body=HELLO, **headers):
    status, answer = call(twin, "POST", MESSAGES, body, {**BEARER, **headers})
    return status, json.loads(answer)


def code(answer):
    return answer["error"]["code"]
