"""Providers of language models are set up and tried in the console; their keys go in and never out (AI-5, ADM-1)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from assistant.evaluations.models import EvaluationCase
from assistant.llm.providers import trying
from assistant.models import LanguageModel, ModelUse, Provider
from channels_app.twin import server as twins
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.admin.conftest import do, rows, url
from tests.admin.test_settings_page import as_shown
from tests.assistant.llm import model, provider, reachable

pytestmark = pytest.mark.django_db
SECRET = "sk-0123456789abcdef"


@pytest.fixture
def twin():
    with twins.start() as twin, reachable(twin):
        yield twin


@pytest.fixture
def page(tenant, scope, staff_of, twin) -> tuple[Any, str, Provider]:
    row = provider(tenant, twin, key=SECRET)
    return staff_of(tenant, ("models:read", "models:write")), url(Provider, "change", row.pk), row


def test_a_page_that_is_saved_unchanged_keeps_the_key_and_shows_it_masked(page) -> None:
    client, where, row = page
    assert client.post(where, as_shown(client, where)).status_code == 302
    assert rows(Provider).get(pk=row.pk).key == SECRET
    shown = client.get(where).content.decode()
    assert SECRET not in shown and "••••cdef" in shown


def test_a_new_key_takes_the_place_of_the_old_one(page) -> None:
    client, where, row = page
    assert client.post(where, {**as_shown(client, where), "new_key": "sk-another-one"}).status_code == 302
    assert rows(Provider).get(pk=row.pk).key == "sk-another-one"


def test_another_address_needs_the_key_and_a_private_one_is_refused(page, twin) -> None:
    client, where, row = page
    for address in (f"{twin.url}/other/v1", "http://169.254.169.254/v1"):
        answer = client.post(where, {**as_shown(client, where), "base_url": address})
        assert (answer.status_code, rows(Provider).get(pk=row.pk).base_url) == (200, row.base_url)
    given = {**as_shown(client, where), "base_url": f"{twin.url}/other/v1", "new_key": "sk-another-one"}
    assert client.post(where, given).status_code == 302
    assert rows(Provider).get(pk=row.pk).base_url == f"{twin.url}/other/v1"


def test_a_provider_has_the_name_that_rest_would_take(page) -> None:
    client, where, row = page
    answer = client.post(where, {**as_shown(client, where), "name": "House_LLM"})
    assert "Small letters, digits and hyphens alone." in answer.content.decode()
    with tenant_scope(row.tenant_id):
        Provider.objects.filter(pk=row.pk).update(name="House_LLM")
    assert client.post(where, as_shown(client, where)).status_code == 302  # from before


# --------------------------------------------------------------------------------- when it is asked


@pytest.mark.parametrize(
    ("facts", "settings", "told"),
    [
        ({}, {}, "Yes"),
        ({}, {"allowed_models": ["house/gpt-twin"]}, "Yes"),
        ({"enabled": False}, {}, "No. It is switched off."),
        ({}, {"allowed_models": ["gpt-other"]}, "No. The settings name others that may be asked."),
        ({"intents": ["nope"]}, {}, "No. It is kept for intents that you do not have."),
    ],
)
def test_a_model_that_is_never_asked_says_why(page, tenant, facts, settings, told) -> None:
    client, _where, row = page
    with tenant_scope(tenant.id):
        Provider.objects.filter(pk=row.pk).update(name="house")
        made = model(Provider.objects.get(pk=row.pk), "gpt-twin", **facts)
    tenant.settings = settings
    tenant.save()
    for shown in (client.get(url(LanguageModel, "change", made.pk)), client.get(url(LanguageModel, "changelist"))):
        assert told in shown.content.decode()


def test_a_model_of_a_provider_that_is_off_says_so(page) -> None:
    client, _where, row = page
    made = model(row, "gpt-twin")
    with tenant_scope(row.tenant_id):
        Provider.objects.filter(pk=row.pk).update(enabled=False)
    assert "No. Its provider is switched off." in client.get(url(LanguageModel, "change", made.pk)).content.decode()


def test_what_a_model_is_kept_for_is_chosen_and_checked(page) -> None:
    """An unknown purpose was stored, and the model was never asked."""
    client, _where, row = page
    made = model(row, "gpt-twin")
    where = url(LanguageModel, "change", made.pk)
    shown = as_shown(client, where)
    assert client.post(where, {**shown, "purposes": ["summary"], "languages": "de\nfr"}).status_code == 302
    kept = rows(LanguageModel).get(pk=made.pk)
    assert (kept.purposes, kept.languages) == (["summary"], ["de", "fr"])
    for wrong in ({"purposes": ["summaries"]}, {"languages": "klingon"}, {"languages": "DE"}):
        answer = client.post(where, {**shown, **wrong})
        assert (answer.status_code, list(answer.context["adminform"].form.errors)) == (200, list(wrong))


# ------------------------------------------------------------------------- tried, compared, counted


@pytest.fixture
def asked(page: Any) -> LanguageModel:
    return model(page[2], "gpt-twin", enabled=False)


def at(row: LanguageModel, name: str) -> str:
    return f"/admin/assistant/languagemodel/{row.pk}/{name}/"


SAMPLE = {"system": "Be brief.", "text": "Where is my <b>parcel</b>?", "max_tokens": "50"}


def test_a_model_is_tried_with_sample_words(page, asked, tenant, monkeypatch) -> None:
    monkeypatch.setattr(trying, "TEST_S", 60.0)  # the first call imports the provider's SDK
    client, *_ = page
    assert at(asked, "try") in client.get(url(LanguageModel, "change", asked.pk)).content.decode()
    answer = client.post(at(asked, "try"), SAMPLE)
    tried = answer.context["tried"]
    assert (tried.code, bool(tried.result.text), tried.result.output_tokens > 0) == ("", True, True)
    assert "<b>parcel" not in answer.content.decode()
    assert rows(ModelUse).get(tenant=tenant).questions == 1
    rows(Provider).update(base_url="http://127.0.0.1:9/v1")
    assert "There is no answer. The provider" in client.post(at(asked, "try"), SAMPLE).content.decode()
    assert list(client.post(at(asked, "try"), {**SAMPLE, "max_tokens": "9999"}).context["form"].errors) == [
        "max_tokens"
    ]


def test_a_model_that_is_switched_off_is_compared_and_then_switched_on(tenant, staff_of, page, asked) -> None:
    EvaluationCase.objects.create(tenant=tenant, question="Do you lend ladders?", facts=["ladders"])
    client = staff_of(tenant, ("models:read", "models:write", "intents:read"))
    answer = client.post(at(asked, "compare"), {"set": "main", "against": "builtin"})
    told = [(report["asked"], report["by_model"], report["failed"]) for report in answer.context["reports"]]
    assert told == [(1, 0, 0), (1, 1, 0)]
    assert rows(ModelUse).get(tenant=tenant).questions >= 1
    rows(Provider).update(base_url="http://127.0.0.1:9/v1")
    answer = client.post(at(asked, "compare"), {"set": "main", "against": "builtin"})
    assert [report["failed"] for report in answer.context["reports"]] == [0, 1]
    assert answer.context["reports"][1]["why"] == "The provider's address may not be called."
    assert "Switch it on" in answer.content.decode()
    do(client, asked, "switch")
    assert rows(LanguageModel).get(pk=asked.pk).enabled


def test_who_reads_alone_neither_tries_nor_compares(tenant, other_tenant, staff_of, asked) -> None:
    reader, stranger = staff_of(tenant, ("models:read", "intents:read")), staff_of(other_tenant)
    assert [reader.post(at(asked, name), SAMPLE).status_code for name in ("try", "compare")] == [403, 403]
    assert [stranger.post(at(asked, name), SAMPLE).status_code for name in ("try", "compare")] == [404, 404]
    assert not rows(ModelUse).exists()


def test_figures_are_by_day_and_model_and_of_one_tenant(tenant, other_tenant, scope, page) -> None:
    client, *_ = page
    today = now().date()
    facts = {"failures": 1, "input_tokens": 1000, "output_tokens": 50, "cost_micros": 20_000, "latency_ms": 4000}
    for days, name in ((0, "own/a"), (1, "own/a"), (1, "own/b"), (40, "own/a")):
        ModelUse.objects.create(tenant=tenant, day=today - timedelta(days=days), model=name, questions=10, **facts)
    with tenant_scope(other_tenant.id):
        ModelUse.objects.create(tenant=other_tenant, day=today, model="foreign/x", questions=10)
    tenant.settings = {"default_model": "own/a", "llm_budget": {"hard_usd": 5}}
    tenant.save()
    answer = client.get("/admin/assistant/modeluse/figures/")
    told = answer.content.decode()
    assert [(one["name"], one["questions"], one["cost"], one["mean"]) for one in answer.context["models"]] == [
        ("own/a", 20, "0.04", 400), ("own/b", 10, "0.02", 400),
    ]  # fmt: skip
    tokens, cost, took, failed = (json.loads(chart["data"]) for chart in answer.context["charts"])
    assert [tokens["datasets"][0]["data"][-2:], cost["datasets"][0]["data"][-2:]] == [[2000, 1000], [0.04, 0.02]]
    assert [took["datasets"][0]["data"][-2:], failed["datasets"][0]["data"][-2:]] == [[400, 400], [2, 1]]
    assert ("hard limit 5" in told, "foreign" in told, "section=models" in told) == (True, False, False)
    longer = client.get("/admin/assistant/modeluse/figures/", {"days": "90"})
    assert longer.context["models"][0]["questions"] == 30
    assert client.get("/admin/assistant/modeluse/figures/", {"tenant": str(other_tenant.id)}).status_code == 403


def test_preferences_are_a_section_of_the_settings(tenant, staff_of) -> None:
    client = staff_of(tenant, ("tenants:read", "tenants:write", "models:read"))
    where = client.get("/admin/assistant/modeluse/figures/").context["settings_at"]
    assert {"default_model", "allowed_models", "llm_budget"} == set(client.get(where).context["form"].fields)


def test_a_model_that_the_settings_name_and_nothing_has_is_told(tenant, scope, page) -> None:
    client, _where, row = page
    model(row, "gpt-twin")
    tenant.settings = {"default_model": "gpt-typo", "allowed_models": ["gpt-twin", "gpt-gone"]}
    tenant.save()
    told = dict(client.get("/admin/assistant/modeluse/figures/").context["preferences"])
    assert told["Asked first"] == "gpt-typo (no model that may be asked is called so)"
    assert told["May be asked"] == "gpt-twin, gpt-gone (no model that may be asked is called so)"


def test_a_list_without_rows_says_where_to_begin_and_one_without_a_match_says_that(tenant, staff_of) -> None:
    client, where = staff_of(tenant, ("models:read", "models:write")), url(LanguageModel, "changelist")
    empty, searched = (client.get(where, {"q": words} if words else {}).content.decode() for words in ("", "gpt"))
    assert "Add a provider with its key first" in empty and "Add language model" in empty
    assert "Nothing matches" in searched and "Add a provider" not in searched
