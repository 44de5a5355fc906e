"""Evaluation sets: when an answer is right, what a change would do, the command's exit code (AI-10)."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from assistant import engines
from assistant.evaluations import views
from assistant.evaluations.models import EvaluationCase
from assistant.evaluations.run import ASIDE, difference, evaluate
from assistant.port import EngineReply, EngineTimeout, Source
from channels_app.content.types import text
from tenants.models import AuditEntry

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = Source("article", "7", "Rückgabe", "https://shop.example/returns", 0.9)
RUN = "/api/v2/evaluations"


class Engine:
    """Knows answers by question; fails on others."""

    name = "test"

    def __init__(self, **answers: str) -> None:
        self.answers, self.asked = answers, []  # type: ignore[var-annotated]

    def respond(self, request: Any) -> EngineReply:
        self.asked.append(request)
        said = self.answers.get(request.contents[0].text)
        if said is None:
            raise EngineTimeout
        return EngineReply(
            contents=(text(said),), intent="returns", sources=(PAGE,), usage={"cost_usd": 0.25}, engine=self.name
        )


def case(tenant: Any, question: str = "a", **expected: Any) -> EvaluationCase:
    return EvaluationCase.objects.create(tenant=tenant, question=question, **expected)


@pytest.mark.parametrize(
    ("expected", "missed"),
    [
        ({}, ()),
        ({"intent": "returns"}, ()),
        ({"intent": "stock"}, ("intent",)),
        ({"facts": ["30 TAGE", "kostenlos"]}, ()),
        ({"facts": ["30 Tage", "60"]}, ("facts",)),
        ({"source": "ruckgabe"}, ()),
        ({"source": PAGE.url}, ()),
        ({"source": "Versand"}, ("source",)),
        ({"source": "Versand", "intent": "stock", "facts": ["60"]}, ("intent", "facts", "source")),
    ],
)
def test_what_is_expected_is_looked_at_and_nothing_else(scope, expected, missed) -> None:
    engine = Engine(a="30 Tage, kostenlos")
    (verdict,) = evaluate([case(scope, language="de", **expected)], engine).verdicts
    assert verdict.missed == missed
    (asked,) = engine.asked
    assert (asked.language, asked.hints, asked.history, asked.context) == ("de", {ASIDE: True}, (), {})


def test_an_engine_that_fails_is_wrong_and_says_why(scope) -> None:
    (verdict,) = evaluate([case(scope)], Engine()).verdicts
    assert (verdict.missed, verdict.error) == (("answer",), "engine_timeout")


class Away:
    """A model that is gone: the built-in stands in, with the right answer."""

    name = "language_model"

    def respond(self, request: Any) -> EngineReply:
        return EngineReply(contents=(text("30 days"),), intent="returns", why={"degraded": "llm_denied"})


@pytest.mark.parametrize(
    ("name", "missed"),
    [("model:house/x", ("model",)), ("prompt:3", ("model",)), ("current", ()), ("builtin", ())],
)
def test_a_model_that_is_gone_does_not_pass_by_the_answer_of_its_stand_in(scope, name, missed) -> None:
    """A wrong key, and CI was content: the built-in knew the answer."""
    report = evaluate([case(scope, facts=["30 days"])], Away(), name=name)
    assert (report.verdicts[0].missed, report.failed) == (missed, ["llm_denied"])
    told = report.to_json()
    assert (told["failed"], told["verdicts"][0]["degraded"]) == (1, "llm_denied")


def test_a_report_counts_and_a_difference_names_what_changes(scope) -> None:
    cases = [case(scope, name, facts=["30"]) for name in "abcd"]
    before = evaluate(cases, Engine(a="30 days", b="30 days", c="60", d="30 days"))
    after = evaluate(cases, Engine(a="30 days", b="60", c="30 days", d="30 whole days"))
    told = before.to_json()
    assert (told["asked"], told["right"], told["share"], told["missed"], told["cost_usd"]) == (
        4,
        3,
        0.75,
        {"facts": 1},
        1.0,
    )
    changed = difference(before, after)
    assert [[one["question"] for one in changed[how]] for how in ("better", "worse", "reworded")] == [
        ["c"],
        ["b"],
        ["d"],
    ]
    assert changed["worse"][0]["after"] == "60"


def test_what_there_is_no_time_for_is_counted(scope) -> None:
    report = evaluate([case(scope), case(scope)], Engine(a="x"), within_s=0)
    assert (report.verdicts, report.left_out, report.share) == ((), 2, 0.0)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine(a="30 days")
    monkeypatch.setattr(engines, "engine_for", lambda settings: made)
    return made


def test_cases_are_kept_and_run_by_the_api(scope, tenant, other_tenant, api, engine, monkeypatch) -> None:
    client, theirs = api(tenant), api(other_tenant)
    made = client.data_of(client.post("/api/v2/evaluation-cases", {"question": "a", "facts": ["30 days"]}))
    where = f"/api/v2/evaluation-cases/{made['id']}"
    assert (made["set"], made["facts"]) == ("main", ["30 days"])
    told = client.data_of(client.post(RUN, {"engine": "current", "against": ["builtin"]}))
    assert (told["report"]["share"], told["report"]["verdicts"][0]["sources"]) == (1.0, ["Rückgabe"])
    assert told["differences"][0]["better"][0]["question"] == "a"
    assert client.data_of(client.patch(where, {"facts": ["60 days"]}))["facts"] == ["60 days"]
    assert client.data_of(client.post(RUN, {}))["report"]["right"] == 0
    assert client.get("/api/v2/evaluation-cases", {"set": "other"}).json()["data"]["items"] == []
    assert [theirs.get(where).status_code, theirs.post(RUN, {}).status_code] == [404, 404]
    assert client.post("/api/v2/evaluation-cases", {"question": "  "}).status_code == 400
    monkeypatch.setattr(views, "MOST_CASES", 1)
    refused = client.post("/api/v2/evaluation-cases", {"question": "b"})
    assert (refused.status_code, client.error_of(refused)["code"]) == (422, "too_many_cases")
    assert client.delete(where).status_code == 204
    acts = [entry.action for entry in AuditEntry.objects.order_by("id")]
    assert acts == [f"evaluationcase.{act}" for act in ("created", "updated", "deleted")]


def test_a_request_asks_so_many_and_counts_the_others(scope, tenant, api, engine, monkeypatch) -> None:
    monkeypatch.setattr(views, "MOST_ASKED", 2)
    for _ in range(3):
        case(scope)
    client = api(tenant)
    report = client.data_of(client.post(RUN, {}))["report"]
    assert (report["asked"], report["left_out"]) == (2, 1)


def command(tenant: Any, *options: str) -> str:
    out = io.StringIO()
    call_command("evaluate_assistant", tenant.slug, *options, stdout=out)
    return out.getvalue()


def test_the_command_fails_below_what_is_good_enough(scope, engine) -> None:
    case(scope, facts=["30 days"])
    case(scope, facts=["60 days"])
    assert "1 of 2 right (50.0%)" in command(scope, "--least", "0.5")
    with pytest.raises(CommandError, match="less than 60.0%") as caught:
        command(scope, "--least", "0.6")
    assert caught.value.returncode == 1
    for wrong in (["--set", "none"], ["--no-worse"], ["--least", "2"]):
        with pytest.raises(CommandError):
            command(scope, *wrong)


def test_the_command_fails_where_a_change_makes_an_answer_worse(scope, engine) -> None:
    case(scope, facts=["30 days"])
    told = json.loads(command(scope, "--against", "builtin", "--no-worse", "--json"))
    assert len(told["difference"]["better"]) == 1
    with pytest.raises(CommandError, match="1 answered worse than current"):
        command(scope, "--engine", "builtin", "--against", "current", "--no-worse")


def test_the_command_says_what_failed_at_the_models(scope, monkeypatch) -> None:
    case(scope, facts=["30 days"])
    monkeypatch.setattr(engines, "engine_for", lambda settings: Away())
    assert "current failed at 1 of 1. The provider refuses the key." in command(scope)


@pytest.mark.parametrize("named", [["--engine", "model:nope"], ["--against", "model:nope"], ["--against", "prompt:99"]])
def test_an_engine_that_there_is_not_is_refused_before_one_is_asked(scope, engine, named) -> None:
    """The command ended in a traceback, after it had asked (and paid) the first engine all questions."""
    case(scope, facts=["30 days"])
    out = io.StringIO()
    with pytest.raises(CommandError, match="engine_not_found"):
        call_command("evaluate_assistant", scope.slug, *named, "--json", stdout=out)
    assert json.loads(out.getvalue())["error"]["code"] == "engine_not_found" and engine.asked == []
