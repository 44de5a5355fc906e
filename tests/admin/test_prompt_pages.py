"""A prompt is looked at as a model would get it, and compared on the tenant's questions before it holds (AI-6, AI-10)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from assistant.console import compare as page
from assistant.console import prompts
from assistant.evaluations.models import EvaluationCase
from assistant.port import EngineReply
from assistant.prompts.difference import words_different
from assistant.prompts.models import SystemPrompt
from channels_app.content.types import text
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tests.admin.conftest import do, rows, url

pytestmark = pytest.mark.django_db
MAY = ("models:read", "models:write", "intents:read")


@pytest.fixture
def prompt(tenant: Any) -> SystemPrompt:
    tenant.settings = {"provider_mask": ["email"]}
    tenant.save()
    with tenant_scope(tenant.id):
        return SystemPrompt.objects.create(tenant=tenant, version=3, text="You answer for <b>Acorn</b>.")


@pytest.fixture
def keeper(tenant: Any, staff_of: Any) -> Client:
    return staff_of(tenant, MAY)


def at(row: SystemPrompt, name: str) -> str:
    return f"/admin/assistant/systemprompt/{row.pk}/{name}/"


# -------------------------------------------------------------------------- which one holds


def test_the_list_says_which_version_holds_also_after_a_roll_back(tenant, prompt, keeper) -> None:
    with tenant_scope(tenant.id):
        later = SystemPrompt.objects.create(tenant=tenant, version=4, text="You are brief.")

    def shown() -> dict[int, bool]:
        listed = keeper.get(url(SystemPrompt, "changelist")).context["cl"]
        return {row.version: listed.model_admin.holds(row) for row in listed.result_list}

    assert shown() == {4: False, 3: False}
    for row in (later, prompt):
        do(keeper, row, "activate")
        assert shown() == {4: row is later, 3: row is prompt}


# ------------------------------------------------------------------------- edited, and what changes


def test_a_version_tells_what_it_changes_of_what_holds(tenant, prompt, keeper) -> None:
    with tenant_scope(tenant.id):
        later = SystemPrompt.objects.create(
            tenant=tenant, version=4, text="You answer kindly for <b>Acorn</b>.\n\nBe brief."
        )
    do(keeper, prompt, "activate")
    page = keeper.get(url(SystemPrompt, "change", later.pk)).content.decode()
    assert (
        "<ins>kindly </ins>" in page
        and "Be brief.</ins>" in page
        and "&lt;b&gt;Acorn" in page
        and "<b>Acorn" not in page
    )
    assert "This version holds." in keeper.get(url(SystemPrompt, "change", prompt.pk)).content.decode()
    do(keeper, later, "activate")
    assert "<del>kindly </del>" in keeper.get(url(SystemPrompt, "change", prompt.pk)).content.decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), ("", "a b"), ("a b", ""), ("a  b\nc", "a b c d"), ("one two", "two one"), ("x " * 4000, "y x " * 2000)],
    ids=["nothing", "new", "gone", "spaces", "turned", "long"],
)
def test_a_difference_holds_both_texts(before: str, after: str) -> None:
    told = list(words_different(before, after))
    assert "".join(words for kind, words in told if kind != "new") == before
    assert "".join(words for kind, words in told if kind != "gone") == after


def test_to_edit_a_version_is_to_write_the_next(tenant, other_tenant, prompt, keeper, staff_of) -> None:
    add = f"{url(SystemPrompt, 'add')}?of={prompt.pk}"
    assert add in keeper.get(url(SystemPrompt, "change", prompt.pk)).content.decode()

    def begun(client: Client, where: str) -> str:
        return client.get(where).context["adminform"].form.initial.get("text", "")

    assert begun(keeper, add) == prompt.text
    assert begun(keeper, f"{url(SystemPrompt, 'add')}?of=odd") == ""
    assert begun(staff_of(other_tenant, MAY), add) == ""  # of another tenant nothing is told
    reads = staff_of(tenant, ("models:read",))
    assert add not in reads.get(url(SystemPrompt, "change", prompt.pk)).content.decode()
    given = {"tenant": tenant.pk, "text": f"{prompt.text} Be brief.", "note": ""}
    assert keeper.post(add, given).status_code == 302
    assert [row.version for row in rows(SystemPrompt).order_by("version")] == [3, 4]
    assert rows(SystemPrompt).get(version=3).text == prompt.text


# -------------------------------------------------------------------------------- preview


def test_a_sample_conversation_shows_what_a_model_would_get(prompt, keeper) -> None:
    assert at(prompt, "preview") in keeper.get(url(SystemPrompt, "change", prompt.pk)).content.decode()
    sample = {"before": "Hello, I am mia@example.com\n> Hello Mia\n\n", "message": "Where is it?", "language": "en"}
    answer = keeper.post(at(prompt, "preview"), sample)
    said = [(one.role, one.text) for one in answer.context["built"].messages]
    assert "You answer for <b>Acorn</b>." in said[0][1]
    assert said[1:] == [("user", "Hello, I am [EMAIL_1]"), ("assistant", "Hello Mia"), ("user", "Where is it?")]
    assert "<b>Acorn" not in answer.content.decode()


@pytest.mark.parametrize(
    ("change", "field"),
    [({"message": ""}, "message"), ({"language": "english"}, "language"), ({"before": "x\n" * 41}, "before")],
    ids=["nothing asked", "no language", "too much before"],
)
def test_a_sample_that_is_none_is_told_at_its_field(prompt, keeper, change: dict[str, str], field: str) -> None:
    answer = keeper.post(at(prompt, "preview"), {"before": "", "message": "Hi", "language": "en", **change})
    assert (list(answer.context["form"].errors), answer.context["built"]) == ([field], None)


# ----------------------------------------------------------------------------- comparison


class Engine:
    """Answers all questions with the same words."""

    name = "test"

    def __init__(self, said: str) -> None:
        self.said = said

    def respond(self, request: Any) -> EngineReply:
        return EngineReply(contents=(text(self.said),), engine=self.name)


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> dict[str, Engine]:
    """Engine by name: the present one answers with less than the version that is looked at."""
    known = {
        "current": Engine("Within 30 days."),
        "builtin": Engine("?"),
        "prompt:3": Engine("Within 30 days, free of charge."),
    }
    monkeypatch.setattr(page, "engine_named", lambda name, tenant: known[name])
    monkeypatch.setattr(prompts, "engine_named", lambda name, tenant: known[name])
    monkeypatch.setattr(prompts, "has_models", lambda: True)
    return known


@pytest.fixture
def questions(tenant: Any) -> None:
    with tenant_scope(tenant.id):
        for question, facts in (("How long?", ["30 days"]), ("What does it cost?", ["free"])):
            EvaluationCase.objects.create(tenant=tenant, question=question, facts=facts)


def test_the_difference_is_shown_before_it_holds(tenant, prompt, keeper, models, questions) -> None:
    assert at(prompt, "compare") in keeper.get(url(SystemPrompt, "change", prompt.pk)).content.decode()
    answer = keeper.post(at(prompt, "compare"), {"set": "main", "against": "current"})
    told = answer.content.decode()
    assert "50 points better" in told
    assert [(label, [one["question"] for one in some]) for label, some in answer.context["changed"]] == [
        ("Wrong now, right then", ["What does it cost?"]), ("Said in other words", ["How long?"]),
    ]  # fmt: skip
    assert rows(SystemPrompt).get().activated_at is None
    assert rows(AuditEntry).get(tenant=tenant, action="systemprompt.compared").changes["share"] == 0.5
    do(keeper, prompt, "activate")
    assert rows(SystemPrompt).get().activated_at


def test_what_would_be_worse_stands_first(prompt, keeper, models, questions) -> None:
    models["current"], models["prompt:3"] = models["prompt:3"], models["builtin"]
    answer = keeper.post(at(prompt, "compare"), {"set": "main", "against": "current"})
    assert [label for label, _ in answer.context["changed"]] == ["Right now, wrong then"]
    assert "100 points worse" in answer.content.decode()


def test_without_questions_or_models_it_says_what_is_missing(prompt, keeper, models, monkeypatch) -> None:
    assert "There are no evaluation questions yet." in keeper.get(at(prompt, "compare")).content.decode()
    monkeypatch.setattr(prompts, "has_models", lambda: False)
    assert prompts.NO_MODEL in keeper.get(at(prompt, "compare")).content.decode()


def test_a_set_that_is_not_there_is_told(prompt, keeper, models, questions) -> None:
    answer = keeper.post(at(prompt, "compare"), {"set": "other", "against": "current"})
    assert list(answer.context["form"].errors) == ["set"]


@pytest.mark.parametrize(
    "held", [("models:read", "intents:read"), ("models:read", "models:write")], ids=["reads", "no questions"]
)
def test_it_asks_models_and_so_needs_to_be_allowed(tenant, prompt, staff_of, models, questions, held) -> None:
    client = staff_of(tenant, held)
    assert client.post(at(prompt, "compare"), {"set": "main", "against": "current"}).status_code == 403
    assert at(prompt, "compare") not in client.get(url(SystemPrompt, "change", prompt.pk)).content.decode()


def test_another_tenant_finds_neither(other_tenant, prompt, staff_of) -> None:
    client = staff_of(other_tenant)
    assert [client.get(at(prompt, name)).status_code for name in ("preview", "compare")] == [404, 404]
