"""The service's own handlers: each event once, a broken one alone, without Kafka (EVT-5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import DataError, IntegrityError, OperationalError

from conversations.event_schemas import Envelope, envelope_of
from conversations.models import Conversation, Event, Note
from conversations.timeline import NewEvent, conversation_advance, events_append, system_event
from messaging.housekeeping.trims import trim
from messaging.models import DailyFigure, HandledEvent, StaffAlert
from messaging.outbox import alerts, handlers
from messaging.publish import publish_events
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now
from tests.factories import ConversationFactory, MembershipFactory, MessageFactory, RoleFactory

PAUSED = {"endpoint_id": "019a2f6e-6d1c-7e5b-9c55-0e3b9f5f1a77", "description": "CRM", "reason": "http_500"}


def happen(tenant: Tenant, *statuses: str) -> Conversation:
    conversation = ConversationFactory(tenant=tenant)
    taken = conversation_advance({"id": conversation.id}, events=len(statuses))
    events_append(taken, [NewEvent("chat.conversation.updated", {"status": status}) for status in statuses])
    return conversation


def figures() -> dict[str, int]:
    return dict(DailyFigure.objects.values_list("name", "value"))


def test_figures_count_each_event_once(scope: Tenant) -> None:
    happen(scope, "escalated", "active")
    publish_events()
    handlers.events_handle(list(Event.objects.all()))
    happen(scope, "active")
    publish_events()
    assert figures() == {"chat.conversation.updated": 3, "conversations.escalated": 1}


def test_figures_are_each_tenants_own(scope: Tenant, other_tenant: Tenant) -> None:
    Event.objects.create(tenant=other_tenant, type="chat.session.ended")
    happen(scope, "active")
    publish_events()
    assert figures() == {"chat.conversation.updated": 1}


def test_consent_and_stopped_endpoints_are_audited(scope: Tenant) -> None:
    person = {"channel_id": str(new_id()), "contact_id": str(new_id()), "identity_id": str(new_id())}
    system_event(scope.id, "chat.contact.stopped", person)
    system_event(scope.id, "chat.system.webhook_paused", PAUSED)
    publish_events()
    entries = set(AuditEntry.objects.values_list("action", "target", "actor"))
    assert entries == {
        ("contact.stopped", f"contact:{person['contact_id']}", "system"),
        ("webhook.paused", f"webhookendpoint:{PAUSED['endpoint_id']}", "system"),
    }


def test_staff_are_told_of_a_paused_endpoint_once(scope: Tenant, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    member = MembershipFactory(tenant=scope, role=RoleFactory(tenant=scope))
    system_event(scope.id, "chat.system.webhook_paused", PAUSED)
    publish_events()
    alert = StaffAlert.objects.get()
    assert [alerts.alert_send(alert.id), alerts.alert_send(alert.id)] == [True, False]
    [message] = mail.outbox
    assert (message.bcc, message.subject) == (
        [member.user.email],
        "Acme: Webhook endpoint CRM was paused",
    )


def test_an_alert_that_did_not_go_out_is_tried_again(scope: Tenant, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    system_event(scope.id, "chat.system.webhook_paused", PAUSED)
    publish_events()
    alert = StaffAlert.objects.get()
    assert not alerts.alert_send(alert.id)
    alert.refresh_from_db()
    assert (alert.status, alert.error, alert.due_at > now()) == ("waiting", "nobody_to_mail", True)


def test_caches_forget(scope: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[str] = []
    monkeypatch.setitem(
        handlers.FORGOTTEN, "chat.system.webhook_paused", lambda event: forgotten.append(str(event.tenant_id))
    )
    system_event(scope.id, "chat.system.webhook_paused", PAUSED)
    publish_events()
    assert forgotten == [str(scope.id)]


def test_a_broken_event_stops_no_other_and_can_be_replayed(
    scope: Tenant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real, broken = handlers.analytics, [True]

    def breaks(events: list[Envelope]) -> None:
        real(events)
        broken[0] and any(event.data.get("status") == "error" for event in events) and {}["missing"]

    monkeypatch.setitem(handlers.HANDLERS, "analytics", breaks)
    happen(scope, "active", "error", "active")
    assert publish_events() == 3
    assert figures() == {"chat.conversation.updated": 2}
    assert HandledEvent.objects.get(error="KeyError").event == Event.objects.get(seq=2).id
    broken[0] = False
    call_command("replay_events", to="handlers", tenant=scope.slug)
    assert capsys.readouterr().out == "1 events told again.\n"
    assert figures() == {"chat.conversation.updated": 3}


@pytest.mark.parametrize("error", [DataError, IntegrityError], ids=["a value", "a constraint"])
def test_an_event_that_the_database_refuses_stops_no_other(
    scope: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Not every failure of a database is one that passes: the outbox of all tenants would wait for ever."""
    real = handlers.analytics

    def refused(events: list[Envelope]) -> None:
        real(events)
        if_bad = {"error": lambda: _raise(error("refused"))}
        for event in events:
            if_bad.get(event.data.get("status", ""), lambda: None)()

    monkeypatch.setitem(handlers.HANDLERS, "analytics", refused)
    happen(scope, "active", "error", "active")
    Event.objects.create(tenant=other_tenant, type="chat.session.ended")
    assert publish_events() == 4
    assert publish_events() == 0
    assert figures() == {"chat.conversation.updated": 2}
    assert HandledEvent.objects.get(error=error.__name__).event == Event.objects.get(seq=2).id


