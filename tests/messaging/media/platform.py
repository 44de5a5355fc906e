"""A platform with files on loopback, and the words of tests on files. Must not assert anything."""

from __future__ import annotations

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

from channels_app.content.types import Content, Media
from channels_app.contract import InboundMessage, MediaRef, Sender
from conversations.models import Attachment, Event
from conversations.selectors import message_page
from conversations.shapes import MessageQuery
from messaging.accept import accept
from messaging.media.fetch import file_process


def picture(form="PNG", size=(40, 30)):
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, form)
    return out.getvalue()


class Files:
    """A platform's API and file host on loopback. ``answers[path]`` is (status, headers, body), or a list
    of such whose last one stays."""

    def __init__(self):
        self.answers, self.seen, self.posted, self.put = {}, [], [], []
        files = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                files.seen.append((self.path.partition("?")[0], self.headers.get("Authorization", "")))
                found = files.answers.get(self.path.partition("?")[0], (404, {}, b""))
                status, headers, body = (found.pop(0) if len(found) > 1 else found[0]) if type(found) is list else found
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                given = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path.endswith("/media"):
                    files.put.append(given)
                    body = b'{"id": "901"}'
                else:
                    files.posted.append(json.loads(given))
                    body = b'{"messages": [{"id": "wamid.out"}]}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def keep(self, body, *, status=200, mime="image/png"):
        """The two steps of the platform: media 77 → its address → its bytes."""
        self.answers["/v25.0/77"] = (200, {}, json.dumps({"url": f"{self.url}/file", "id": "77"}).encode())
        self.answers["/file"] = (status, {"Content-Type": mime}, body)

    def paths(self):
        return [path for path, _ in self.seen]


def sent(mime="image/png", kind="image", id="wamid.1", ref=None, text=None, name=""):
    ref = ref or MediaRef(kind, id="77", mime=mime, name=name)
    shown = Media(url=ref.url or f"media:{ref.id}", type=mime, name=name or None)
    content = Content(type=kind, text=text, media=shown)
    return InboundMessage(platform_id=id, sender=Sender("phone", "+4915112345678"), content=content, media=(ref,))


def received(channel, *args, **options):
    """Accept a message with a file and do what is due for it once."""
    message = accept(channel, sent(*args, **options)).message
    attachment = Attachment.objects.get(message=message)
    file_process(attachment.id)
    attachment.refresh_from_db()
    message.refresh_from_db()
    return message, attachment


def events(type):
    return [event.payload for event in Event.objects.filter(type=type)]


def link_of(message):
    """The media of the message as history shows it."""
    (shown,) = message_page(message.conversation_id, MessageQuery())["items"]
    return shown["content"]["media"]


def path_of(url):
    return "/" + url.split("/", 3)[3]
