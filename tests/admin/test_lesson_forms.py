"""Replies and questions of an intent, languages of a template and facts of a person are forms, and lose nothing (ADM-1)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from assistant.demo import INTENTS, seed_assistant
from assistant.lesson_fields import RepliesField, SlotsField
from assistant.models import Intent, LanguageModel, Provider
from channels_app.models import MessageTemplate
from channels_app.templates.form import VariantsField
from channels_app.templates.store import own_id
from conversations.models import Contact
from tests.admin.conftest import rows, url
from tests.admin.test_settings_page import as_shown
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def taught(tenant: Any) -> Any:
    seed_assistant(tenant)
    return tenant


@pytest.mark.parametrize("name", sorted(INTENTS))
def test_an_intent_that_is_saved_unchanged_stays_as_it_is(taught, staff_of, name: str) -> None:
    client = staff_of(taught, ("intents:read", "intents:write"))
    intent = rows(Intent).get(name=name)
    where = url(Intent, "change", intent.pk)
    assert client.post(where, as_shown(client, where)).status_code == 302
    after = rows(Intent).get(pk=intent.pk)
    assert (after.responses, after.slots, after.examples) == (intent.responses, intent.slots, intent.examples)


def test_what_is_written_in_rows_is_what_is_stored(tenant, staff_of) -> None:
    client = staff_of(tenant, ("intents:read", "intents:write"))
    sent = {
        "tenant": tenant.pk, "name": "size", "title": "Size", "enabled": "on", "examples": "what size\nwhich size",
        "responses-0-messages-0-type": "text", "responses-0-messages-0-text": "You take {size}.",
        "responses-1-messages-0-type": "text", "responses-1-messages-0-text": "Size {size} it is.",
        "responses-1-messages-1-type": "text", "responses-1-messages-1-text": "Anything else?",
        "responses-1-messages-1-quick_replies-0-title": "No", "responses-1-messages-1-quick_replies-0-payload": "no",
        "slots-0-name": "size", "slots-0-prompt": "How tall are you?", "slots-0-required": "on",
        "slots-0-choices-0-title": "Tall", "slots-0-choices-0-value": "L", "slots-0-choices-1-title": "M",
        "slots-0-choices-1-value": "", "slots-1-name": "", "slots-1-prompt": "", "slots-1-required": "on",
    }  # fmt: skip
    answer = client.post(url(Intent, "add"), sent)
    assert answer.status_code == 302, answer.context["adminform"].errors
    intent = rows(Intent).get(name="size")
    assert intent.responses == [
        "You take {size}.",
        ["Size {size} it is.", {"type": "text", "text": "Anything else?", "quick_replies": [
            {"title": "No", "payload": "no"}]}],
    ]  # fmt: skip
    assert intent.slots == [
        {"name": "size", "prompt": "How tall are you?", "choices": [{"title": "Tall", "value": "L"}, "M"]}
    ]
    wrong = client.post(url(Intent, "change", intent.pk), {**sent, "slots-0-name": "my size"})
    assert "A slot needs a name of letters" in wrong.content.decode()


EVERYTHING = [
    "Hi",
    ["One", {"type": "image", "media": {"url": "https://example.org/a.png", "type": "image/png", "alt_text": "A"}}],
    {"type": "carousel", "cards": [{"title": "T", "subtitle": "S", "buttons": [
        {"type": "url", "title": "Go", "url": "https://example.org"}]}]},
    {"type": "list", "text": "Pick", "sections": [{"rows": [{"title": "A", "payload": "a", "description": "first"}]}]},
    {"type": "location", "location": {"latitude": 1.5, "longitude": -2.0, "name": "Shop"}},
]  # fmt: skip


def same(field: Any, stored: Any) -> Any:
    """What is stored after it was shown and read."""
    from tenants.console.structure import shown

    return field.clean(shown(field.schema, field.prepare_value(stored)))


def without_defaults(value: Any) -> Any:
    from channels_app.content.types import Content

    return Content.model_validate(value).to_json() if isinstance(value, dict) else value


@pytest.mark.parametrize("reply", EVERYTHING, ids=["text", "several", "cards", "list", "place"])
def test_every_kind_of_reply_comes_back(reply: Any) -> None:
    (found,) = same(RepliesField(), [reply])
    parts = zip(
        found if isinstance(found, list) else [found], reply if isinstance(reply, list) else [reply], strict=True
    )
    assert [without_defaults(one) for one, _ in parts] == [
        without_defaults(one) for one in (reply if isinstance(reply, list) else [reply])
    ]


@pytest.mark.parametrize(
    "slot",
    [{"entity": "email"}, {"pattern": r"(\d+)"}, {"choices": ["A", {"title": "B", "value": "b"}]}, {"required": False}, {"retry": "Again?"}],
    ids=["entity", "pattern", "choices", "optional", "retry"],
)  # fmt: skip
def test_every_kind_of_question_comes_back(slot: dict[str, Any]) -> None:
    stored = [{"name": "x", "prompt": "X?", **slot}]
    assert same(SlotsField(), stored) == stored


def test_a_template_is_written_by_language(tenant, staff_of) -> None:
    client = staff_of(tenant, ("templates:read", "templates:write"))
    sent = {
        "tenant": tenant.pk, "name": "hello", "variants-0-key": "en", "variants-0-value-content-type": "text",
        "variants-0-value-content-text": "Hello {{name}}", "variants-0-value-defaults-0-key": "name",
        "variants-0-value-defaults-0-value": "there", "variants-1-key": "de", "variants-1-value-content-type": "text",
        "variants-1-value-content-text": "Hallo {{name}}", "variants-1-value-external-template": "hallo_1",
    }  # fmt: skip
    answer = client.post(url(MessageTemplate, "add"), sent)
    assert answer.status_code == 302, answer.context["adminform"].errors
    row = rows(MessageTemplate).get(id=own_id(tenant.id, "hello"))
    assert row.variants["en"] == {"content": {"type": "text", "text": "Hello {{name}}"}, "defaults": {"name": "there"}}
    assert row.variants["de"]["external"]["template"] == "hallo_1"
    where = url(MessageTemplate, "change", row.pk)
    assert client.post(where, as_shown(client, where)).status_code == 302
    assert rows(MessageTemplate).get(pk=row.pk).variants == row.variants
    bad = client.post(where, {**sent, "variants-0-value-content-type": "location"})
    assert "en, content" in bad.content.decode()
    named = client.post(where, {**sent, "variants-0-key": "english!"}).content.decode()
    assert ("english!: Write a language such as en or pt-BR." in named, "[key]" in named) == (True, False)


def test_every_switch_of_an_intent_says_what_it_does(tenant, staff_of) -> None:
    form = staff_of(tenant, ("intents:read", "intents:write")).get(url(Intent, "add")).context["adminform"].form
    assert [
        name for name in ("name", "title", "enabled", "handover", "confirm") if not form.fields[name].help_text
    ] == []


def test_variants_come_back() -> None:
    stored = {"en": {"content": {"type": "text", "text": "Hi {{a}}"}, "defaults": {"a": "b"}}}
    assert same(VariantsField(), stored) == stored


def test_facts_in_words_are_edited_and_the_others_stay(tenant, staff_of) -> None:
    contact = ContactFactory(
        tenant=tenant, profile={"size": "M", "orders": 3, "tags": ["vip"]}, preferences={"news": True}
    )
    client = staff_of(tenant, ("contacts:read", "contacts:write"))
    where = url(Contact, "change", contact.pk)
    posted = as_shown(client, where)
    assert client.post(where, posted).status_code == 302
    held = rows(Contact).get(pk=contact.pk)
    assert (held.profile, held.preferences, held.decided) == (contact.profile, contact.preferences, None)
    client.post(where, {**posted, "profile-0-value": "L"})
    held = rows(Contact).get(pk=contact.pk)
    assert (held.profile, held.decided) == ({"size": "L", "orders": 3, "tags": ["vip"]}, "profile")


def test_no_page_that_people_write_on_shows_raw_json(taught, acme, staff_of) -> None:
    """A text area that holds JSON is left to operators."""
    client = staff_of(taught)
    pages = [
        (Intent, rows(Intent).filter(tenant=taught).first()),
        (Contact, rows(Contact).filter(tenant=taught).first()),
    ]
    for model, row in pages:
        areas = client.get(url(model, "change", row.pk)).content.decode().split("<textarea")[1:]
        held = [area.partition(">")[2].partition("</textarea>")[0].strip() for area in areas]
        assert [words for words in held if words[:1] in ("{", "[")] == []


def test_an_empty_row_that_is_kept_stands_under_the_name_of_its_list() -> None:
    field, replies = RepliesField(), [["One", {"type": "text", "text": "Two"}]]
    for name, disabled in (("responses", False), ("others", False), ("responses", True), ("responses", False)):
        page = field.widget.render(name, field.prepare_value(replies), {"disabled": disabled})
        names = set(re.findall(r'name="(.+?)"', page))
        assert {one.split("-")[0] for one in names} == {name}
        assert len(re.findall(r"\sdisabled[\s>]", page)) == (page.count(' name="') if disabled else 0)
        for empty, there in (("0-messages-2", not disabled), ("1-messages-0", not disabled), ("__0__-messages-__1__", True)):  # fmt: skip
            assert (f"{name}-{empty}-text" in names) == there


@pytest.mark.django_db
@pytest.mark.parametrize(("page", "body", "field"), [
    ("knowledgeentry", {"title": "\u200b", "answer": "Within 30 days."}, "title"),
    ("knowledgeentry", {"title": "Returns", "answer": "\u3164"}, "answer"),
    ("systemprompt", {"text": "\u200b"}, "text"),
    ("evaluationcase", {"question": "\u200b", "name": "main"}, "question"),
])  # fmt: skip
def test_a_form_of_the_console_takes_no_text_that_says_nothing(superuser, tenant, page, body, field) -> None:
    answer = superuser.post(f"/admin/assistant/{page}/add/", {"tenant": tenant.id, **body})
    assert answer.status_code == 200
    assert "Nothing of the text can be seen." in answer.context["adminform"].form.errors[field]


#: whose name says all there is to say
PLAIN = {"tenant", "text", "answer", "question", "note", "key", "value"}


@pytest.mark.parametrize(
    "page", ["provider", "languagemodel", "intent", "knowledgeentry", "evaluationcase", "systemprompt", "tool"]
)
def test_each_field_of_the_assistant_s_forms_says_what_it_is(superuser, page: str) -> None:
    form = superuser.get(f"/admin/assistant/{page}/add/").context["adminform"].form
    assert [name for name, field in form.fields.items() if not field.help_text and name not in PLAIN] == []
    assert not {"input_usd", "Base url", "Input usd"} & {str(field.label) for field in form.fields.values()}


def test_defaults_of_a_model_are_numbers_of_their_own(superuser, tenant) -> None:
    of = Provider.objects.unscoped().create(tenant=tenant, name="house", kind="openai")
    sent = {"tenant": tenant.pk, "provider": of.pk, "name": "m", "rank": 100, "strength": 2, "context_tokens": 8192, "input_usd": 0,
            "output_usd": 0, "temperature": "0.2", "max_tokens": ""}  # fmt: skip
    answer = superuser.post(url(LanguageModel, "add"), sent)
    assert answer.status_code == 302, answer.context["adminform"].errors
    row = rows(LanguageModel).get(name="m")
    assert row.defaults == {"temperature": 0.2}
    shown = as_shown(superuser, url(LanguageModel, "change", row.pk))
    assert (shown["temperature"], shown["max_tokens"]) == (["0.2"], [""])
    answer = superuser.post(url(LanguageModel, "change", row.pk), {**shown, "temperature": "9"})
    assert answer.context["adminform"].form.errors["temperature"]


@pytest.mark.parametrize(("page", "body", "field", "words"), [
    ("evaluationcase", {"name": "Über set!", "question": "Q"}, "name", "Letters without accents, digits, - and _ alone."),
    ("evaluationcase", {"name": "main", "question": "Q", "language": "deutsch"}, "language", "A language has two small letters, as en."),
    ("knowledgeentry", {"title": "T", "answer": "A", "language": "1!"}, "language", "A language has two small letters, as en."),
    ("intent", {"name": "two words"}, "name", "Letters without accents, digits, - and _ alone."),
    ("tool", {"name": "Wire Money"}, "name", "Small letters, digits and _ alone, a letter first."),
    ("tool", {"schema": "{oops"}, "schema", "This is no JSON: look at its quotation marks, commas and brackets."),
    ("site", {"url": "http://10.0.0.1/sitemap.xml"}, "url", "Only https addresses are called."),
])  # fmt: skip
def test_an_error_stands_at_its_field_in_plain_words(superuser, tenant, page, body, field, words) -> None:
    answer = superuser.post(f"/admin/assistant/{page}/add/", {"tenant": tenant.id, **body})
    assert answer.context["adminform"].form.errors[field] == [words]
