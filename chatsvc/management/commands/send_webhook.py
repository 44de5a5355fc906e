"""Act as a platform: sign a payload and post it to a running server."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from channels_app.contract import BadPayload, read_json
from channels_app.models import Channel
from channels_app.services import webhook_url
from channels_app.twin.calls import Webhook
from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin
from chatsvc.management.arguments import channel_keyed

#: kinds whose webhooks are signed with a key that only the running twin has, or not at all
SIGNED = [kind for kind, platform in PLATFORMS.items() if platform.sign]


class Command(BaseCommand):
    help = "Sign a webhook as the channel's platform does, and post it to a running server."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--channel", required=True, metavar="KEY", help=f"key of a channel ({', '.join(SIGNED)})")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--text", help="a message of a person that says this")
        what.add_argument("--file", type=Path, help="a payload, or a stored request with the payload as its body")
        parser.add_argument("--from", dest="sender", default="", metavar="ID", help="who says --text")
        parser.add_argument(
            "--times", type=int, default=1, help="post the very same request so often: repeats count once"
        )
        parser.add_argument("--url", default="", help="address of the webhook (default: that of this installation)")

    def handle(self, *args: Any, **options: Any) -> None:
        channel = channel_keyed(options["channel"])
        if channel.kind not in SIGNED:
            raise CommandError(
                f"{channel.name} is a {channel.kind} channel, whose webhooks cannot be signed here; these can: "
                f"{', '.join(SIGNED)}. The twin's page speaks for the others."
            )
        url = options["url"] or webhook_url(channel)
        if options["file"]:
            webhook = signed_file(channel, url, options["file"])
        else:
            webhook = signed_words(channel, url, options["sender"], options["text"])
        started = time.monotonic()
        try:
            with httpx.Client(timeout=30, trust_env=False) as client:
                for _ in tqdm(range(options["times"]), desc="Webhooks", leave=False, disable=None):
                    answer = client.post(url, content=webhook.body, headers=dict(webhook.headers))
                    if not 200 <= answer.status_code < 300:
                        raise CommandError(f"{url} answered {answer.status_code}: {answer.text[:300]}")
        except httpx.HTTPError as error:
            raise CommandError(f"{url} cannot be reached ({type(error).__name__}). Is the server running?") from error
        took_ms = (time.monotonic() - started) * 1000 / max(1, options["times"])
        self.stdout.write(f"Posted {options['times']} time(s) to {url}, {took_ms:.0f} ms each.")


def signed_words(channel: Channel, url: str, sender: str, text: str) -> Webhook:
    """What the platform posts when a person writes ``text``. Raises CommandError."""
    platform = PLATFORMS[channel.kind]
    twin = Twin()  # never served: it only finds the words
    try:
        twin.configure(channel.kind, **settings_of(channel), webhook_url=url)
        return platform.say(twin, {"from": sender or platform.person, "text": text})[1][0]
    except ValueError as error:
        raise CommandError(f"{error}.") from error
    finally:
        twin.close()


def signed_file(channel: Channel, url: str, path: Path) -> Webhook:
    """Raises CommandError."""
    sign, body = PLATFORMS[channel.kind].sign, stored_body(path)
    assert sign is not None
    return Webhook(url, body, sign({**PLATFORMS[channel.kind].settings, **settings_of(channel)}, url, body))


def settings_of(channel: Channel) -> dict[str, Any]:
    return PLATFORMS[channel.kind].settings_for({**channel.config, **channel.secrets})


def stored_body(path: Path) -> bytes:
    """The bytes to post. Raises CommandError."""
    try:
        raw = path.read_bytes()
        payload = read_json(raw) if raw.lstrip()[:1] in (b"{", b"[") else None
    except (OSError, BadPayload) as error:
        raise CommandError(f"{path} cannot be used: {error}.") from error
    if isinstance(payload, dict) and {"method", "body"} <= payload.keys():
        body = payload["body"]
        if payload.get("form") and isinstance(body, Mapping):
            body = urlencode(
                {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
            )
        return body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return raw