def _raise(error: Exception) -> None:
    raise error


def test_a_database_that_is_away_is_waited_for(scope: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(events: list[Envelope]) -> None:
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setitem(handlers.HANDLERS, "analytics", away)
        happen(scope, "active")
        with pytest.raises(OperationalError):
            publish_events()
    assert publish_events() == 1
    assert figures() == {"chat.conversation.updated": 1}


def test_what_is_too_old_to_be_known_is_not_handled(scope: Tenant) -> None:
    event = system_event(scope.id, "chat.system.webhook_paused", PAUSED)
    event.created_at -= handlers.MARKS_KEPT + timedelta(minutes=1)
    assert handlers.handle("analytics", [envelope_of(event)]) == 0
    HandledEvent.objects.create(tenant=scope, handler="analytics", event=event.id)
    HandledEvent.objects.update(created_at=now() - handlers.MARKS_KEPT - timedelta(days=2))
    trim("handler_marks")
    assert not HandledEvent.objects.exists()


def handed_over(tenant: Tenant, *words: str, trigger: str = "handover") -> Conversation:
    row = ConversationFactory(tenant=tenant)
    for said in words:
        MessageFactory(tenant=tenant, conversation=row, text=said)
    taken = conversation_advance({"id": row.id}, events=1)
    facts = {"control_owner": "human", "status": "escalated", "trigger": trigger, "reason": "asked_twice"}
    events_append(taken, [NewEvent("chat.conversation.updated", facts)])
    return row


def test_a_human_who_is_asked_for_finds_a_summary_once(scope: Tenant, other_tenant: Tenant) -> None:
    row = handed_over(scope, "My parcel has not come", "order 12345")
    publish_events()
    handlers.events_handle(list(Event.objects.all()))
    note = Note.objects.get()
    assert (note.conversation_id, note.author) == (row.id, None)
    assert note.text.startswith("Summary at the hand-over (asked twice)\nAsked: “My parcel has not come”")
    with tenant_scope(other_tenant.id):
        assert not Note.objects.exists()


def test_no_summary_of_nothing_nor_where_a_colleague_takes_over(scope: Tenant) -> None:
    handed_over(scope)
    handed_over(scope, "My parcel has not come", trigger="agent")
    gone = handed_over(scope, "My parcel has not come")
    Event.objects.filter(conversation=gone).update(conversation=None)
    publish_events()
    assert not Note.objects.exists()
