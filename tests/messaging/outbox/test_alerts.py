"""Staff hear of people who wait, dead letters, an engine that is down and requests that could not be read (EVT-5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.urls import resolve

from channels_app.models import Channel
from channels_app.selectors import channel_forget
from channels_app.words.moments import written
from conversations.models import Conversation, Event
from conversations.timeline import NewEvent, conversation_advance, events_append, system_event
from messaging.live.staff import bell
from messaging.models import HandledEvent, StaffAlert
from messaging.outbox import alerts
from messaging.outbox.alert_words import GIVEN_UP
from messaging.publish import publish_events
from messaging.rules.control import hand_back, hand_over, take_over
from tenants.members.alert_choice import NO_MAIL
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import atomic, new_id, now
from tenants.tenant_settings import invalidate
from tests.factories import ChannelFactory, ConversationFactory, MembershipFactory, RoleFactory, UserFactory

PROCESSED = {"turn_id": str(new_id()), "message_ids": [], "engine": "fallback"}


@pytest.fixture(autouse=True)
def mailing(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def talk(scope: Tenant) -> Conversation:
    channel = ChannelFactory(tenant=scope, name="Website")
    return ConversationFactory(tenant=scope, channel=channel)


def asks_for_a_human(conversation: Conversation, reason: str = "requested") -> None:
    with atomic():
        seen = conversation_advance({"id": conversation.id})
        assert seen is not None
        hand_over(seen, reason)


def happens(conversation: Conversation, type: str, **facts: Any) -> None:
    taken = conversation_advance({"id": conversation.id}, events=1)
    assert taken is not None
    events_append(taken, [NewEvent(type, facts)])


def told() -> list[str]:
    publish_events()
    return list(StaffAlert.objects.order_by("id").values_list("subject", flat=True))


def fails(conversation: Conversation, code: str) -> None:
    happens(conversation, "chat.message.failed", message_id=str(new_id()), seq=1, code=code)


def test_staff_hear_that_a_person_waits(scope, talk) -> None:
    agent = MembershipFactory(tenant=scope, role=RoleFactory(tenant=scope, permissions=["conversations:write"]))
    MembershipFactory(tenant=scope, role=RoleFactory(tenant=scope, permissions=["channels:write"]))
    asks_for_a_human(talk)
    assert told() == ["A person waits for a colleague on Website"]
    alert = StaffAlert.objects.get()
    assert ("They asked for a person." in alert.text, f"/admin/inbox/{talk.id}/" in alert.text) == (True, True)
    assert alerts.alert_send(alert.id)
    assert mail.outbox[0].bcc == [agent.user.email]


def test_more_people_who_wait_are_told_of_by_and_by(scope, talk) -> None:
    second = ConversationFactory(tenant=scope, channel=talk.channel)
    asks_for_a_human(talk)
    told()
    asks_for_a_human(second)
    assert len(told()) == 1
    StaffAlert.objects.update(created_at=now() - timedelta(minutes=11))
    asks_for_a_human(ConversationFactory(tenant=scope, channel=talk.channel))
    assert len(told()) == 2
    assert "/admin/inbox/?view=waiting" in StaffAlert.objects.latest("id").text


def test_channels_of_one_name_have_alerts_of_their_own(scope, talk) -> None:
    asks_for_a_human(talk)
    other = ChannelFactory(tenant=scope, name=talk.channel.name)
    asks_for_a_human(ConversationFactory(tenant=scope, channel=other))
    assert told() == ["A person waits for a colleague on Website"] * 2


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("misunderstood", "The assistant did not understand them."),
        ("intent:cancel_order", "It is about “cancel order”, which a colleague answers."),
        ("bot_off", "The assistant is switched off on this channel."),
        ("order_lost", "The assistant says: order_lost"),
        ("The customer is angry", "The assistant says why in a note of the conversation."),
    ],
)
def test_staff_read_why_a_person_waits_in_words(scope, talk, reason: str, words: str) -> None:
    asks_for_a_human(talk, reason)
    told()
    first, *_, opens = StaffAlert.objects.get().text.splitlines()
    assert (first, opens) == (words, f"Open it: http://localhost:8001/admin/inbox/{talk.id}/")


def test_an_urgent_person_is_told_of_at_once(scope, talk) -> None:
    asks_for_a_human(talk)
    urgent = ConversationFactory(tenant=scope, channel=talk.channel, priority="urgent")
    asks_for_a_human(urgent)
    second = ConversationFactory(tenant=scope, channel=talk.channel, priority="urgent")
    asks_for_a_human(second)
    assert told()[1:] == ["A person waits for a colleague on Website (urgent)"] * 2


def test_a_colleague_who_was_quicker_ends_the_alert(scope, talk) -> None:
    asks_for_a_human(talk)
    take_over(talk.id, UserFactory())
    hand_back(talk.id)
    assert told() == []


def waits_late(conversation: Conversation) -> None:
    conversation_advance({"id": conversation.id}, waiting_since=now() - timedelta(hours=2), late_told_at=now())
    conversation.refresh_from_db()
    happens(
        conversation, "chat.conversation.updated", trigger="late", waiting_since=written(conversation.waiting_since)
    )


def sends_the_first() -> tuple[str, int]:
    """How it stands with the oldest alert after its turn, and how many were mailed."""
    alert = StaffAlert.objects.earliest("id")
    assert alerts.alert_send(alert.id)
    alert.refresh_from_db()
    return alert.error, len(mail.outbox)


@pytest.fixture
def agent(scope: Tenant) -> Any:
    return MembershipFactory(tenant=scope, role=RoleFactory(tenant=scope, permissions=["conversations:write"]))


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\nBcc: mallory@evil.example\r\n", "\u2028", "\x85"])
def test_a_line_break_in_a_name_does_not_keep_the_mail_back(scope, talk, line_break) -> None:
    member = MembershipFactory(tenant=scope, role=RoleFactory(tenant=scope, permissions=["conversations:write"]))
    Channel.objects.filter(id=talk.channel_id).update(name=f"Web{line_break}site")
    channel_forget(talk.channel)
    asks_for_a_human(talk)
    publish_events()
    assert alerts.alert_send(StaffAlert.objects.get().id)
    assert (len(mail.outbox[0].subject.splitlines()), mail.outbox[0].recipients()) == (1, [member.user.email])
    assert "\nBcc" not in mail.outbox[0].message().as_string()


def test_a_colleague_who_came_before_the_mail_went_out_ends_it(scope, talk, agent) -> None:
    asks_for_a_human(talk)
    told()
    take_over(talk.id, agent.user)
    assert sends_the_first() == ("over", 0)


def test_an_alert_stands_for_all_who_wait(scope, talk, agent) -> None:
    second = ConversationFactory(tenant=scope, channel=talk.channel)
    asks_for_a_human(talk)
    told()
    asks_for_a_human(second)
    take_over(talk.id, agent.user)
    assert len(told()) == 1
    assert sends_the_first() == ("", 1)


def test_people_of_another_channel_keep_no_alert_alive(scope, talk, agent) -> None:
    elsewhere = ConversationFactory(tenant=scope, channel=ChannelFactory(tenant=scope, name="Shop"))
    asks_for_a_human(talk)
    told()
    asks_for_a_human(elsewhere)
    take_over(talk.id, agent.user)
    assert sends_the_first() == ("over", 0)


def test_an_alert_that_was_not_sent_keeps_no_later_one_back(scope, talk, agent) -> None:
    asks_for_a_human(talk)
    told()
    take_over(talk.id, agent.user)
    sends_the_first()
    asks_for_a_human(ConversationFactory(tenant=scope, channel=talk.channel))
    assert len(told()) == 2


@pytest.mark.parametrize("waits_on", [None, timedelta(0), timedelta(minutes=119)], ids=["answered", "still", "anew"])
def test_a_late_alert_goes_out_while_that_wait_lasts(scope, talk, agent, waits_on: Any) -> None:
    asks_for_a_human(talk)
    waits_late(talk)
    told()
    StaffAlert.objects.exclude(subject__contains="too long").delete()
    since = talk.waiting_since
    conversation_advance(
        {"id": talk.id}, late_told_at=since, waiting_since=waits_on is not None and since + waits_on or None
    )
    assert sends_the_first() == (("", 1) if waits_on == timedelta(0) else ("over", 0))


def test_a_late_alert_stands_for_others_who_are_late(scope, talk, agent) -> None:
    second = ConversationFactory(tenant=scope, channel=talk.channel)
    for conversation in (talk, second):
        asks_for_a_human(conversation)
        waits_late(conversation)
    told()
    StaffAlert.objects.exclude(subject__contains="too long").delete()
    conversation_advance({"id": talk.id}, waiting_since=None)
    assert sends_the_first() == ("", 1)


def test_staff_hear_of_dead_letters_once_an_hour(scope, talk) -> None:
    fails(talk, "131026")
    fails(talk, "131026")
    assert told() == ["Messages could not be delivered"]
    StaffAlert.objects.update(created_at=now() - timedelta(hours=2))
    fails(talk, "window_closed")
    assert (len(told()), "The reply window had closed." in StaffAlert.objects.latest("id").text) == (2, True)


def test_the_code_of_a_platform_is_told_in_words(scope) -> None:
    channel = ChannelFactory(tenant=scope, kind="whatsapp", name="WhatsApp")
    fails(ConversationFactory(tenant=scope, channel=channel), "131026")
    told()
    assert "This person cannot be reached on this channel" in StaffAlert.objects.get().text


def test_a_message_to_a_person_who_said_stop_is_no_news(scope, talk) -> None:
    fails(talk, "contact_stopped")
    assert told() == []


def test_staff_hear_of_an_engine_that_is_down(scope, talk) -> None:
    happens(talk, "chat.message.processed", **PROCESSED, degraded=True)
    happens(talk, "chat.message.processed", **PROCESSED, degraded=True)
    assert told() == ["The assistant does not answer"]


def test_staff_hear_what_is_wrong_with_a_language_model(scope, talk) -> None:
    happens(talk, "chat.message.processed", **PROCESSED, degraded=True, reason="llm_denied")
    assert told() == ["The assistant does not answer"]
    said = StaffAlert.objects.get().text
    assert "The provider refuses the key." in said and "built-in" in said and "fallback" not in said


@pytest.mark.parametrize("reason", ["answer_too_long", "prompt_withheld", "budget_exceeded"])
def test_a_model_that_does_its_work_is_not_down(scope, talk, reason) -> None:
    happens(talk, "chat.message.processed", **PROCESSED, degraded=True, reason=reason)
    assert told() == []


def test_an_ordinary_answer_costs_the_notification_no_mark(scope, talk) -> None:
    happens(talk, "chat.message.processed", **PROCESSED, degraded=False)
    happens(talk, "chat.conversation.updated", trigger="message", context_changes={})
    assert (told(), HandledEvent.objects.filter(handler="notification").count()) == ([], 0)


def test_staff_hear_of_a_request_that_could_not_be_read(scope) -> None:
    receipt = str(new_id())
    system_event(scope.id, "chat.system.webhook_malformed", {"receipt_id": receipt})
    assert told() == ["A platform sent what could not be understood"]
    assert f"/admin/messaging/inboundevent/{receipt}/change/" in StaffAlert.objects.get().text


DAY = {"day": "2026-11-30", "limit_usd": 0.5}
SYSTEM = [
    ("chat.system.budget_reached", {"stop": "soft", **DAY}),
    ("chat.system.budget_reached", {"stop": "hard", **DAY}),
    ("chat.system.webhook_malformed", {"receipt_id": str(new_id())}),
    ("chat.system.webhook_paused", {"endpoint_id": str(new_id()), "reason": "gone"}),
    *(("chat.system.work_given_up", {"work": work, "row_id": str(new_id())}) for work in GIVEN_UP),
]


@pytest.mark.parametrize(
    ("type", "facts"), SYSTEM, ids=[f"{type[12:]} {number}" for number, (type, _) in enumerate(SYSTEM)]
)
def test_every_alert_leads_to_a_page_that_is_there(scope, type: str, facts: dict[str, Any]) -> None:
    system_event(scope.id, type, facts)
    assert len(told()) == 1
    address = StaffAlert.objects.get().text.rpartition("Open it: ")[2]
    path = urlsplit(address).path
    assert (path.startswith("/admin/"), resolve(path).url_name not in ("index", None)) == (True, True)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Alerts in the inboxes that are open."""
    frames: list[dict[str, Any]] = []
    monkeypatch.setattr(bell, "tell", lambda tenant_id, frame: frames.extend([frame] if frame["t"] == "alert" else []))
    return frames


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ways", [True, False], ids=["mail too", "no other way"])
def test_who_may_act_and_has_the_inbox_open_is_told_there_once_an_hour(scope, talk, shown, settings, ways) -> None:
    settings.EMAIL_BACKEND = settings.EMAIL_BACKEND if ways else NO_MAIL
    role = RoleFactory(tenant=scope, permissions=["channels:write"])
    wants, _ = (
        MembershipFactory(tenant=scope, role=role),
        MembershipFactory(tenant=scope, role=role, alerts={"quiet_in_browser": ["dead_letters"]}),
    )
    MembershipFactory(tenant=scope, role=RoleFactory(tenant=scope, permissions=["conversations:write"]))
    fails(talk, "131026")
    fails(talk, "131026")
    publish_events()
    [frame] = shown
    assert (frame["kind"], frame["title"], frame["to"]) == (
        "dead_letters", "Messages could not be delivered", [str(wants.user_id)],
    )  # fmt: skip
    assert (frame["text"], frame["url"]) == ("The platform refused it (131026).", f"/admin/inbox/{talk.id}/")


