"""A stand-in for the service that Twilio's twin calls back: verifies, parses and acknowledges as the real one."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from channels_app.contract import OutboundMessage, RawRequest, Recipient
from channels_app.http.client import HttpClient, authority

ACCOUNT = {"account_sid": "AC00000000000000000000000000000001", "auth_token": "twin-auth-token"}


class Service:
    """``items`` is what came in. ``connect`` points the twin at the service and the adapter at the twin."""

    def __init__(self, adapter, twin, **config):
        self.adapter, self.twin = adapter, twin
        self.config = adapter.config_class(**ACCOUNT, api_base=twin.url, **config)
        self.items = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_POST(self):
                path, _, query = self.path.partition("?")
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(self.headers["content-length"]))
                raw = RawRequest(
                    "POST", path, headers, dict(parse_qsl(query)), body, f"http://{headers['host']}{self.path}"
                )
                reply = service.receive(raw)
                self.send_response(reply.status)
                self.end_headers()
                self.wfile.write(reply.body.encode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        twin.configure(adapter.kind, webhook_url=self.url)

    def receive(self, raw):
        self.adapter.verify(raw, self.config, HttpClient())
        self.items += self.adapter.parse(raw, self.config)
        return self.adapter.acknowledge(raw, self.config)

    def send(self, content, address="+15005550006", ref="ref-1", **recipient):
        """Render and send as the pipeline does; the address to call back is known from the last message."""
        message = OutboundMessage(ref, Recipient(address, reference={"webhook": self.url}, **recipient), content)
        http = HttpClient(allow_hosts=frozenset({authority(self.twin.url)}))
        payloads = self.adapter.render(message, self.config)
        return [self.adapter.send(payload, self.config, http) for payload in payloads]

    def http(self):
        return HttpClient(allow_hosts=frozenset({authority(self.twin.url)}))

    def of(self, kind):
        """What came in of one class, in order."""
        return [item for item in self.items if isinstance(item, kind)]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
