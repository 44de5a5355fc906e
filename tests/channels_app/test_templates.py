"""Message templates: variables, languages, and what each kind of channel makes of them (MSG-6)."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import Content, TemplateUse
from channels_app.contract import RemoteTemplate, TemplateStatus, Unreachable
from channels_app.models import Channel, MessageTemplate
from channels_app.templates.resolve import (
    Variant,
    language_of,
    render,
    template_resolved,
    templates_approved,
    variables_in,
)
from channels_app.templates.store import TemplateBody, template_create
from channels_app.templates.sync import template_status_apply, templates_sync, templates_sync_all
from tenants.errors import Conflict, NotFound, Unprocessable
from tenants.scope import tenant_scope
from tests.factories import ChannelFactory


@pytest.fixture
def whatsapp(scope) -> Channel:
    return ChannelFactory(
        tenant=scope,
        kind="whatsapp",
        config={"phone_number_id": "400000000000001", "waba_id": "300000000000001"},
        secrets={"access_token": "t", "app_secret": "s", "verify_token": "v"},
    )


@pytest.fixture
def sms(scope) -> Channel:
    return ChannelFactory(tenant=scope, kind="sms")


def own(name: str = "order_shipped", **variants: Any) -> MessageTemplate:
    return template_create(name=name, variants=TemplateBody(name=name, variants=variants).variants)


def said(words: str, **parts: Any) -> dict[str, Any]:
    return {"content": {"type": "text", "text": words}, **parts}


def use(name: str = "order_shipped", language: str | None = None, **variables: str) -> Content:
    named = {"language": language} if language else {}
    return Content(type="template", template=TemplateUse(name=name, variables=variables, **named))


def listed(language: str = "en_US", status: str = "approved", words: str = "Order {{1}} is here.", **facts: Any) -> Any:
    facts = {"name": "order_shipped", "category": "utility", **facts}
    return RemoteTemplate(language=language, status=status, text=words, **facts)


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> list[RemoteTemplate]:
    """What the platform lists."""
    templates: list[RemoteTemplate] = []
    monkeypatch.setattr(WhatsApp, "templates", lambda self, config, http: list(templates))
    return templates


# ---------------------------------------------------------------------------- variables


def test_variables_are_found_in_every_text_once() -> None:
    content = {
        "type": "carousel",
        "cards": [{"title": "{{ name }}", "url": "https://a.de/{{order}}", "buttons": []}],
        "text": "{{name}} {{not a variable}} {{header.1}}",
    }
    assert variables_in(content) == ["name", "order", "header.1"]


def test_values_are_filled_in_once_and_as_they_are() -> None:
    content = render({"type": "text", "text": "{{a}} & {{b}}"}, {"a": "{{b}}", "b": "<b>*x*</b>"})
    assert content.text == "{{b}} & <b>*x*</b>"


def test_a_missing_value_is_named() -> None:
    with pytest.raises(Unprocessable) as caught:
        render({"type": "text", "text": "{{a}} {{b}} {{c}}"}, {"b": "x"})
    assert (caught.value.code, caught.value.details) == ("template_variable_missing", {"variables": ["a", "c"]})


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ({"type": "text", "text": "{{x}}"}, "w" * 4097),
        ({"type": "text", "text": "{{x}}"}, "  "),
        ({"type": "text", "text": "a", "buttons": [{"type": "url", "title": "t", "url": "https://a.de/{{x}}"}]}, "a b"),
        ({"type": "text", "text": "a", "quick_replies": [{"title": "{{x}}", "payload": "p"}]}, "t" * 21),
    ],
    ids=["text too long", "nothing left", "no address any more", "title too long"],
)
def test_limits_are_checked_after_rendering(content, value) -> None:
    with pytest.raises(Unprocessable) as caught:
        render(content, {"x": value})
    assert caught.value.code == "template_invalid"
    assert value.strip() not in str(caught.value.details) or not value.strip()


@pytest.mark.parametrize(
    "content",
    [
        {"type": "text"},
        {"type": "text", "text": "x", "format": "native"},
        {"type": "template", "template": {"name": "other"}},
        {"type": "text", "text": "x", "colour": "red"},
    ],
    ids=["no words", "native", "a template", "unknown member"],
)
def test_a_variant_that_can_never_be_sent_is_not_stored(content) -> None:
    with pytest.raises(ValidationError):
        Variant(content=content)


def test_a_title_and_an_address_may_be_longer_before_they_are_filled_in() -> None:
    button = {"type": "url", "title": "Track {{order_number}}", "url": "{{link}}"}
    assert Variant(content={"type": "text", "text": "Hi", "buttons": [button]})


# ---------------------------------------------------------------------------- languages


@pytest.mark.parametrize(
    ("known", "wanted", "found"),
    [
        (("en", "de"), ["de"], "de"),
        (("en", "de"), ["en-GB"], "en"),
        (("en_US", "de"), ["en"], "en_US"),
        (("en_US", "pt_BR"), ["pt-br"], "pt_BR"),
        (("en_GB", "en_US"), ["en-AU"], "en_GB"),
        (("de", "it"), ["fr", "it"], "it"),
        (("it", "de"), ["fr", "", "es"], "de"),
    ],
    ids=["same", "base", "sister", "spelling", "first sister", "the tenant's", "first by name"],
)
def test_the_nearest_language_is_taken(known, wanted, found) -> None:
    assert language_of(dict.fromkeys(known, {}), wanted) == found


# ----------------------------------------------------------------------------- channels


def test_elsewhere_it_is_the_content_of_the_persons_language(sms) -> None:
    own(en=said("Hello {{name}}, {{order}}", defaults={"name": "there"}), de=said("Hallo {{order}}"))
    assert template_resolved(sms, use(order="7"), ["de", "en"]).text == "Hallo 7"
    assert template_resolved(sms, use(order="7", language="en-GB"), ["de"]).text == "Hello there, 7"


def test_on_whatsapp_it_is_the_approved_one_with_its_parameters(whatsapp, platform) -> None:
    platform.append(listed())
    templates_sync(whatsapp)
    mapping = {"language": "en_US", "parameters": {"1": "{{order}} for {{name}}"}}
    own(en=said("Hello {{name}}, {{order}}", defaults={"name": "you"}, external=mapping))
    sent = template_resolved(whatsapp, use(order="7"), ["en"])
    assert sent.type == "template"
    assert sent.text == "Order 7 for you is here."
    assert sent.template == TemplateUse(name="order_shipped", language="en_US", variables={"1": "7 for you"})


def test_the_approved_one_may_have_another_name(whatsapp, platform) -> None:
    platform.append(listed(name="shipped_v2"))
    templates_sync(whatsapp)
    own(en=said("x {{order}}", external={"template": "shipped_v2", "parameters": {"1": "{{order}}"}}))
    sent = template_resolved(whatsapp, use(order="7"), ["en"]).template
    assert sent is not None
    assert sent.name == "shipped_v2"


def test_the_platforms_template_can_be_used_by_its_own_name(whatsapp, platform) -> None:
    platform.append(listed())
    templates_sync(whatsapp)
    sent = template_resolved(whatsapp, use(**{"1": "7", "extra": "x"})).template
    assert sent is not None
    assert sent.variables == {"1": "7"}  # the platform counts them (132000)
    with pytest.raises(Unprocessable) as caught:
        template_resolved(whatsapp, use())
    assert caught.value.details == {"variables": ["1"]}


@pytest.mark.parametrize(
    "facts", [{"status": "paused"}, {"status": "rejected"}, {"unsupported": "header:image"}], ids=str
)
def test_what_is_not_approved_is_refused_and_not_offered(whatsapp, platform, facts) -> None:
    platform.append(listed(**facts))
    templates_sync(whatsapp)
    assert templates_approved(whatsapp) == []
    with pytest.raises(Unprocessable) as caught:
        template_resolved(whatsapp, use(**{"1": "7"}))
    assert caught.value.code == "template_not_approved"
    own(en=said("ours {{1}}"))
    assert template_resolved(whatsapp, use(**{"1": "7"})).text == "ours 7"


def test_an_unknown_template_is_not_found_and_another_tenants_neither(whatsapp, other_tenant) -> None:
    with tenant_scope(other_tenant.id):
        own(en=said("theirs"))
    with pytest.raises(NotFound) as caught:
        template_resolved(whatsapp, use())
    assert caught.value.code == "template_not_found"


def test_a_platform_that_cannot_be_asked_has_the_last_word(scope) -> None:
    messenger = ChannelFactory(tenant=scope, kind="messenger")
    assert template_resolved(messenger, use("utility_1")) == use("utility_1")


def test_two_of_one_name_cannot_both_be_stored(scope) -> None:
    own(en=said("one"))
    with pytest.raises(Conflict) as caught:
        own(en=said("two"))
    assert caught.value.code == "template_exists"


# --------------------------------------------------------------------------------- sync


def test_a_sync_makes_our_rows_what_the_platform_lists(whatsapp, platform) -> None:
    mine = own("mine", en=said("x"))
    platform += [listed(), listed("de", "pending"), listed(name="gone")]
    assert templates_sync(whatsapp) == 2
    platform[:] = [listed(status="paused"), listed("de")]
    assert templates_sync(whatsapp) == 1
    row = MessageTemplate.objects.get(channel=whatsapp)
    assert {language: variant["external"]["status"] for language, variant in row.variants.items()} == {
        "en_US": "paused",
        "de": "approved",
    }
    assert MessageTemplate.objects.filter(id=mine.id).exists()


def test_a_sync_that_fails_changes_nothing(whatsapp, platform, monkeypatch) -> None:
    platform.append(listed())
    templates_sync(whatsapp)

    def away(self: Any, config: Any, http: Any) -> Any:
        raise Unreachable("connect_failed")

    monkeypatch.setattr(WhatsApp, "templates", away)
    assert templates_sync_all() == [(whatsapp, None)]
    assert MessageTemplate.objects.filter(channel=whatsapp).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_syncs_at_once_are_one(whatsapp, platform, monkeypatch) -> None:
    platform.append(listed())
    manager = type(MessageTemplate.objects)
    create = manager.create

    def second(self: Any, **fields: Any) -> Any:
        create(self, **{**fields, "variants": {"written by the quicker one": {}}})
        return create(self, **fields)

    monkeypatch.setattr(manager, "create", second)
    templates_sync(whatsapp)
    assert list(MessageTemplate.objects.get(channel=whatsapp).variants) == ["en_US"]


def test_a_verdict_counts_at_once_whatever_the_spelling_of_the_language(whatsapp, platform) -> None:
    platform.append(listed(status="pending"))
    templates_sync(whatsapp)
    for _ in range(2):
        assert template_status_apply(whatsapp, TemplateStatus("order_shipped", "en-US", "approved"))
    assert templates_approved(whatsapp) == [{"name": "order_shipped", "language": "en_US", "variables": ["1"]}]
    assert not template_status_apply(whatsapp, TemplateStatus("unheard_of", "en", "approved"))
    assert not template_status_apply(whatsapp, TemplateStatus("order_shipped", "fr", "approved"))
