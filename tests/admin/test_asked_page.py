"""A set of questions is asked from the console: what was answered, what it lacks, and who may (AI-10)."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from assistant import engines
from assistant.evaluations import views
from assistant.evaluations.models import EvaluationCase
from assistant.port import EngineReply
from assistant.prompts.models import SystemPrompt
from channels_app.content.types import text
from tenants.models import AuditEntry
from tenants.scope import tenant_scope
from tests.admin.conftest import rows, url
from tests.assistant.llm import model, provider

pytestmark = pytest.mark.django_db
READS, WRITES = ("intents:read",), ("intents:read", "intents:write")
MODELS = (*WRITES, "models:write")


class Engine:
    """Says the same to all, in the place of a model."""

    name = "test"

    def respond(self, request: Any) -> EngineReply:
        return EngineReply(contents=(text("Within 30 <b>days</b>."),), intent="returns", why={"degraded": "llm_denied"})


@pytest.fixture
def where(tenant: Any) -> str:
    with tenant_scope(tenant.id):
        for question, facts in (("How long?", ["30"]), ("What does it cost?", ["free"])):
            EvaluationCase.objects.create(tenant=tenant, question=question, facts=facts)
    return reverse("admin:assistant_evaluationcase_asked")


def test_a_set_is_asked_and_each_answer_shown_the_wrong_ones_first(where, tenant, staff_of, monkeypatch) -> None:
    monkeypatch.setattr(engines, "engine_for", lambda settings: Engine())
    client = staff_of(tenant, WRITES)
    assert where in client.get(url(EvaluationCase, "changelist")).content.decode()
    answer = client.post(where, {"set": "main", "engine": "current"})
    page = answer.content.decode()
    assert [one["question"] for one in answer.context["verdicts"]] == ["What does it cost?", "How long?"]
    for words in (
        "1 of 2 right (50 %)",
        "Lacks the facts",
        "expected: free",
        "taken for returns",
        "30 &lt;b&gt;days",
        "The provider refuses the key.",
    ):
        assert words in page
    assert rows(AuditEntry).filter(action="evaluationcase.evaluated").count() == 1


def test_models_and_prompts_are_asked_by_those_who_may_spend_on_them(where, tenant, named, staff_of) -> None:
    for may, shown in ((WRITES, 2), (MODELS, 4)):
        client = staff_of(tenant, may)
        assert len(client.get(where).context["form"].fields["engine"].choices) == shown
    refused = staff_of(tenant, WRITES).post(where, {"set": "main", "engine": f"model:{named}"})
    assert (list(refused.context["form"].errors), "report" in refused.context) == (["engine"], False)


@pytest.fixture
def named(tenant: Any, scope: Any) -> str:
    """A model that no test here asks."""

    class Nowhere:
        url = "http://127.0.0.1:9"

    row = model(provider(tenant, Nowhere()), "gpt-x")
    SystemPrompt.objects.create(tenant=tenant, version=1, text="You answer.")
    return f"{row.provider.name}/{row.name}"


def test_who_only_reads_is_refused_and_no_tenant_asks_anothers(where, tenant, other_tenant, staff_of) -> None:
    reads = staff_of(tenant, READS)
    assert (
        reads.get(where).status_code == 403
        and where not in reads.get(url(EvaluationCase, "changelist")).content.decode()
    )
    theirs = staff_of(other_tenant, MODELS)
    assert theirs.get(where, {"tenant": str(tenant.pk)}).status_code == 403
    assert "There are no evaluation questions yet." in theirs.get(where).content.decode()
    assert list(theirs.post(where, {"set": "main", "engine": "builtin"}).context["form"].errors) == ["set"]


def test_what_is_not_asked_is_counted(where, tenant, staff_of, monkeypatch) -> None:
    monkeypatch.setattr(views, "MOST_ASKED", 1)
    page = staff_of(tenant, WRITES).post(where, {"set": "main", "engine": "builtin"}).content.decode()
    assert "1 not asked, for want of time." in page
