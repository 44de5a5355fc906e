"""The console: every page opens, no user sees another tenant, no secret and no script gets into a page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from channels_app.contract import CheckResult
from channels_app.models import Channel
from conversations.files.media_links import media_link
from conversations.models import Contact, Conversation, Message
from messaging.live.hub import hub
from messaging.models import Delivery, InboundEvent
from tenants.access.api_keys import api_key_verify
from tenants.access.permissions import ROLES
from tenants.errors import Conflict
from tenants.models import ApiKey, AuditEntry, Membership, Removal, Role, Tenant, User
from tenants.storage.db import now
from tests.admin.conftest import SECRET, XSS, World, do, rows, url
from tests.factories import (
    ContactFactory,
    ConversationFactory,
    DeliveryFactory,
    MembershipFactory,
    MessageFactory,
    RoleFactory,
    UserFactory,
)

admin.autodiscover()
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
OWNED = [model for model in MODELS if hasattr(model._default_manager, "unscoped")]
OWN_APPS = ("tenants", "channels_app", "conversations", "assistant", "messaging")


# ---- every page -----------------------------------------------------------------------------


def test_every_page_opens_for_a_superuser(superuser: Client, acme: World, globex: World) -> None:
    """Of all models with one pair of tenants, which takes longer to make than the pages of a model."""
    there = {model: list(rows(model)) for model in MODELS}  # before the pages leave rows in the trail
    wrong = {model: [*wrong_for_a_superuser(model, there[model], superuser)] for model in MODELS}
    assert wrong == {model: [] for model in MODELS}


def wrong_for_a_superuser(model: Any, there: list[Any], superuser: Client) -> Iterator[str]:
    pages = {f"change {row.pk}": superuser.get(url(model, "change", row.pk)) for row in there}
    if not pages:
        yield "no row"
    pages |= {f"list {query}": superuser.get(url(model, "changelist"), query) for query in ({}, {"q": "acme"})}
    add = superuser.get(url(model, "add"))
    if add.status_code != (200 if admin.site._registry[model].has_add_permission(add.wsgi_request) else 403):
        yield f"add: {add.status_code}"
    for name, page in pages.items():
        if page.status_code != 200:
            yield f"{name}: {page.status_code}"
        if XSS in page.content.decode():
            yield f"{name}: a script"
    for name, page in [*pages.items(), ("add", add)]:
        if SECRET in page.content.decode():
            yield f"{name}: a secret"


def test_a_list_is_filtered_by_tenant(superuser: Client, acme: World, globex: World) -> None:
    pages = {model: superuser.get(url(model, "changelist"), {"tenant": acme.tenant.pk}) for model in OWNED}
    found = {model: {row.tenant_id for row in page.context["cl"].result_list} for model, page in pages.items()}
    assert found == dict.fromkeys(OWNED, {acme.tenant.pk})


def test_staff_see_their_own_tenants_only(staff_of: Any, acme: World, globex: World) -> None:
    client = staff_of(acme.tenant)
    listed = {
        model: client.get(url(model, "changelist")) for model in MODELS if model is not Removal
    }  # superusers' alone
    assert {model: page.status_code for model, page in listed.items()} == dict.fromkeys(listed, 200)
    assert [model for model, page in listed.items() if "globex" in page.content.decode().lower()] == []


def test_rows_of_another_tenant_do_not_exist(staff_of: Any, acme: World, globex: World) -> None:
    client = staff_of(acme.tenant)
    there = {model: [list(rows(model).filter(tenant=one.tenant)) for one in (acme, globex)] for model in OWNED}
    wrong = {model: [*wrong_for_staff(model, *there[model], client)] for model in OWNED}
    assert wrong == {model: [] for model in OWNED}


def wrong_for_staff(model: Any, own: list[Any], foreign: list[Any], client: Client) -> Iterator[str]:
    if not (foreign and own):
        yield "no rows"
    for row in foreign:
        answers = {page: client.get(url(model, page, row.pk)).status_code for page in ("change", "delete", "history")}
        answers["do"] = client.post(url(model, "do", row.pk, "retry")).status_code
        if answers not in [{"change": 302, "delete": gone, "history": 404, "do": 404} for gone in (302, 403)]:
            yield f"foreign {row.pk}: {answers}"
    for row in own:
        page = client.get(url(model, "change", row.pk))
        gone = client.get(url(model, "delete", row.pk)).status_code
        trail = client.get(url(model, "history", row.pk)).headers.get("Location")
        if (page.status_code, trail) != (200, f"{url(AuditEntry, 'changelist')}?q={row.pk}") or gone not in (200, 403):
            yield f"own {row.pk}: change {page.status_code}, delete {gone}, history {trail}"
        if "globex" in page.content.decode().lower():
            yield f"own {row.pk}: tells of another tenant"


def test_staff_without_a_membership_see_nothing(acme: World) -> None:
    client = Client()
    client.force_login(User.objects.create(username="new", is_staff=True))
    answers = {model: client.get(url(model, "changelist")).status_code for model in MODELS}
    assert answers == dict.fromkeys(MODELS, 403)


def test_viewers_change_nothing(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("channels:read", "conversations:read", "messages:read", "keys:read", "members:read",
                                    "templates:read", "contacts:read", "deliveries:read", "intents:read", "models:read", "webhooks:read",
                                    "audit:read", "tenants:read", "privacy:export", "privacy:delete"))  # fmt: skip
    answers = {}
    for model in OWNED:
        row = rows(model).filter(tenant=acme.tenant).first()
        answers[model] = [
            client.get(url(model, "change", row.pk)).status_code,
            client.post(url(model, "change", row.pk), {"name": "new"}).status_code,
            client.get(url(model, "add")).status_code,
            client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code,
            client.post(url(model, "do", row.pk, "close")).status_code,
        ]
    assert answers == dict.fromkeys(OWNED, [200, 403, 403, 403, 403])


LISTS = {
    "conversations": (Conversation, ConversationFactory),
    "messages": (Message, MessageFactory),
    "deliveries": (Delivery, DeliveryFactory),
}


@pytest.mark.parametrize(("model", "factory"), LISTS.values(), ids=LISTS)
def test_the_number_of_queries_does_not_grow_with_the_list(
    model: Any, factory: Any, superuser: Client, acme: World, django_assert_num_queries: Any
) -> None:
    superuser.get(url(model, "changelist"))  # what is read once per process
    with CaptureQueriesContext(connection) as before:
        superuser.get(url(model, "changelist"))
    for _ in range(5):
        factory(tenant=acme.tenant, **({"message__conversation__contact__name": "New"} if model is Delivery else {}))
    with django_assert_num_queries(len(before)):
        page = superuser.get(url(model, "changelist"))
    assert len(page.context["cl"].result_list) >= 6
    assert len(before) <= 12


def test_the_first_page_counts_what_wants_attention(staff_of: Any, acme: World, globex: World) -> None:
    page = staff_of(acme.tenant).get(reverse("admin:index"))
    counts = {figure["title"]: figure["count"] for figure in page.context["figures"]}
    assert counts == {
        "Open conversations": "1", "Waiting": "0", "Mine": "0", "To review": "1", "Messages not delivered": "0",
        "Requests of platforms given up": "0", "Answers given up": "0", "Files given up": "0",
        "Webhook calls given up": "0",
        "Channels not well": "1", "Paused webhook endpoints": "0", "Events not handled": "1", "Alerts not sent": "1",
    }  # fmt: skip
    for figure in page.context["figures"]:
        listed = staff_of(acme.tenant).get(figure["link"])
        assert listed.status_code == 200
        shown = listed.context["rows"] if "/inbox/" in figure["link"] else listed.context["cl"].result_list
        assert str(len(shown)) == figure["count"]


def test_agents_do_not_see_the_figures_of_those_who_look_after_the_traffic(staff_of: Any, acme: World) -> None:
    page = staff_of(acme.tenant, ROLES["agent"]).get(reverse("admin:index"))
    assert [figure["title"] for figure in page.context["figures"]] == [
        "Open conversations", "Waiting", "Mine", "To review", "Messages not delivered", "Channels not well",
    ]  # fmt: skip


def test_the_first_page_counts_who_waits_as_the_inbox_does(staff_of: Any, tenant: Tenant, superuser: Client) -> None:
    """One rule for both: a person whom a colleague answers, whom the bot answers, or who is put off waits for none."""
    asked, later = {"is_open": True, "waiting_since": now()}, now() + timedelta(hours=1)
    human = {**asked, "control_owner": "human"}
    ConversationFactory(tenant=tenant, **human, held_by="queue")
    ConversationFactory(tenant=tenant, **human, held_by="queue", snoozed_until=later)
    ConversationFactory(tenant=tenant, **human, held_by="staff")
    ConversationFactory(tenant=tenant, **asked, control_owner="bot", held_by="bot")
    client = staff_of(tenant)
    figures = {figure["title"]: figure for figure in client.get(reverse("admin:index")).context["figures"]}
    assert (figures["Waiting"]["count"], figures["Waiting"]["link"]) == ("1", "/admin/inbox/?view=waiting")
    inbox = client.get(figures["Waiting"]["link"]).context
    assert (len(inbox["rows"]), inbox["views"][0]["count"]) == (1, "1")
    listed = superuser.get(f"{url(Conversation, 'changelist')}?waiting=yes")
    assert len(listed.context["cl"].result_list) == 1
    assert "less than a minute" in listed.content.decode()


def test_the_first_page_counts_only_what_one_may_read(staff_of: Any, acme: World) -> None:
    page = staff_of(acme.tenant, ("webhooks:read",)).get(reverse("admin:index"))
    assert [figure["title"] for figure in page.context["figures"]] == [
        "Webhook calls given up", "Paused webhook endpoints",
    ]  # fmt: skip


OWN_MODELS = [model for model in apps.get_models() if model.__module__.split(".")[0] in OWN_APPS]


@pytest.mark.parametrize("model", OWN_MODELS, ids=lambda model: model._meta.label)
def test_every_row_has_a_name(model: Any) -> None:
    assert model.__str__ is not models.Model.__str__


# ---- channels -------------------------------------------------------------------------------

WHATSAPP = {
    "name": "Support", "enabled": "on", "config_api_base": "https://graph.example.com", "config_api_version": "v25.0",
    "config_phone_number_id": "777", "config_list_label": "Options",
}  # fmt: skip


def test_a_channel_is_connected(superuser: Client, tenant: Tenant) -> None:
    secrets = {"config_access_token": "token-0123456789", "config_app_secret": "s", "config_verify_token": "v"}
    assert b"WhatsApp" in superuser.get(url(Channel, "add")).content
    answer = superuser.post(url(Channel, "add") + "?kind=whatsapp", {**WHATSAPP, **secrets, "tenant": tenant.pk})
    assert answer.status_code == 302
    channel = rows(Channel).get(name="Support")
    assert channel.config["phone_number_id"] == "777"
    assert channel.secrets == {"access_token": "token-0123456789", "app_secret": "s", "verify_token": "v"}
    page = superuser.get(url(Channel, "change", channel.pk)).content.decode()
    assert f"/api/v2/webhooks/whatsapp/{channel.key}" in page
    assert "••••6789" in page
    assert "token-0123456789" not in page
    entry = rows(AuditEntry).get(action="channel.created")
    assert entry.tenant_id == tenant.pk
    assert "token-0123456789" not in str(entry.changes)


def test_what_a_widget_shows_is_set_in_the_console(superuser: Client, tenant: Tenant) -> None:
    look = {
        "config_title": "Ask us", "config_color": "#112233", "config_position": "left", "config_subtitle": "We listen",
        "config_launcher_text": "Help", "config_privacy_url": "https://shop.example.com/privacy",
        "config_starters-0-title": "Track", "config_starters-0-payload": "track",
            "config_starters-1-title": "", "config_starters-1-payload": "",  # the empty row at the end
        "config_triggers-0-text": "Any questions?", "config_triggers-0-path": "/cart*", "config_triggers_a_day": "2",
    }  # fmt: skip
    base = {"tenant": tenant.pk, "name": "Website", "enabled": "on", "rate_per_second": "", "ip_allow_list": ""}
    address = url(Channel, "add") + "?kind=web"
    refused = superuser.post(address, {**base, **look, "config_privacy_url": "javascript:alert(1)"})
    assert b"Write a web address that begins with https://." in refused.content
    both = superuser.post(address, {**base, **look, "config_privacy_url": "javascript:alert(1)", "name": ""})
    assert b"Write a web address that begins with https://." in both.content, "all that is wrong is told at once"
    assert superuser.post(address, {**base, **look}).status_code == 302
    config = rows(Channel).get(name="Website").config
    assert config["starters"] == [{"title": "Track", "payload": "track"}]
    assert (config["triggers"], config["triggers_a_day"]) == (
        [{"text": "Any questions?", "path": "/cart*", "on_exit": False}],
        2,
    )
    assert (config["subtitle"], config["launcher_text"], config["position"]) == ("We listen", "Help", "left")


def test_the_picture_of_a_member_is_an_https_address(superuser: Client, acme: World) -> None:
    member = rows(Membership).get(tenant=acme.tenant)
    address = url(Membership, "change", member.pk)
    form = {"user": member.user_id, "role": member.role_id}
    assert superuser.post(address, {**form, "picture": "http://a.example/a.png"}).status_code == 200
    assert superuser.post(address, {**form, "picture": "https://a.example/a.png"}).status_code == 302
    member.refresh_from_db()
    assert member.picture == "https://a.example/a.png"


def test_secrets_are_kept_unless_typed(superuser: Client, acme: World) -> None:
    data = {**WHATSAPP, "config_api_base": "https://graph.facebook.com", "config_access_token": "new-token"}
    assert superuser.post(url(Channel, "change", acme.channel.pk), data).status_code == 302
    stored = rows(Channel).get(pk=acme.channel.pk)
    assert stored.secrets["access_token"] == "new-token"
    assert stored.secrets["app_secret"] == SECRET + "A"
    assert stored.tenant_id == acme.tenant.pk


def test_another_address_needs_the_secrets_again(superuser: Client, acme: World) -> None:
    """Else staff who may not see a secret have it sent to a server of theirs by "Check now"."""
    change = url(Channel, "change", acme.channel.pk)
    page = superuser.post(change, {**WHATSAPP, "config_access_token": "new-token"})
    assert page.status_code == 200
    assert page.content.decode().count("Another address needs this secret typed anew.") == 2
    assert "api_base" not in rows(Channel).get(pk=acme.channel.pk).config
    typed = {"config_access_token": "t", "config_app_secret": "a", "config_verify_token": "v"}
    assert superuser.post(change, {**WHATSAPP, **typed}).status_code == 302
    stored = rows(Channel).get(pk=acme.channel.pk)
    assert stored.config["api_base"] == "https://graph.example.com"
    assert stored.secrets == {"access_token": "t", "app_secret": "a", "verify_token": "v"}


def test_an_address_in_the_private_network_is_told_at_its_field(superuser: Client, acme: World) -> None:
    typed = {"config_access_token": "t", "config_app_secret": "a", "config_verify_token": "v"}
    data = {**WHATSAPP, **typed, "config_api_base": "http://127.0.0.1:8198/x"}
    page = superuser.post(url(Channel, "change", acme.channel.pk), data)
    assert page.status_code == 200
    assert "The address is not on the public internet." in page.content.decode()


def test_a_setting_that_nothing_obeys_is_refused_in_the_console(superuser: Client, tenant: Tenant) -> None:
    data = {"name": "Acme", "slug": "acme", "status": "active", "settings": '{"engine": "own"}'}
    page = superuser.post(url(Tenant, "change", tenant.pk), data)
    assert page.status_code == 200
    assert "engine: Nothing obeys this yet" in page.content.decode()
    assert Tenant.objects.get(pk=tenant.pk).settings == {}


def test_wrong_settings_are_told_at_their_field(superuser: Client, acme: World) -> None:
    data = {**WHATSAPP, "config_phone_number_id": "not a number", "ip_allow_list": "300.1.1.1"}
    page = superuser.post(url(Channel, "change", acme.channel.pk), data)
    assert page.status_code == 200
    assert "300.1.1.1 is not a network" in page.content.decode()
    page = superuser.post(url(Channel, "change", acme.channel.pk), {**data, "ip_allow_list": ""})
    assert "Write digits only." in str(page.context["adminform"].form.errors["config_phone_number_id"])
    assert rows(Channel).get(pk=acme.channel.pk).config == {"phone_number_id": "123"}


def test_the_connection_is_tested(superuser: Client, acme: World, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(
        "messaging.admin.channels.page.channel_check", lambda channel: CheckResult("healthy", "Works as +1 555")
    )
    assert "Works as +1 555" in do(superuser, acme.channel, "test").content.decode()


# ---- conversations --------------------------------------------------------------------------


def test_a_reply_becomes_a_message_of_the_agent_once(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant)
    page = client.get(url(type(acme.conversation), "change", acme.conversation.pk)).content.decode()
    assert "&lt;script&gt;" in page
    assert "Acme number is gone" in page
    for _ in range(2):
        answer = do(client, acme.conversation, "reply", text=f"Hello {XSS}", reply_id="1")
    assert XSS not in answer.content.decode()
    message = rows(Message).get(role="agent")
    assert message.text == f"Hello {XSS}"  # a tag that is typed is words
    assert message.author is not None
    acme.conversation.refresh_from_db()
    assert acme.conversation.control_owner == "human"
    assert rows(Delivery).filter(message=message).exists()


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = []
    monkeypatch.setattr(hub, "heard", lambda group: group.startswith("conversation."))
    monkeypatch.setattr(hub, "push", lambda group, frame: frames.append(frame))
    return frames


def test_who_opens_a_conversation_has_read_it(staff_of: Any, acme: World, pushed: list[Any]) -> None:
    address = url(type(acme.conversation), "change", acme.conversation.pk)
    for _ in range(2):
        staff_of(acme.tenant).get(address)
    acme.conversation.refresh_from_db()
    assert acme.conversation.agent_read_seq == acme.conversation.last_seq == 2
    assert pushed == [{"t": "read", "by": {"role": "agent"}, "seq": 2}]


def test_who_may_not_read_messages_has_read_nothing(staff_of: Any, acme: World, globex: World) -> None:
    address = url(type(acme.conversation), "change", acme.conversation.pk)
    staff_of(acme.tenant, ("conversations:read",)).get(address)
    staff_of(globex.tenant).get(address)
    acme.conversation.refresh_from_db()
    assert acme.conversation.agent_read_seq == 0


def test_the_reply_form_shows_that_an_agent_types(staff_of: Any, acme: World, pushed: list[Any]) -> None:
    client = staff_of(acme.tenant)
    page = client.get(url(type(acme.conversation), "change", acme.conversation.pk)).content.decode()
    assert f'data-typing="{url(type(acme.conversation), "do", acme.conversation.pk, "typing")}"' in page
    pushed.clear()
    for on in ("1", "1", ""):
        do(client, acme.conversation, "typing", on=on)
    assert [(frame["t"], frame["on"]) for frame in pushed] == [("typing", True), ("typing", False)]
    reader = staff_of(acme.tenant, ("conversations:read", "messages:read"))
    assert do(reader, acme.conversation, "typing", on="1").status_code == 403


CONTENTS: dict[str, tuple[dict[str, Any], str]] = {
    "markup": ({"type": "text", "text": XSS}, "&lt;script&gt;alert"),
    "buttons": (
        {"type": "text", "text": "a", "buttons": [{"type": "url", "title": "Shop", "url": "https://a.example"}]},
        "Shop",
    ),
    "quick replies": ({"type": "text", "text": "a", "quick_replies": [{"title": XSS[:20], "payload": "b"}]}, "&lt;scr"),
    "image elsewhere": (
        {"type": "image", "media": {"url": "https://a.example/a.png", "type": "image/png"}},
        '<a class="chat-file" href="https://a.example/a.png"',
    ),
    "recording of ours": (
        {"type": "audio", "media": {"url": media_link(UUID(int=7)), "type": "audio/ogg"}},
        "<audio controls",
    ),
    "film elsewhere": (
        {"type": "video", "media": {"url": "https://a.example/a.mp4", "type": "video/mp4"}},
        '<a class="chat-file" href="https://a.example/a.mp4"',
    ),
    "file by us": (
        {"type": "file", "media": {"url": "media:1", "type": "text/csv", "name": "a.csv"}},
        "a.csv (text/csv)",
    ),
    "odd address": (
        {"type": "image", "media": {"url": "javascript:alert(1)", "type": "image/png"}},
        "image (image/png)",
    ),
    "place": ({"type": "location", "location": {"latitude": 1.5, "longitude": 2}}, "📍 Location"),
    "named place": ({"type": "location", "location": {"latitude": 1.5, "longitude": 2, "name": "Home"}}, "📍 Home"),
    "carousel": (
        {"type": "carousel", "cards": [{"title": "Shoe", "buttons": [{"type": "postback", "title": "Buy"}]}]},
        "Buy",
    ),
    "list": ({"type": "list", "sections": [{"title": "Sizes", "rows": [{"title": "42", "payload": "1"}]}]}, "Sizes"),
    "template": ({"type": "template", "template": {"name": "welcome", "language": "de"}}, "welcome"),
    "choice": ({"type": "quick_reply", "text": "Yes", "choice": {"value": "YES"}}, "picked YES"),
    "nothing known": ({"type": "text"}, "Visitor"),
}


@pytest.mark.parametrize(("content", "shown"), CONTENTS.values(), ids=CONTENTS)
def test_every_content_is_shown(superuser: Client, tenant: Tenant, content: dict[str, Any], shown: str) -> None:
    message = MessageFactory(tenant=tenant, content=content, content_type=content["type"])
    page = superuser.get(url(Conversation, "change", message.conversation_id)).content.decode()
    assert shown in page
    assert XSS not in page
    assert "javascript:alert" not in page


def test_staff_take_over_hand_back_and_close(staff_of: Any, acme: World) -> None:
    client, seen = staff_of(acme.tenant), []
    for verb in ("take_over", "hand_back", "close"):
        do(client, acme.conversation, verb)
        acme.conversation.refresh_from_db()
        seen.append((acme.conversation.control_owner, acme.conversation.status))
    assert seen == [("human", "escalated"), ("bot", "active"), ("bot", "completed")]


@pytest.mark.parametrize("text", ["", "   ", "x" * 5000], ids=["empty", "blank", "too long"])
def test_what_cannot_be_sent_is_told(superuser: Client, acme: World, text: str) -> None:
    answer = do(superuser, acme.conversation, "reply", text=text)
    assert "Write between 1 and 4096 characters." in answer.content.decode()
    assert not rows(Message).filter(role="agent").exists()


def test_a_link_cannot_act(superuser: Client, acme: World) -> None:
    superuser.get(url(type(acme.conversation), "do", acme.conversation.pk, "close"))
    acme.conversation.refresh_from_db()
    assert acme.conversation.is_open


def test_a_note_stays_in_the_house(superuser: Client, acme: World) -> None:
    assert "a note by me" in do(superuser, acme.conversation, "annotate", text="a note by me").content.decode()
    assert not rows(Message).filter(text="a note by me").exists()


# ---- traffic --------------------------------------------------------------------------------


def test_a_failed_delivery_is_retried(staff_of: Any, acme: World) -> None:
    do(staff_of(acme.tenant), acme.delivery, "retry")
    assert rows(Delivery).get(pk=acme.delivery.pk).status == "queued"
    assert rows(AuditEntry).filter(tenant=acme.tenant, action="delivery.retried").exists()


def test_deliveries_are_retried_from_the_list(staff_of: Any, acme: World, globex: World) -> None:
    data = {"action": "retry", "_selected_action": [acme.delivery.pk, globex.delivery.pk]}
    staff_of(acme.tenant).post(url(Delivery, "changelist"), data)
    assert rows(Delivery).get(pk=acme.delivery.pk).status == "queued"
    assert rows(Delivery).get(pk=globex.delivery.pk).status == "failed"


def test_many_retried_from_the_list_are_told_by_their_number_and_each_in_its_conversations_trail(
    staff_of: Any, acme: World
) -> None:
    talk = acme.conversation
    dead = [
        DeliveryFactory(
            message=MessageFactory(tenant=acme.tenant, conversation=talk, channel=talk.channel, seq=seq),
            tenant=acme.tenant, status="failed", dead_at=now(), error_code="131026",
        )
        for seq in range(50, 57)
    ]  # fmt: skip
    data = {"action": "retry", "_selected_action": [one.pk for one in dead]}
    page = staff_of(acme.tenant).post(url(Delivery, "changelist"), data, follow=True)
    told = [str(message) for message in page.context["messages"]]
    assert (len(told), told[-1]) == (4, "The same for 4 more.")
    trail = rows(AuditEntry).filter(action="delivery.retried", target=f"conversation:{talk.pk}")
    assert {entry.changes["delivery"] for entry in trail} == {str(one.pk) for one in dead}


def test_what_is_refused_many_times_is_said_once(staff_of: Any, acme: World, monkeypatch: Any) -> None:
    def refused(*_: Any) -> str:
        raise Conflict("Not now.", code="conflict")

    monkeypatch.setattr(type(admin.site._registry[Delivery]), "do_retry", refused)
    message = MessageFactory(tenant=acme.tenant, conversation=acme.conversation, channel=acme.channel, seq=50)
    other = DeliveryFactory(tenant=acme.tenant, message=message, status="failed")
    data = {"action": "retry", "_selected_action": [acme.delivery.pk, other.pk]}
    page = staff_of(acme.tenant).post(url(Delivery, "changelist"), data, follow=True)
    assert [str(message) for message in page.context["messages"]] == ["Not now. (2 times)"]


def test_a_receipt_is_processed_again(superuser: Client, acme: World) -> None:
    do(superuser, acme.receipt, "process")
    assert rows(InboundEvent).get(pk=acme.receipt.pk).status == "received"


# ---- tenants and their people ----------------------------------------------------------------


def test_a_key_is_shown_once_and_can_be_revoked(superuser: Client, tenant: Tenant) -> None:
    data = {"tenant": tenant.pk, "name": "shop", "scopes": ["messages:send"], "expires_at_0": "", "expires_at_1": ""}
    page = superuser.post(url(ApiKey, "add"), data, follow=True).content.decode()
    key = rows(ApiKey).get(name="shop")
    plaintext = page[page.index(f"csk_{key.prefix}_") :][: len("csk_12345678_") + 43]
    assert api_key_verify(plaintext).tenant_id == tenant.pk
    assert plaintext not in superuser.get(url(ApiKey, "changelist")).content.decode()
    do(superuser, key, "revoke")
    assert rows(ApiKey).get(pk=key.pk).revoked_at is not None


def test_no_member_of_staff_grants_more_than_they_have(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("members:read", "members:write", "keys:read", "keys:write"))
    scopes = {"scopes": ["*"], "permissions": ["*"]}
    for model in (Role, ApiKey):
        page = client.post(url(model, "add"), {"tenant": acme.tenant.pk, "name": "more", **scopes})
        assert b"You cannot give permissions that you do not have yourself." in page.content
        assert not rows(model).filter(name="more").exists()


def test_a_row_is_not_made_in_another_tenant(staff_of: Any, acme: World, globex: World) -> None:
    client = staff_of(acme.tenant)
    page = client.post(url(Role, "add"), {"tenant": globex.tenant.pk, "name": "spy", "permissions": ["*"]})
    assert page.status_code == 200
    assert not rows(Role).filter(name="spy").exists()
    role, user = rows(Role).get(name="globex-role"), User.objects.get(username="globex-colleague")
    page = client.post(url(Membership, "add"), {"tenant": acme.tenant.pk, "user": user.pk, "role": role.pk})
    assert set(page.context["adminform"].form.errors) == {"user", "role"}


def test_staff_cannot_touch_accounts(staff_of: Any, acme: World, globex: World) -> None:
    client = staff_of(acme.tenant)
    me = User.objects.get(username="acme-colleague")
    assert client.post(url(User, "change", me.pk), {"is_superuser": "on"}).status_code == 403
    assert client.get(reverse("admin:auth_user_password_change", args=[me.pk])).status_code == 403
    page = client.get(url(User, "change", me.pk))
    assert page.status_code == 200
    assert me.password not in page.content.decode()


def test_wrong_tenant_settings_are_refused(superuser: Client, tenant: Tenant) -> None:
    data = {"name": "Acme", "slug": "acme", "status": "active", "settings": '{"greting": "Hi"}'}
    page = superuser.post(url(Tenant, "change", tenant.pk), data)
    assert "greting" in str(page.context["adminform"].form.errors["settings"])


def test_a_name_taken_is_told(superuser: Client, acme: World, globex: World) -> None:
    first = Role(tenant=acme.tenant, name="one", permissions=[])
    second = Role(tenant=acme.tenant, name="two", permissions=[])
    first.save(), second.save()
    page = superuser.post(url(Role, "change", second.pk), {"name": "one", "permissions": ["messages:send"]})
    assert page.status_code == 200
    assert page.context["adminform"].form.errors


def test_an_intent_is_saved_and_trained(superuser: Client, acme: World) -> None:
    data = {
        "name": "refund",
        "examples": "money back\nrefund please",
        "enabled": "on",
    }
    superuser.post(url(type(acme.intent), "change", acme.intent.pk), data)
    acme.intent.refresh_from_db()
    assert acme.intent.examples == ["money back", "refund please"]
    assert "a worker begins within seconds" in do(superuser, acme.intent, "train").content.decode()
    assert "A training is under way" in do(superuser, acme.intent, "train").content.decode()
    page = superuser.post(url(type(acme.intent), "change", acme.intent.pk), {**data, "slots-0-name": "x y"})
    assert page.context["adminform"].form.errors["slots"]


def test_who_may_not_read_messages_reads_none_beside_deliveries(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("deliveries:read",))
    for page in (url(Delivery, "changelist"), url(Delivery, "change", acme.delivery.pk)):
        assert f"{acme.word} answer" not in client.get(page).content.decode()
    shown = client.get(url(InboundEvent, "change", acme.receipt.pk)).content.decode()
    assert "script" not in shown.partition("<main")[2].partition("Body")[2]
    assert ">Body<" not in shown
    found = client.get(url(Delivery, "changelist"), {"q": f"{acme.word} answer"})
    assert len(found.context["cl"].result_list) == 0


def test_who_may_reads_them(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("deliveries:read", "messages:read"))
    assert f"{acme.word} answer" in client.get(url(Delivery, "changelist")).content.decode()
    assert "Body" in client.get(url(InboundEvent, "change", acme.receipt.pk)).content.decode()
    assert (
        client.get(url(Delivery, "changelist"), {"q": f"{acme.word} answer"}).context["cl"].result_list[0]
        == acme.delivery
    )


def test_who_reads_conversations_but_no_messages_sees_and_finds_no_words(staff_of: Any, acme: World) -> None:
    Conversation.objects.unscoped().filter(id=acme.conversation.id).update(last_message_preview="where is my parcel")
    client, page = staff_of(acme.tenant, ("conversations:read",)), url(Conversation, "changelist")
    assert f"{acme.word} contact" in client.get(page).content.decode()
    for shown in (
        page,
        url(Conversation, "change", acme.conversation.pk),
        url(Conversation, "history", acme.conversation.pk),
    ):
        assert "parcel" not in client.get(shown).content.decode()
    assert len(client.get(page, {"q": "parcel"}).context["cl"].result_list) == 0
    reader = staff_of(acme.tenant, ("conversations:read", "messages:read"))
    assert len(reader.get(page, {"q": "parcel"}).context["cl"].result_list) == 1


def test_who_reads_deliveries_but_no_messages_learns_no_name(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("deliveries:read",))
    for page in (url(Delivery, "changelist"), url(Delivery, "change", acme.delivery.pk)):
        assert f"{acme.word} contact" not in client.get(page).content.decode()
    reader = staff_of(acme.tenant, ("deliveries:read", "messages:read"))
    assert f"{acme.word} contact" in reader.get(url(Delivery, "changelist")).content.decode()


def test_one_tenant_s_permission_does_not_open_another_s_words(acme: World, globex: World) -> None:
    user = UserFactory()
    for own, held in ((acme, ["deliveries:read", "messages:read"]), (globex, ["deliveries:read"])):
        MembershipFactory(tenant=own.tenant, user=user, role=RoleFactory(tenant=own.tenant, permissions=held))
    client = Client()
    client.force_login(user)
    assert "answer" not in client.get(url(Delivery, "changelist")).content.decode()
    assert f"{acme.word} answer" in client.get(url(Delivery, "change", acme.delivery.pk)).content.decode()
    assert f"{globex.word} answer" not in client.get(url(Delivery, "change", globex.delivery.pk)).content.decode()


def test_json_that_no_database_keeps_is_told_at_its_field(superuser: Client, tenant: Tenant) -> None:
    page, given = url(Tenant, "change", tenant.pk), {"name": "Acme", "slug": tenant.slug, "status": "active"}
    for bad in ('{"a": NaN}', '{"a": 1e999}', '{"a": "\\u0000"}', '{"a": "\\ud800"}', "1" * 5000, "[" * 100_000):
        answer = superuser.post(page, {**given, "settings": bad})
        assert (answer.status_code, list(answer.context["adminform"].form.errors)) == (200, ["settings"])


def test_words_that_no_database_keeps_are_told_at_their_field(superuser: Client, tenant: Tenant) -> None:
    page = url(Contact, "change", ContactFactory(tenant=tenant).pk)
    fact = {"name": "Mira", "profile-0-key": "size", "profile-0-value": "M\0"}
    answer = superuser.post(page, fact)
    assert (answer.status_code, list(answer.context["adminform"].form.errors)) == (200, ["profile"])
