"""A channel's page: a test message through the real adapter, told in words; a script tag; health with proof (ADM-1, CH-2)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from channels_app.health import State
from channels_app.models import Channel
from channels_app.services import channel_save
from conversations.models import Message
from messaging.admin.channels.page import NO_SITE
from messaging.admin.channels.trial import outcome_of
from messaging.health.report import channel_report
from messaging.health.watch import channel_check
from messaging.models import Delivery
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests.admin.conftest import rows, url
from tests.factories import ChannelFactory, DeliveryFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def sms(tenant: Tenant) -> Channel:
    from channels_app.twin.platforms import PLATFORMS

    with tenant_scope(tenant.id):
        channel = Channel(tenant=tenant, kind="sms", name="Texts")
        return channel_save(channel, config=PLATFORMS["sms"].channel_config("http://127.0.0.1:8900"))


@pytest.fixture
def keeper(tenant: Tenant, staff_of: Any) -> Client:
    return staff_of(tenant, ("channels:read", "channels:write"))


def address(channel: Channel) -> str:
    return f"/admin/channels_app/channel/{channel.id}/try/"


def test_a_test_message_goes_the_way_of_every_other(sms, keeper, tenant) -> None:
    assert "Send a test message" in keeper.get(url(Channel, "change", sms.pk)).content.decode()
    answer = keeper.post(address(sms), {"address": "+15550100001", "words": "One, two"})
    message = rows(Message).get(text="One, two")
    assert answer["Location"] == f"{address(sms)}?message={message.id}"
    assert rows(Delivery).get(message=message).channel_id == sms.pk
    page = keeper.get(answer["Location"]).content.decode()
    assert ("a worker takes it in a moment" in page, 'http-equiv="refresh"' in page) == (True, True)
    assert 'http-equiv="refresh"' not in keeper.get(answer["Location"] + "&look=20").content.decode()
    assert rows(AuditEntry).filter(tenant=tenant, action="channel.tried").count() == 1


@pytest.mark.parametrize(
    ("facts", "tone", "words"),
    [
        ({"status": "sent"}, "success", "has taken it"),
        ({"status": "delivered"}, "success", "It has arrived."),
        ({"status": "read"}, "success", "was read"),
        (
            {"status": "failed", "error_detail": "The number is gone."},
            "danger",
            "could not be sent. The number is gone.",
        ),
        ({"status": "queued", "attempts": 1, "error_code": "busy"}, "danger", "is tried again. busy"),
        ({"status": "queued"}, "info", "on its way"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value.replace(" ", "-"),
)
def test_the_outcome_is_told_in_words(sms, tenant, facts: dict[str, Any], tone: str, words: str) -> None:
    with tenant_scope(tenant.id):
        outcome = outcome_of(DeliveryFactory(tenant=tenant, channel=sms, **facts), sms)
    assert (outcome.tone, words in outcome.words) == (tone, True)


def test_a_wrong_address_and_no_words_are_told_and_nothing_is_stored(sms, keeper) -> None:
    assert "phone number" in keeper.post(address(sms), {"address": "bob", "words": "Hi"}).content.decode()
    assert "Write something to send." in keeper.post(address(sms), {"address": "+15550100001"}).content.decode()
    assert not rows(Message).exists()


def test_others_may_not_try_it(sms, staff_of, tenant, other_tenant) -> None:
    sent = {"address": "+15550100001", "words": "Hi"}
    assert staff_of(tenant, ("channels:read",)).post(address(sms), sent).status_code == 403
    assert staff_of(other_tenant).post(address(sms), sent).status_code == 404
    assert not rows(Message).exists()


def test_where_people_write_first_there_is_no_test_message(keeper, tenant) -> None:
    web = ChannelFactory(tenant=tenant)
    assert "Send a test message" not in keeper.get(url(Channel, "change", web.pk)).content.decode()
    assert keeper.get(address(web)).status_code == 403


# -------------------------------------------------------------------------------- a widget


def test_a_widget_has_a_script_tag_and_no_webhook_address(keeper, tenant) -> None:
    web = ChannelFactory(tenant=tenant, config={"allowed_origins": ["https://shop.example.com"]})
    page = keeper.get(url(Channel, "change", web.pk)).content.decode()
    assert (f"data-channel=&quot;{web.key}&quot;" in page, "Webhook address" in page, NO_SITE in page) == (
        True,
        False,
        False,
    )


def test_a_widget_that_no_site_may_show_says_so_and_is_not_green(keeper, tenant) -> None:
    web = ChannelFactory(tenant=tenant, config={})
    assert NO_SITE.replace("'", "&#x27;") in keeper.get(url(Channel, "change", web.pk)).content.decode()
    with tenant_scope(tenant.id):
        report = channel_report(web, channel_check(web))
    assert report.state == State.UNCHECKED
    assert [problem.what for problem in report.problems] == ["No site may show this widget yet."]
    page = keeper.post(url(Channel, "do", web.pk, "test"), follow=True)
    assert [message.level_tag for message in page.context["messages"]] == ["error"]


def test_a_widget_that_a_site_may_show_is_healthy(tenant) -> None:
    web = ChannelFactory(tenant=tenant, config={"allowed_origins": ["https://shop.example.com"]})
    with tenant_scope(tenant.id):
        assert channel_report(web, channel_check(web)).state == State.HEALTHY


def test_questions_before_the_chat_are_rows_of_a_form(superuser, tenant) -> None:
    web = ChannelFactory(tenant=tenant, config={"allowed_origins": ["*"]})
    page = superuser.get(url(Channel, "change", web.pk)).content.decode()
    assert 'name="config_pre_chat-0-label"' in page
    sent = {
        "name": "Shop", "enabled": "on", "ip_allow_list": "", "config_title": "Chat", "config_color": "#2563eb",
        "config_position": "right", "config_allowed_origins": "*", "config_triggers_a_day": "1",
        "config_pre_chat-3-name": "size", "config_pre_chat-3-label": "Size", "config_pre_chat-3-type": "select",
        "config_pre_chat-3-options": "S\nM", "config_pre_chat-3-required": "on",
        "config_pre_chat-7-name": "email", "config_pre_chat-7-label": "E-mail", "config_pre_chat-7-type": "email",
        "config_pre_chat-9-name": "", "config_pre_chat-9-label": "", "config_pre_chat-9-type": "text",
    }  # fmt: skip
    assert superuser.post(url(Channel, "change", web.pk), sent).status_code == 302
    stored = rows(Channel).get(pk=web.pk).config["pre_chat"]
    assert [(field["name"], field["type"], field["required"], field["options"]) for field in stored] == [
        ("size", "select", True, ["S", "M"]), ("email", "email", False, []),
    ]  # fmt: skip
    answer = superuser.post(url(Channel, "change", web.pk), {**sent, "config_pre_chat-3-options": ""})
    assert "row 1: a select field, and no other, has options" in answer.content.decode()