@pytest.mark.django_db(transaction=True)
def test_staff_of_each_tenant_are_told_in_the_inbox_of_their_own(scope, other_tenant, shown) -> None:
    told = []
    for tenant in (scope, other_tenant):
        with tenant_scope(tenant.id):
            role = RoleFactory(tenant=tenant, permissions=["channels:write"])
            told.append([str(MembershipFactory(tenant=tenant, role=role).user_id)])
            system_event(tenant.id, "chat.system.webhook_malformed", {"receipt_id": str(new_id())})
    publish_events()
    assert sorted(frame["to"] for frame in shown) == sorted(told)


@pytest.mark.django_db(transaction=True)
def test_an_outage_of_the_engine_is_shown_once_by_a_key_that_every_cache_takes(scope, talk, shown) -> None:
    """The key had a blank, of which a cache in the process warns."""
    MembershipFactory(tenant=scope, role=RoleFactory(tenant=scope, permissions=["channels:write"]))
    for _ in range(2):
        happens(talk, "chat.message.processed", **PROCESSED, degraded=True)
    publish_events()
    assert [frame["kind"] for frame in shown] == ["engine"]


@pytest.mark.django_db(transaction=True)
def test_people_who_wait_are_called_by_the_list_of_the_inbox_alone(scope, talk, agent, shown) -> None:
    asks_for_a_human(talk)
    assert (len(told()), shown) == (1, [])


def test_another_tenants_alert_keeps_none_of_ours_back(scope, other_tenant, talk) -> None:
    Event.objects.create(
        tenant=other_tenant, type="chat.system.webhook_malformed", payload={"receipt_id": str(new_id())}
    )
    publish_events()
    system_event(scope.id, "chat.system.webhook_malformed", {"receipt_id": str(new_id())})
    assert len(told()) == 1


@pytest.mark.parametrize("quiet", ["escalations", "dead_letters", "engine", "malformed"])
def test_a_tenant_chooses_what_it_hears_of(scope, talk, quiet: str) -> None:
    scope.settings = {"alerts": {"quiet": [quiet]}}
    scope.save()
    invalidate(scope.id)
    asks_for_a_human(talk)
    fails(talk, "131026")
    happens(talk, "chat.message.processed", **PROCESSED, degraded=True)
    system_event(scope.id, "chat.system.webhook_malformed", {"receipt_id": str(new_id())})
    of = {"escalations": "waits", "dead_letters": "delivered", "engine": "assistant", "malformed": "understood"}
    heard = told()
    assert (len(heard), any(of[quiet] in subject for subject in heard)) == (3, False)
