"""Act as WhatsApp: sign a payload and post it to a running server."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from channels_app.contract import BadPayload, read_json
from channels_app.services import webhook_url
from chatsvc.management.arguments import channel_keyed


class Command(BaseCommand):
    help = "Sign a WhatsApp webhook and post it to a running server, as the platform would."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--channel", required=True, metavar="KEY", help="key of a WhatsApp channel")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--text", help="a text message that says this")
        what.add_argument("--file", type=Path, help="a JSON payload, or a stored request with the payload as its body")
        parser.add_argument("--from", dest="sender", default="4915112345678", metavar="PHONE", help="who says --text")
        parser.add_argument(
            "--times", type=int, default=1, help="post the very same request so often: repeats count once"
        )
        parser.add_argument("--url", default="", help="address of the webhook (default: that of this installation)")

    def handle(self, *args: Any, **options: Any) -> None:
        channel = channel_keyed(options["channel"])
        if channel.kind != "whatsapp":
            raise CommandError(
                f"{channel.name} is a {channel.kind} channel; only WhatsApp webhooks can be signed here."
            )
        config = channel.adapter_config()
        body = (
            stored_body(options["file"]) if options["file"] else text_body(config, options["sender"], options["text"])
        )
        digest = hmac.new(config.app_secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={digest}"}
        url = options["url"] or webhook_url(channel)
        started = time.monotonic()
        try:
            with httpx.Client(timeout=30, trust_env=False) as client:
                for _ in tqdm(range(options["times"]), desc="Webhooks", leave=False, disable=None):
                    answer = client.post(url, content=body, headers=headers)
                    if answer.status_code != 200:
                        raise CommandError(f"{url} answered {answer.status_code}: {answer.text[:300]}")
        except httpx.HTTPError as error:
            raise CommandError(f"{url} cannot be reached ({type(error).__name__}). Is the server running?") from error
        took_ms = (time.monotonic() - started) * 1000 / max(1, options["times"])
        self.stdout.write(f"Posted {options['times']} time(s) to {url}, {took_ms:.0f} ms each.")


def stored_body(path: Path) -> bytes:
    """The bytes to post. Raises CommandError."""
    try:
        raw = path.read_bytes()
        payload = read_json(raw)
    except (OSError, BadPayload) as error:
        raise CommandError(f"{path} cannot be used: {error}.") from error
    if isinstance(payload, dict) and {"method", "body"} <= payload.keys():
        body = payload["body"]
        return body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return raw


def text_body(config: Any, sender: str, text: str) -> bytes:
    """https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/text"""
    number = sender.removeprefix("+")
    message = {
        "from": number,
        "id": f"wamid.{uuid4().hex}",
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": text},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "", "phone_number_id": config.phone_number_id},
        "contacts": [{"profile": {"name": "Demo customer"}, "wa_id": number}],
        "messages": [message],
    }
    entry = {"id": config.waba_id, "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
