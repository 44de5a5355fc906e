"""Names that look alike are one name, and none is invisible: labels, teams, roles, keys and channels."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from django import forms
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from assistant.models import Intent
from conversations.models import Contact
from messaging.agents.models import Label
from tenants.console.grants import Named
from tenants.models import Role
from tenants.names import name_clean
from tests.factories import ContactFactory

ALIKE = [
    "VI\u200bP",
    "\u202eVIP",
    "VIP\u200f",
    "V\u200dIP",
    "VIP\u200c",
    "V\u00adIP",
    "\ufeffVIP",
    " VIP\u2028",
    "VI\x07P",
    "V\U000e0041IP",
]
UNSEEN = ["\u200b", "\u3164", "\u200d\u200d", "\u202e\u2066", "\u2028", " \u00a0 "]
KEPT = [
    "Zoë & Co.", "می\u200cخواهم", "👩\u200d🚀 crew", "क्\u200dष", "Ünïcode", "日本", "Ⅷ", "a\u00a0b",
]  # fmt: skip


@pytest.mark.parametrize("name", ALIKE)
def test_what_is_not_seen_makes_no_other_name(name) -> None:
    assert name_clean(name) == "VIP"


@pytest.mark.parametrize("name", UNSEEN)
def test_of_some_nothing_is_left(name) -> None:
    assert name_clean(name) == ""


@pytest.mark.parametrize("name", KEPT)
def test_what_is_seen_stays(name) -> None:
    assert name_clean(name) == name.replace("\u00a0", " ")


def test_letters_are_composed_and_lines_joined() -> None:
    assert name_clean("Cafe\u0301\r\nBar\t 2") == "Caf\u00e9 Bar 2"


@given(st.text(max_size=60))
def test_a_clean_name_is_clean(name) -> None:
    clean = name_clean(name)
    assert name_clean(clean) == clean
    assert "\n" not in clean


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "body", "taken"),
    [
        ("/api/v2/labels", {}, "label_exists"),
        ("/api/v2/teams", {}, "team_exists"),
        ("/api/v2/roles", {"permissions": ["messages:read"]}, "role_exists"),
    ],
)
def test_a_second_one_that_looks_the_same_is_refused(api, tenant, path, body, taken) -> None:
    client = api(tenant)
    made = client.post(path, {**body, "name": "Caf\u00e9"})
    assert made.status_code == 201
    for name in ("Cafe\u0301", "Caf\u00e9\u200b", "\u202aCaf\u00e9\u202c"):
        answer = client.post(path, {**body, "name": name})
        assert (answer.status_code, client.error_of(answer)["code"]) == (409, taken)


@pytest.mark.django_db
@pytest.mark.parametrize("name", UNSEEN[:4])
def test_a_name_that_cannot_be_seen_is_refused(api, tenant, name) -> None:
    client = api(tenant)
    for path, body in (
        ("/api/v2/labels", {}), ("/api/v2/teams", {}), ("/api/v2/roles", {"permissions": []}),
        ("/api/v2/api-keys", {"scopes": ["messages:read"]}),
    ):  # fmt: skip
        answer = client.post(path, {**body, "name": name})
        assert answer.status_code == 400
        assert [(one["field"], one["code"]) for one in client.error_of(answer)["details"]] == [("name", "name_unseen")]
    assert not Label.objects.unscoped().exists()
    assert not Role.objects.unscoped().filter(tenant=tenant, name=name).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/v2/prompts", {}, "text"),
        ("/api/v2/prompts/preview", {"text": "You answer."}, "message"),
        (
            "/api/v2/tools",
            {"name": "a", "title": "A", "schema": {"type": "object"}, "url": "https://a.example"},
            "description",
        ),
        (
            "/api/v2/tools",
            {"name": "a", "description": "A", "schema": {"type": "object"}, "url": "https://a.example"},
            "title",
        ),
        ("/api/v2/models", {"provider_id": "0192f0d0-7b1a-7c3e-9a55-000000000021"}, "name"),
    ],
)
def test_a_text_that_says_nothing_is_refused(api, tenant, path, body, field) -> None:
    client = api(tenant)
    for blank in (" ", "\n\t", "\u200b", "\u3164 "):
        answer = client.post(path, {**body, field: blank})
        assert answer.status_code == 400
        assert [(one["field"], one["code"]) for one in client.error_of(answer)["details"]] == [(field, "text_unseen")]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/api/v2/knowledge", {"answer": "Within 30 days."}, "title"),
        ("/api/v2/knowledge", {"title": "Returns"}, "answer"),
        ("/api/v2/evaluation-cases", {}, "question"),
    ],
)
def test_a_text_of_signs_that_are_not_seen_is_refused(api, tenant, path, body, field) -> None:
    client = api(tenant)
    answer = client.post(path, {**body, field: "\u200b\u3164"})
    assert [(one["field"], one["code"]) for one in client.error_of(answer)["details"]] == [(field, "text_unseen")]


SLOT = {"name": "size", "prompt": "Which size?", "choices": [{"title": "Small"}]}
UNSEEN_IN_INTENTS = {
    "title": {"title": "\u200b"},
    "examples.0": {"examples": ["\u3164"]},
    "slots.0.prompt": {"slots": [{**SLOT, "prompt": "\u200b"}]},
    "slots.0.retry": {"slots": [{**SLOT, "retry": "  "}]},
    "slots.0.choices.0.title": {"slots": [{**SLOT, "choices": [{"title": " "}]}]},
    "slots.0.choices.0.also.0": {"slots": [{**SLOT, "choices": [{"title": "S", "also": ["\n"]}]}]},
    "translations.de.title": {"translations": {"de": {"title": " "}}},
    "translations.de.slots.size.choices.0": {"translations": {"de": {"slots": {"size": {"choices": ["\u2060"]}}}}},
}


@pytest.mark.django_db
@pytest.mark.parametrize("field", UNSEEN_IN_INTENTS)
def test_what_an_intent_asks_and_offers_can_be_seen(api, tenant, field) -> None:
    answer = api(tenant).post("/api/v2/intents", {"name": "size", "slots": [SLOT], **UNSEEN_IN_INTENTS[field]})
    assert answer.status_code == 400
    told = [(one["field"], one["code"]) for one in answer.json()["error"]["details"]]
    assert told == [(field, "text_unseen")]
    columns = {name: value for name, value in UNSEEN_IN_INTENTS[field].items() if name != "title"}  # in the console
    with nullcontext() if field == "title" else pytest.raises(ValidationError):
        Intent(name="size", **columns).clean_fields(exclude={"tenant"})


@pytest.mark.django_db
def test_what_staff_call_a_person_is_one_line(api, tenant) -> None:
    contact = ContactFactory(tenant=tenant)
    answer = api(tenant).patch(f"/api/v2/contacts/{contact.id}", {"name": "Ana\u202e\nCruz"})
    assert answer.status_code == 200
    assert Contact.objects.unscoped().get(id=contact.id).name == "Ana Cruz"


class NamedForm(Named):
    name = forms.CharField()


def test_the_console_takes_names_alike() -> None:
    given, unseen = NamedForm({"name": "V\u200bIP"}), NamedForm({"name": "\u3164"})
    assert given.is_valid()
    assert given.cleaned_data == {"name": "VIP"}
    assert unseen.errors == {"name": ["Nothing of the name can be seen."]}
