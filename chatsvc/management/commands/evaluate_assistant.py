"""Ask the assistant a tenant's evaluation questions; the exit code tells whether it is good enough."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from assistant.engines import engine_named
from assistant.evaluations.models import EvaluationCase
from assistant.evaluations.run import Report, difference, evaluate
from assistant.llm.told import words_of
from chatsvc.management.arguments import tenant_named
from chatsvc.management.making import TellingCommand
from chatsvc.management.refusal import Refused
from tenants.scope import tenant_scope
from tenants.tenant_settings import settings_for


class Command(TellingCommand):
    help = "Ask the assistant a tenant's evaluation questions. Exit code 1 where it is not good enough."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="of the tenant")
        parser.add_argument("--set", default="main", dest="set_name", help="of questions")
        parser.add_argument("--engine", default="current", help="current, builtin, model:<name> or prompt:<version>")
        parser.add_argument("--against", help="an engine to compare it with")
        parser.add_argument(
            "--least", type=float, default=0.0, help="share of right answers that is good enough, 0 to 1"
        )
        parser.add_argument("--no-worse", action="store_true", help="with --against: no question may be answered worse")
        parser.add_argument("--json", action="store_true", help="the whole report")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["no_worse"] and not options["against"]:
            raise Refused("--no-worse needs --against.")
        if not 0 <= options["least"] <= 1:
            raise Refused("--least is a share, from 0 to 1.")
        with tenant_scope(tenant_named(options["slug"]).id):
            cases = list(EvaluationCase.objects.filter(name=options["set_name"]).order_by("id"))
            if not cases:
                raise Refused("There are no questions in such a set.", "unknown_set")
            tenant = settings_for(cases[0].tenant_id).model_dump()
            named = [name for name in (options["engine"], options["against"]) if name]
            engines = [engine_named(name, tenant) for name in named]  # all, before one of them is asked and paid
            report, *others = (evaluate(cases, one, name=name) for one, name in zip(engines, named, strict=True))
        other = others[0] if others else None
        changed = difference(other, report) if other else None
        self._tell(report, other, changed, as_json=options["json"])
        if report.share < options["least"]:
            raise CommandError(f"{report.share:.1%} right, less than {options['least']:.1%}.", returncode=1)
        if changed and options["no_worse"] and changed["worse"]:
            raise CommandError(f"{len(changed['worse'])} answered worse than {options['against']}.", returncode=1)

    def _tell(self, report: Report, other: Report | None, changed: dict[str, Any] | None, *, as_json: bool) -> None:
        if as_json:
            told = {"report": report.to_json(), "against": other and other.to_json(), "difference": changed}
            self.stdout.write(json.dumps(told, ensure_ascii=False))
            return
        for verdict in report.verdicts:
            wrong = f"  lacks {', '.join(verdict.missed)}" if verdict.missed else ""
            self.stdout.write(f"{'wrong' if verdict.missed else 'right'}  {verdict.case.question}{wrong}")
        self.stdout.write(f"{report.engine}: {report.right} of {len(report.verdicts)} right ({report.share:.1%}).")
        for one in (report, other):
            if one and one.failed:
                why = " ".join(sorted(set(map(words_of, one.failed))))
                self.stdout.write(f"{one.engine} failed at {len(one.failed)} of {len(one.verdicts)}. {why}")
        if other and changed:
            better, worse = len(changed["better"]), len(changed["worse"])
            self.stdout.write(f"{other.engine}: {other.share:.1%}; better {better}, worse {worse}.")
