"""Run the provider twin: a local fake of the platforms, to try channels without an account."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
from django.core.management.base import BaseCommand, CommandError, CommandParser

from channels_app.http.client import listed
from channels_app.services import outbound_hosts
from channels_app.twin import server
from channels_app.twin.platforms import PLATFORMS
from chatsvc import demo
from chatsvc.demo.twin import Settings, connected
from chatsvc.management.arguments import tenant_named

ANSWER_S = 10
ANSWER_LOOKS = 50


class Command(BaseCommand):
    help = (
        "Run the provider twin: a local fake of every platform that can be told to misbehave. On its page you write as "
        "the customer and see the traffic. It fits itself to the channels of a tenant that point at it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on; it has no authentication")
        parser.add_argument("--port", type=int, default=8900)
        parser.add_argument("--connect", default=demo.SLUG, metavar="SLUG", help="tenant whose channels it serves")
        parser.add_argument("--webhook-url", default="", help="connect to no service; one platform's webhooks go there")
        parser.add_argument("--platform", default="whatsapp", choices=list(PLATFORMS), help="that platform")
        parser.add_argument("--say", default="", metavar="WORDS", help="run none: say this through the one that runs")
        parser.add_argument("--log", default=None, metavar="FILE", help="JSONL file that keeps what was sent")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        if options["say"]:
            self.stdout.write(say(port, options["platform"], options["say"]))
            return
        if options["webhook_url"]:
            settings: Settings = {options["platform"]: {"webhook_url": options["webhook_url"]}}
        else:
            settings = required(options["connect"], port)
        self.stdout.write(f"Twin on http://{host}:{port}/   webhooks go to:")
        for platform, own in settings.items():
            self.stdout.write(f"  {platform:10} {own['webhook_url']}")
        if not listed(f"127.0.0.1:{port}", outbound_hosts()):
            self.stdout.write(f"For the service to call it: OUTBOUND_ALLOW_HOSTS=127.0.0.1:{port}")
        self.stdout.flush()
        try:
            server.run(host, port, options["log"], settings)
        except OSError as error:
            raise CommandError(f"Cannot listen on {host}:{port}: {error}.") from error


def required(slug: str, port: int) -> Settings:
    """Raises CommandError when no channel of the tenant points at this port."""
    if slug == demo.SLUG and demo.demo_tenant() is None:
        raise CommandError("There is no demo tenant: run `manage.py seed_demo`, or say --webhook-url.")
    settings = connected(tenant_named(slug), port)
    if not settings:
        raise CommandError(f"No channel of {slug} has an api_base with port {port}; `manage.py seed_demo` makes some.")
    return settings


def say(port: int, platform: str, words: str) -> str:
    """Say something as the customer through a twin that runs, and wait for the answer. Raises CommandError."""
    twin = f"http://127.0.0.1:{port}/_twin"
    with httpx.Client(timeout=10, trust_env=False) as client:
        try:
            before = len(client.get(f"{twin}/messages").json()["messages"])
            client.post(
                f"{twin}/say", json={"platform": platform, "from": PLATFORMS[platform].person, "text": words}
            ).raise_for_status()
            for _ in range(ANSWER_LOOKS):
                state = client.get(f"{twin}/messages").json()["messages"][before:]
                if told := [one for one in state if one["platform"] == platform]:
                    return "\n".join(json.dumps(one["body"], ensure_ascii=False) for one in told)
                time.sleep(ANSWER_S / ANSWER_LOOKS)
        except httpx.HTTPStatusError as error:
            raise CommandError(f"The twin refused it: {error.response.text[:300]}") from error
        except httpx.HTTPError as error:
            raise CommandError(
                f"No twin answers on port {port}: start `manage.py serve`, or `manage.py twin`."
            ) from error
    raise CommandError(f"It was said, and nothing has come back within {ANSWER_S} s: see the console's Deliveries.")
