"""Teach a recogniser with one file of examples, ask it another, and say how well it did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from assistant.embeddings.encoders import DEFAULT, ENGLISH, NotInstalled, encoder
from assistant.intents.files import Given, NotReadable, drawn, examples_in
from assistant.intents.measured import figures
from chatsvc.management.making import TellingCommand
from chatsvc.management.refusal import Refused


class Command(TellingCommand):
    help = (
        "Teach the intents of one file and measure on another: CSV with text and category, or JSON with lists of "
        "[text, intent] under train, val, test and oos_… (texts of no intent)."
    )
    requires_system_checks: list[str] = []  # no tenant and no database are needed

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--train", required=True, type=Path, help="file to learn from")
        parser.add_argument("--test", required=True, type=Path, help="file to be asked")
        parser.add_argument("--shots", type=int, default=0, help="so many examples of each intent; 0: all")
        parser.add_argument("--seed", type=int, default=0, help="which of them, with --shots")
        parser.add_argument("--model", choices=(DEFAULT, ENGLISH), default=DEFAULT, help="whose vectors")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            train, test = examples_in(options["train"], "train"), examples_in(options["test"], "test")
            network = encoder(options["model"])
        except NotReadable as error:
            raise Refused(str(error), "file_invalid") from error
        except NotInstalled as error:
            raise Refused(str(error), "not_installed") from error
        if options["shots"] < 0:
            raise Refused("--shots is 0 or more.")
        if options["shots"]:
            train = Given(tuple(drawn(train.known, options["shots"], options["seed"])), train.unknown)
        found = {"model": network.model, **figures(train, test, network)}
        self.stdout.write(json.dumps(found, indent=2) if options["json"] else "\n".join(_lines(found)))


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{name:16} {value}" for name, value in found.items() if name != "confusion"]
    for one in found["confusion"]:
        taken = ", ".join(f"{name or 'none'} {count}" for name, count in one["taken_for"].items())
        lines.append(f"  {one['intent']}: {one['right']} of {one['tested']} right; taken for {taken}")
    return lines
