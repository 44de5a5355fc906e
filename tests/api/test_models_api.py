"""Providers and language models by REST: set up, tried, counted; each tenant its own (AI-5, API-1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from assistant.engines import has_models
from assistant.llm.ask import chat
from assistant.models import LanguageModel, ModelUse, Provider
from channels_app.twin import server as twins
from tenants.models import AuditEntry
from tests.assistant.llm import model, provider, question, reachable

pytestmark = pytest.mark.django_db(transaction=True)
PROVIDERS, MODELS = "/api/v2/providers", "/api/v2/models"
SECRET = "sk-0123456789abcdef"


@pytest.fixture
def twin():
    with twins.start() as twin, reachable(twin):
        yield twin


@pytest.fixture
def client(tenant, scope, api) -> Any:
    return api(tenant)


def test_from_nothing_to_an_answer(client, twin) -> None:
    """What an integrator does: a provider, tried; a model, tried; then it answers, and what it took is told."""
    told = client.post(PROVIDERS, {"name": "own", "kind": "openai", "base_url": f"{twin.url}/v1", "key": SECRET})
    assert told.status_code == 201, told.content
    made = client.data_of(told)
    tried = client.data_of(client.post(f"{PROVIDERS}/{made['id']}/test"))
    assert (tried["ok"], tried["models"]) == (True, ["embed-twin", "gpt-twin", "gpt-twin-mini"])
    body = {"provider_id": made["id"], "name": "gpt-twin", "input_usd": 1000, "defaults": {"max_tokens": 300}}
    row = client.data_of(client.post(MODELS, body))
    assert (row["full_name"], row["defaults"]) == ("own/gpt-twin", {"max_tokens": 300})
    answer = client.data_of(client.post(f"{MODELS}/{row['id']}/test", {"text": "Hello", "system": "Be brief."}))
    assert (answer["ok"], answer["text"], answer["input_tokens"]) == (True, "You said: Hello", 3)
    assert chat(question(), purpose="answer").model == "own/gpt-twin"
    [used] = client.data_of(client.get(f"{MODELS}/use"))["items"]
    assert (used["model"], used["questions"], used["input_tokens"], used["cost_usd"]) == ("own/gpt-twin", 2, 9, 0.009)


def test_the_key_is_never_told(client, twin) -> None:
    made = client.post(PROVIDERS, {"name": "own", "kind": "openai", "base_url": f"{twin.url}/v1", "key": SECRET})
    where = f"{PROVIDERS}/{client.data_of(made)['id']}"
    answers = [made, client.get(where), client.get(PROVIDERS), client.patch(where, {"enabled": False})]
    assert not any(SECRET in answer.content.decode() for answer in answers)
    assert client.data_of(client.get(where))["key"] == "••••cdef"
    assert SECRET not in str(list(AuditEntry.objects.values()))
    assert Provider.objects.get().key == SECRET


def test_another_address_needs_the_key_anew(client, twin, tenant) -> None:
    row = provider(tenant, twin, key=SECRET)
    where, there = f"{PROVIDERS}/{row.id}", f"{twin.url}/other/v1"
    assert client.error_of(client.patch(where, {"base_url": there}))["code"] == "secrets_required"
    assert client.error_of(client.patch(where, {"base_url": there, "key": ""}))["code"] == "secrets_required"
    row.refresh_from_db()
    assert (row.base_url, row.key) == (f"{twin.url}/v1", SECRET)
    assert client.patch(where, {"base_url": there, "key": "another-key-for-it"}).status_code == 200


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/v1", "http://169.254.169.254/latest", "https://user:pw@llm.example.com/v1"]
)
def test_private_addresses_are_refused(client, address: str) -> None:
    with override_settings(ENV={**settings.ENV, "OUTBOUND_ALLOW_HOSTS": []}):
        told = client.post(PROVIDERS, {"name": "own", "kind": "compatible", "base_url": address})
    assert client.error_of(told)["code"] == "invalid_provider"
    assert not Provider.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "mistral"}, {"name": ""}, {"name": "Two words"}, {"base_url": "ftp://x"}, {"key": "a b"}, {"x": 1},
     {"requests_per_minute": -1}, {"kind": "compatible"}],
)  # fmt: skip
def test_what_is_no_provider_is_refused(client, wrong: dict[str, Any]) -> None:
    assert client.post(PROVIDERS, {"name": "own", "kind": "openai", **wrong}).status_code == 400
    assert not Provider.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"capabilities": ["magic"]}, {"context_tokens": 1}, {"input_usd": -1}, {"defaults": {"top_k": 1}},
     {"defaults": {"temperature": 3}}, {"strength": 4}, {"x": 1}, {"purposes": ["answers"]}, {"languages": ["klingon"]}, {"languages": ["DE"]}],
)  # fmt: skip
def test_what_is_no_model_is_refused(client, twin, tenant, wrong: dict[str, Any]) -> None:
    body = {"provider_id": str(provider(tenant, twin).id), "name": "m", **wrong}
    assert client.post(MODELS, body).status_code == 400
    assert not LanguageModel.objects.exists()


def test_names_are_taken_once(client, twin, tenant) -> None:
    first, second = provider(tenant, twin), provider(tenant, twin, "compatible")
    model(first, "m")
    other = model(first, "n")
    answers = [
        client.post(PROVIDERS, {"name": first.name, "kind": "openai"}),
        client.patch(f"{PROVIDERS}/{second.id}", {"name": first.name}),
        client.post(MODELS, {"provider_id": str(first.id), "name": "m"}),
        client.patch(f"{MODELS}/{other.id}", {"name": "m"}),
    ]
    assert [client.error_of(one)["code"] for one in answers] == ["provider_exists"] * 2 + ["model_exists"] * 2
    assert client.post(MODELS, {"provider_id": str(second.id), "name": "m"}).status_code == 201


def test_a_try_tells_what_is_wrong(client, twin, tenant) -> None:
    row = model(provider(tenant, twin))
    twin.faults.order("refuse_token", times=2)
    tried = client.data_of(client.post(f"{PROVIDERS}/{row.provider_id}/test"))
    assert (tried["ok"], tried["code"], tried["models"]) == (False, "llm_denied", [])
    answer = client.data_of(client.post(f"{MODELS}/{row.id}/test", {"text": "Hello"}))
    assert (answer["ok"], answer["code"], answer["text"]) == (False, "llm_denied", "")


def test_no_tenant_reaches_anothers(client, twin, tenant, other_tenant, api) -> None:
    row = model(provider(tenant, twin))
    chat(question(), purpose="answer")
    stranger = api(other_tenant)
    for where in (f"{PROVIDERS}/{row.provider_id}", f"{MODELS}/{row.id}"):
        answers = [
            stranger.get(where), stranger.patch(where, {"enabled": False}), stranger.delete(where),
            stranger.post(f"{where}/test", {"text": "x"} if where.startswith(MODELS) else None),
        ]  # fmt: skip
        assert [answer.status_code for answer in answers] == [404] * 4
    assert stranger.error_of(stranger.post(MODELS, {"provider_id": str(row.provider_id), "name": "m"}))["code"] == (
        "provider_not_found"
    )
    assert all(stranger.data_of(stranger.get(one))["items"] == [] for one in (PROVIDERS, MODELS, f"{MODELS}/use"))
    assert ModelUse.objects.count() == LanguageModel.objects.filter(enabled=True).count() == 1


def test_with_a_provider_go_its_models(client, twin, tenant) -> None:
    row = model(provider(tenant, twin))
    assert client.delete(f"{PROVIDERS}/{row.provider_id}").status_code == 204
    assert not LanguageModel.objects.exists()
    acts = AuditEntry.objects.filter(action__startswith="provider.").values_list("action", flat=True)
    assert list(acts) == ["provider.deleted"]


def test_reading_needs_one_permission_and_writing_another(tenant, scope, twin, api) -> None:
    row, reader = model(provider(tenant, twin)), api(tenant, "models:read")
    assert {reader.get(one).status_code for one in (PROVIDERS, MODELS, f"{MODELS}/use")} == {200}
    writes = [
        reader.post(PROVIDERS, {"name": "a", "kind": "openai"}), reader.patch(f"{MODELS}/{row.id}", {"rank": 1}),
        reader.post(f"{PROVIDERS}/{row.provider_id}/test"), reader.post(f"{MODELS}/{row.id}/test", {"text": "x"}),
    ]  # fmt: skip
    assert [one.status_code for one in writes] == [403] * 4


def test_what_is_switched_counts_with_the_next_question(client, twin, tenant) -> None:
    """The console saves the row, REST changes its columns: what is remembered of it goes by both."""
    served = provider(tenant, twin)
    named = model(served)
    for place in (f"{MODELS}/{named.pk}", f"{PROVIDERS}/{served.pk}"):
        for enabled in (False, True):
            assert has_models() is not enabled  # and is remembered
            assert client.patch(place, {"enabled": enabled}).status_code == 200
            assert has_models() is enabled
