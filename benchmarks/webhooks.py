"""A signed WhatsApp webhook, new and resent, beside the bare view: ``python -m benchmarks.webhooks``."""

from __future__ import annotations

import hashlib
import hmac
import time

from benchmarks import rest
from benchmarks.ground import APP_SECRET, ground
from benchmarks.load import Line, Request, arguments, as_json, measure, show

BEGAN = int(time.time())  # of the run: a resent request is the same to the byte, and a day later no answer is allowed


def webhook(n: object, sender: str = "15550107777", phone: str = "400000000000001") -> bytes:
    """One text message of now to the number whose id is ``phone``, as the platform wraps it. Each says something else: a
    person who repeats the same words is taken for a machine (messaging/rules/loops.py)."""
    said = {"from": sender, "id": f"wamid.{n}", "timestamp": str(BEGAN), "type": "text",
            "text": {"body": f"Where is my order {n}?"}}  # fmt: skip
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550100001", "phone_number_id": phone},
        "contacts": [{"profile": {"name": "Ana Lima"}, "wa_id": sender}],
        "messages": [said],
    }
    entry = {"id": "300000000000001", "changes": [{"field": "messages", "value": value}]}
    return as_json({"object": "whatsapp_business_account", "entry": [entry]})


def signed(path: str, body: bytes) -> Request:
    digest = hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return path, body, {"X-Hub-Signature-256": f"sha256={digest}"}


def main() -> None:
    given = arguments(__doc__ or "")
    with ground("granian") as on:
        lines = [
            rest.line(rest.BARE, "/bench/bare"),
            Line("webhook, new", lambda n: signed(on.whatsapp, webhook(n)), rest.BARE),
            Line("webhook, resent", lambda n: signed(on.whatsapp, webhook(0)), rest.BARE),
        ]
        measure(on.port, lines, given)
    show(lines)


if __name__ == "__main__":
    main()
