"""Make the demo tenant, or restore it."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from tqdm import tqdm

from channels_app.http.client import authority
from channels_app.services import outbound_hosts
from chatsvc import demo
from chatsvc.management.making import TellingCommand
from chatsvc.management.refusal import Refused


class Command(TellingCommand):
    help = (
        "Make the demo tenant (Acorn Outdoor): people who work there, an API key, channels, an assistant, and a week of "
        "conversations. Idempotent."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the access as JSON and nothing else on stdout")
        parser.add_argument("--bare", action="store_true", help="without the week of people's conversations")
        parser.add_argument("--force", action="store_true", help="also in production, where its access is a risk")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION and not options["force"]:
            raise Refused("The demo tenant has no place in production. --force makes it all the same.", "production")
        twin = authority(demo.TWIN_URL)
        if twin not in outbound_hosts():
            told = (
                f"The demo's channels speak with the provider twin, a private address. Set OUTBOUND_ALLOW_HOSTS={twin}."
            )
            raise Refused(told, "twin_not_allowed")
        steps_wanted = {name: step for name, step in demo.STEPS.items() if name != demo.PAST or not options["bare"]}
        with tqdm(steps_wanted.items(), desc="Demo tenant", leave=False, unit="step", disable=None) as steps:
            for name, step in steps:
                steps.set_postfix_str(name)
                demo.step_run(step)
        access = demo.demo_access()
        if access is None:
            raise Refused(
                "The demo tenant is not complete: was one of its channels or the admin renamed?", "demo_incomplete"
            )
        if options["json"]:
            self.stdout.write(json.dumps(access.to_json()))
        else:
            self.stdout.write(f"{demo.NAME} ({demo.SLUG}) is ready; `manage.py seed_demo --json` prints its access.")
