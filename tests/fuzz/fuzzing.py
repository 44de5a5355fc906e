"""Schemathesis over the OpenAPI document, against the service in this process.

Owns what is asked and by which rules an answer is judged. Must not know any single operation, save for whom it lets in.
"""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, get_args
from uuid import UUID

import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, transaction
from pydantic_core.core_schema import ErrorType
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from chatsvc.web.serving.requests import wsgi
from tests.api.document import document
from tests.api.test_tenant_matrix import place
from tests.api.world import World

Say = Callable[[str], None]

#: a rule that no schema can tell may refuse what fits it; that such an answer is declared, another check demands
REFUSED = ["401", "403", "404", "405", "406", "409", "410", "412", "413", "415", "422", "429", "501", "503"]
#: what pydantic refuses for its form, and JSON Schema can say as well
FORMS = set(get_args(ErrorType)) - {"value_error", "assertion_error"}
#: of our own under such a code: what a PUT lacks while there is nothing to change, an id of invisible characters alone
OWN = ("Say where products are asked for.", "The id is blank")
#: operations that answer 200 and tell in it of each item why it is refused
REPORTS = ["message_import"]
LATER = re.compile(r"variants\.[^.]+\.content\b")  # a content with variables in it, told as any object


def config(*, seed: int, headers: dict[str, dict[str, str]], **phases: int) -> SchemathesisConfig:
    """All checks. ``headers``: a tag of operations → what each of them is sent; "" is everything else's. ``phases``: of
    each that is to run how much: cases of an operation (fuzzing), scenarios (stateful), any number (coverage)."""
    generated = {
        name: {"generation": {"max-examples": phases[name]}} for name in ("fuzzing", "stateful") if name in phases
    }
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            # Hypothesis gives a state machine up when it answers otherwise the second time; with a time limit, which none
            # of these runs reaches, Schemathesis begins anew until it is told that there were cases enough
            **({"max-time": 24 * 3600} if "stateful" in phases else {}),
            "headers": headers[""],
            "generation": {"database": "none", "no-shrink": True},
            "suppress-health-check": ["all"],
            "phases": {
                name: {"enabled": name in phases, **generated.get(name, {})}
                for name in ("examples", "coverage", "fuzzing", "stateful")
            },
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", "400", *REFUSED]},  # and see below
                "negative_data_rejection": {"expected-statuses": ["400", *REFUSED]},
                # no model and no encoder is set up here, and no address leads out: that is said by 501 and 503
                "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "501", "503"]},
            },
            "operations": [
                *({"include-tag": tag, "headers": sent} for tag, sent in headers.items() if tag),
                *(
                    {
                        "include-operation-id": name,
                        "checks": {"negative_data_rejection": {"expected-statuses": ["200", "400", *REFUSED]}},
                    }
                    for name in REPORTS
                ),
            ],
        }
    )


@schemathesis.check
def schema_tells_the_form(ctx: Any, response: Any, case: Any) -> None:
    """What fits the schema may break a rule between fields or rows, but is never refused for its form: the schema tells it."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return
    told = [one for one in _details(response) if one["code"] in FORMS and one["message"] not in OWN]
    told = [one for one in told if not LATER.match(one["field"])]
    assert not told, f"refused, though it fits the schema: {told}"


def _details(response: Any) -> list[dict[str, str]]:
    error = json.loads(response.content)["error"]
    return error["details"] if error["code"] == "validation_error" and isinstance(error["details"], list) else []


@dataclass
class Found:
    """What was asked in which phase, the answers' statuses, and what was wrong: operation and check → an example."""

    asked: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    wrong: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        return sum(self.asked.values())


class Fuzz:
    """One run. Each request is undone after its answer, so that a row that one case removes is there for the next;
    ``stays``: what one has done stays for the next, and no parameter but those of links says which row is meant."""

    def __init__(self, world: World, settings: SchemathesisConfig, *, stays: bool = False):
        self.world, self.stays, self.app, self.found = world, stays, wsgi(), Found()
        self.schema = schemathesis.openapi.from_dict(_without_tenant(), config=settings)
        self.schema.app = self.serve
        self.schema.hook("map_path_parameters")(
            lambda context, path_parameters: self._with_rows(context, path_parameters)
        )

    def serve(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if self.stays:
            return [b"".join(self.app(environ, start))]
        with transaction.atomic():
            said = [b"".join(self.app(environ, start))]
            transaction.set_rollback(True)
        return said

    def _with_rows(self, context: Any, path_parameters: dict[str, Any]) -> dict[str, Any]:
        """Most ids that are made up become ids of rows, or nothing would be asked for than what is not there."""
        address = context.operation.path.lstrip("/")
        return {name: self._row(address, name, value) for name, value in (path_parameters or {}).items()}

    def _row(self, address: str, name: str, value: Any) -> Any:
        made_up = _uuid(value)
        if name != "key" and (made_up is None or made_up.int % 8 == 0):
            return value
        return self.world.ids.get(place(address, name), value)

    def run(self, tell: Say, at_most: int = 10**9) -> Found:
        """``at_most``: cases, after which no further operation or scenario begins."""
        with _one_connection():
            stream = from_schema(self.schema).execute()
            for event in stream:
                if isinstance(event, events.ScenarioFinished):
                    self._note(event, tell)
                    if self.found.cases >= at_most:
                        stream.stop()
                elif isinstance(event, (events.NonFatalError, events.FatalError)):
                    self._wrong(getattr(event, "label", "engine"), "error", str(getattr(event, "info", event)), tell)
        return self.found

    def _note(self, event: events.ScenarioFinished, tell: Say) -> None:
        recorded = event.recorder
        # what a check asks beside, without a credential for one, is no case
        self.found.asked[event.phase.value] += sum(
            one.parent_id is None or one.transition is not None for one in recorded.cases.values()
        )
        self.found.operations |= {one.value.operation.label for one in recorded.cases.values()}
        answers = {name: one.response for name, one in recorded.interactions.items()}
        self.found.statuses.update(answer.status_code for answer in answers.values() if answer)
        for name, check in ((name, check) for name, checks in recorded.checks.items() for check in checks):
            if check.failure_info is None:
                continue
            failure, answer = check.failure_info.failure, answers.get(name)
            said = f"{answer.status_code} {answer.content[:600]!r}" if answer else ""
            text = f"{failure.message}\n{check.failure_info.code_sample}\n{said}"
            self._wrong(failure.operation or recorded.label, f"{check.name}: {failure.title}", text, tell)

    def _wrong(self, operation: str, check: str, text: str, tell: Say) -> None:
        if (operation, check) not in self.found.wrong:
            self.found.wrong[operation, check] = text
            tell(f"{operation} — {check}: {text}\n")


@contextmanager
def _one_connection() -> Iterator[None]:
    """It outlives a request: its transaction ends after it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)
        connection.close()


def _without_tenant() -> dict[str, Any]:
    """A tenant that is made up is another one, which ends a request before it begins: the limits of fields (coverage) would
    learn of nothing else. And Schemathesis takes the header for a row that nothing makes, so it would begin no scenario."""
    told = copy.deepcopy(document())
    for operation in (one for item in told["paths"].values() for one in item.values() if isinstance(one, dict)):
        operation["parameters"] = [one for one in operation.get("parameters", []) if one["name"] != "X-Tenant-ID"]
    return told


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        return None
