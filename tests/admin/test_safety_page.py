"""Safety rules are a form, of people's and of our own words; a message says in words what was found in it (MSG-3, TEN-2)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from channels_app.content.types import Content, text
from conversations.models import Message
from conversations.safety import hidden_in
from tenants.models import AuditEntry, Tenant
from tenants.tenant_settings import FLAGS, SafetyRules, TenantSettings, settings_for
from tests.factories import ConversationFactory, MessageFactory

pytestmark = pytest.mark.django_db

LIMITS = {"max_length": "4096", "max_links": "5", "card_numbers": "on", "words": ""}


@pytest.fixture
def boss(tenant: Tenant, staff_of: Any) -> Client:
    return staff_of(tenant, ("tenants:read", "tenants:write"))


def address(tenant: Tenant) -> str:
    return f"/admin/tenants/tenant/{tenant.id}/safety/"


def test_what_is_entered_is_stored_holds_and_is_shown_again(tenant, boss) -> None:
    tenant.settings = {"bot_name": "Ada"}
    tenant.save()
    chosen = {
        "mask": ["card_number", "email"],
        "keep": ["email"],
        "review": ["too_long"],
        "replies_mask": ["card_number"],
    }
    answer = boss.post(address(tenant), {**LIMITS, **chosen, "max_links": "2", "words": "fool\n\nvery bad"})
    assert answer.status_code == 302
    tenant.refresh_from_db()
    assert tenant.settings == {
        "bot_name": "Ada",
        "safety": {
            "max_links": 2, "words": ["fool", "very bad"], "mask": ["card_number", "email"], "keep": ["email"],
            "review": ["too_long"], "replies": {"mask": ["card_number"]},
        },
    }  # fmt: skip
    assert settings_for(tenant.id).safety.mask == ("card_number", "email")
    page = boss.get(address(tenant)).content.decode()
    for name, kinds in chosen.items():
        assert [f'name="{name}" value="{kind}"' in page for kind in kinds] == [True] * len(kinds)
    assert page.count(" checked>") == 5 + 1  # the switch that looks for cards
    assert "fool\nvery bad" in page
    assert AuditEntry.objects.unscoped().filter(tenant=tenant, changes__about="safety").count() == 1


def test_the_form_has_every_rule_and_every_kind(tenant, boss) -> None:
    form = boss.get(address(tenant)).context["form"]
    columns = {name.removeprefix("replies_") for name in form.fields}
    assert columns == set(SafetyRules.model_fields) - {"replies"}
    page = boss.get(address(tenant)).content.decode()
    assert all(called.replace("'", "&#x27;") in page for called in FLAGS.values())


def test_what_holds_by_itself_is_stored_as_nothing(tenant, boss) -> None:
    boss.post(address(tenant), LIMITS)
    tenant.refresh_from_db()
    assert tenant.settings == {"safety": {}}
    assert settings_for(tenant.id) == TenantSettings()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"max_length": "0"}, "greater than or equal to 1"),
        ({"mask": ["too_long"]}, "not one of the available choices"),
        ({"keep": ["email"]}, "tick “Hide” as well"),
        ({"words": f"fine\n{'x' * 101}\n{'y' * 102}"}, "“xxxxxxxxxxxxxxxxxxxxxxxxxxxxx…” has 101 characters"),
        ({"words": f"fine\n{'x' * 101}\n{'y' * 102}"}, "“yyyyyyyyyyyyyyyyyyyyyyyyyyyyy…” has 102 characters"),
        ({"words": "\n".join(f"w{number}" for number in range(2_001))}, "At most 2,000 words: these are 2,001."),
        ({"words": "heck\ndarn\nheck\ndarn"}, "“darn” stands in the list twice."),
        ({"words": "heck\nHeck"}, "“Heck” stands in the list twice."),
    ],
    ids=[
        "limit",
        "a kind that cannot be hidden",
        "kept but not hidden",
        "a long word",
        "another one",
        "many words",
        "twice",
        "twice in another case",
    ],
)
def test_what_cannot_hold_is_told(tenant, boss, sent: dict[str, Any], told: str) -> None:
    answer = boss.post(address(tenant), {**LIMITS, **sent})
    assert answer.status_code == 200
    assert told in answer.content.decode()
    assert Tenant.objects.get(id=tenant.id).settings == tenant.settings


def test_a_reader_sees_it_and_changes_nothing(tenant, staff_of) -> None:
    reader = staff_of(tenant, ("tenants:read",))
    page = reader.get(address(tenant)).content.decode()
    assert ("Save</button>" in page, "disabled" in page) == (False, True)
    assert reader.post(address(tenant), LIMITS).status_code == 403


def test_another_tenants_rules_are_not_seen(other_tenant, boss) -> None:
    assert boss.get(address(other_tenant)).status_code in (302, 404)
    assert boss.post(address(other_tenant), LIMITS).status_code in (302, 404)
    assert Tenant.objects.get(id=other_tenant.id).settings == other_tenant.settings


# -------------------------------------------------------------------------- a message's page


@pytest.fixture
def message(tenant: Tenant, scope: Tenant) -> Message:
    scope.settings = {"safety": {"mask": ["email"], "keep": ["email"]}}
    scope.save()
    content, hidden = hidden_in(tenant.id, text("write to ann@example.com"))
    analysis = {"entities": [{"type": "money", "value": "5 EUR"}], "flags": ["email", "too_long"], **hidden.to_json()}
    conversation = ConversationFactory(tenant=tenant)
    return MessageFactory(
        tenant=tenant, conversation=conversation, text=content.text, content=content.to_json(), analysis=analysis
    )


def test_a_message_says_in_words_what_was_found(message, tenant, staff_of) -> None:
    reader = staff_of(tenant, ("messages:read", "conversations:read"))
    page = reader.get(f"/admin/conversations/message/{message.id}/change/").content.decode()
    assert ("an e-mail address (hidden); too long" in page, "money: 5 EUR" in page) == (True, True)
    assert ("sealed" in page, "Show what was hidden" in page) == (False, False)


def test_what_is_kept_is_shown_to_those_who_may_and_audited(message, tenant, staff_of) -> None:
    one = staff_of(tenant, ("messages:read", "messages:reveal", "conversations:read"))
    assert "Show what was hidden" in one.get(f"/admin/conversations/message/{message.id}/change/").content.decode()
    where = f"/admin/conversations/message/{message.id}/hidden/"
    assert one.get(where).status_code == 302
    answer = one.post(where)
    assert "ann@example.com" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert AuditEntry.objects.unscoped().filter(tenant=tenant, action="message.revealed").count() == 1


def test_others_may_not(message, tenant, other_tenant, staff_of) -> None:
    where = f"/admin/conversations/message/{message.id}/hidden/"
    assert staff_of(tenant, ("messages:read", "messages:write")).post(where).status_code == 403
    assert staff_of(other_tenant, ("messages:read", "messages:reveal")).post(where).status_code == 404


def test_an_answer_says_how_it_came_about(tenant, staff_of) -> None:
    analysis = {"intent": "order_status", "confidence": 0.9, "engine": "builtin", "degraded": False}
    said = Content(type="text", text="It is on its way.").to_json()
    row = MessageFactory(
        tenant=tenant, conversation=ConversationFactory(tenant=tenant), role="bot", direction="outbound", content=said,
        analysis=analysis,
    )  # fmt: skip
    page = staff_of(tenant, ("messages:read",)).get(f"/admin/conversations/message/{row.id}/change/").content.decode()
    assert "confidence: 0.9; engine: builtin; intent: order_status" in page
