"""What a tenant keeps no longer goes with all that hangs on it; what is open, held or on its way stays (PRIV-3)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import Client

from conversations.models import Attachment, Contact, Conversation, Event, Identity, Message, Note, Session
from messaging.figures.rebuild import day_rebuild
from messaging.housekeeping import STEPS
from messaging.models import DailyFigure, Delivery, InboundEvent, WebhookDelivery, WebhookEndpoint
from messaging.privacy import purge
from messaging.privacy.erase import erasure_start
from messaging.privacy.holds import hold_place
from messaging.privacy.retention import days_purged, preview
from messaging.privacy.timeline import events_purge
from messaging.talks.remove import conversation_delete
from tenants import tenant_settings
from tenants.errors import Conflict
from tenants.models import AuditSeal, Tenant
from tenants.removal import removal_start
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now
from tenants.trail.audit import AuditEntry
from tenants.trail.seals import trail_seal
from tests.factories import ConversationFactory, DeliveryFactory, MessageFactory, SessionFactory, UserFactory
from tests.messaging.arrivals import arrives, change

pytestmark = pytest.mark.django_db(transaction=True)
GONE = "chat.conversation.deleted"
OLD, YOUNG = timedelta(days=31), timedelta(days=29)


@pytest.fixture(autouse=True)
def looks_at_once(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.MEDIA_ROOT = tmp_path
    purge.rest.end()
    yield
    purge.rest.end()


def always() -> bool:
    return True


def chooses(tenant: Tenant, **chosen: Any) -> None:
    Tenant.objects.filter(id=tenant.id).update(settings=chosen)
    tenant_settings.invalidate(tenant.id)


def ended(tenant: Tenant, ago: timedelta, words: str, **facts: Any) -> Conversation:
    """A conversation of two messages that ended so long ago, with a file, a note and a delivery that is done."""
    at = now() - ago
    talk = ConversationFactory(tenant=tenant, is_open=False, status="completed", ended_at=at, **facts)
    asked = MessageFactory(tenant=tenant, conversation=talk, text=words)
    answer = MessageFactory(tenant=tenant, conversation=talk, direction="outbound", role="bot", text="Yes")
    DeliveryFactory(tenant=tenant, message=answer, status="sent")
    with tenant_scope(tenant.id):
        Note.objects.create(tenant=tenant, conversation=talk, text="why")
        told = Event.objects.create(
            tenant=tenant, conversation=talk, seq=1, type="chat.message.received", published_at=at, streamed_at=at
        )
        Event.objects.filter(id=told.id).update(created_at=at)
        file = Attachment.objects.create(tenant=tenant, channel=talk.channel, message=asked, kind="image")
        name = default_storage.save(f"{tenant.id.hex}/{file.id.hex}/original", ContentFile(b"zebra"))
        Attachment.objects.filter(id=file.id).update(file=name)
        Conversation.objects.filter(id=talk.id).update(last_message_at=at)
    return talk


def words_left() -> list[str]:
    return sorted(Message.objects.exclude(text="Yes").values_list("text", flat=True))


def test_what_is_older_goes_with_all_that_hangs_on_it(scope: Tenant, tmp_path: Path) -> None:
    old, young = ended(scope, OLD, "old"), ended(scope, YOUNG, "young")
    ConversationFactory(tenant=scope, last_message_at=now() - OLD)
    DailyFigure.objects.create(tenant=scope, day=old.ended_at.date(), name="messages", value=2)
    chooses(scope, retention_days=30)
    assert STEPS["retention"](always) > 0
    assert words_left() == ["young"]
    assert list(Conversation.objects.filter(is_open=False).values_list("id", flat=True)) == [young.id]
    assert Conversation.objects.filter(is_open=True).exists(), "however old: it is open"
    kept = Event.objects.exclude(conversation=None)
    assert (Note.objects.count(), kept.count(), Delivery.objects.count()) == (1, 1, 1)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
    assert DailyFigure.objects.get().value == 2
    assert Contact.objects.filter(id=old.contact_id).exists()


def test_each_conversation_that_goes_is_told_as_one_that_is_deleted(scope: Tenant, other_tenant: Tenant) -> None:
    old, young, asked = ended(scope, OLD, "old"), ended(scope, YOUNG, "young"), ended(scope, YOUNG, "asked")
    chooses(scope, retention_days=30)
    conversation_delete(asked.id)
    STEPS["retention"](always)
    by_request, by_rule = Event.objects.filter(type=GONE).order_by("id")
    assert by_rule.payload.keys() == by_request.payload.keys()
    assert by_rule.payload == {
        "conversation_id": str(old.id), "channel_id": str(old.channel_id), "contact_id": str(old.contact_id),
        "identity_id": str(old.identity_id), "message_count": old.message_count,
    }  # fmt: skip
    assert (by_rule.conversation_id, by_rule.published_at, by_rule.tenant_id) == (None, None, scope.id)
    assert not Event.objects.unscoped().filter(tenant=other_tenant).exists()
    assert Conversation.objects.get().id == young.id


def test_two_who_purge_at_once_tell_once(scope: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one has deleted the row after this one has listed it."""
    talk = ended(scope, OLD, "old")
    chooses(scope, retention_days=30)
    real: Callable[..., int] = purge._batch

    def twice(model: Any, *rest: Any) -> int:
        return real(model, *rest) if model is not Conversation else real(model, *rest) and real(model, *rest)

    monkeypatch.setattr(purge, "_batch", twice)
    STEPS["retention"](always)
    assert [event.payload["conversation_id"] for event in Event.objects.filter(type=GONE)] == [str(talk.id)]


def of_no_conversation(tenant: Tenant, name: str, ago: timedelta, *, told: bool = True, **payload: Any) -> Event:
    at = now() - ago
    handed = {"published_at": at, "streamed_at": at} if told else {}
    event = Event.objects.create(tenant=tenant, type="chat.session.ended", payload={"name": name, **payload}, **handed)
    Event.objects.filter(id=event.id).update(created_at=at)
    return event


def test_events_of_no_conversation_go_by_age(scope: Tenant, other_tenant: Tenant) -> None:
    """Not those that were not handed on, or are still called out, or name a held contact."""
    held = ended(scope, YOUNG, "held")
    hold_place(held.contact_id, "case 10", "system")
    for name, ago, facts in (
        ("old", OLD, {}), ("young", YOUNG, {}), ("unpublished", OLD, {"told": False}), ("called", OLD, {}),
        ("answered", OLD, {}), ("held", OLD, {"contact_id": str(held.contact_id)}),
        ("merged", OLD, {"contact_id": str(new_id()), "former_id": str(held.contact_id)}),
        ("other", OLD, {"contact_id": str(new_id())}),
    ):  # fmt: skip
        of_no_conversation(scope, name, ago, **facts)
    with tenant_scope(other_tenant.id):
        of_no_conversation(other_tenant, "keeps everything", OLD)
    endpoint = WebhookEndpoint.objects.create(tenant=scope, url="https://example.com/hook", event_types=["*"])
    for name, status in (("called", "queued"), ("answered", "delivered")):
        event = Event.objects.get(payload__name=name)
        WebhookDelivery.objects.create(tenant=scope, endpoint=endpoint, event=event, type=event.type, status=status)
    chooses(scope, retention_days=30)
    assert preview().events == 6, "all that is old and was handed on"
    assert STEPS["retention"](always) == 3
    left = Event.objects.filter(conversation=None).values_list("payload__name", flat=True)
    assert sorted(left) == ["called", "held", "merged", "unpublished", "young"]
    assert days_purged() == (now() - timedelta(days=30)).date(), "figures of these days are not counted anew"
    with tenant_scope(other_tenant.id):
        assert Event.objects.filter(conversation=None).count() == 1


def test_a_batch_of_events_costs_the_same_however_many_go(scope: Tenant, django_assert_num_queries: Any) -> None:
    for number in range(3):
        of_no_conversation(scope, f"old {number}", OLD)
    before = now() - timedelta(days=30)
    with django_assert_num_queries(
        9
    ):  # held, listed, BEGIN, calls, they, their calls and they go, COMMIT, listed again
        assert events_purge(before, always) == 3
    for number in range(50):
        of_no_conversation(scope, f"old {number}", OLD)
    with django_assert_num_queries(9):
        assert events_purge(before, always) == 50


def test_the_trail_tells_by_ids_and_counts(scope: Tenant) -> None:
    ended(scope, OLD, "secret words")
    chooses(scope, retention_days=30)
    STEPS["retention"](always)
    began, done = AuditEntry.objects.order_by("created_at", "id")
    assert (began.action, done.action, done.target) == (
        "retention.purge_began", "retention.purged", f"tenant:{scope.id}",
    )  # fmt: skip
    assert (done.changes["counts"]["conversations.Message"], done.changes["counts"]["conversations.Attachment"]) == (
        2,
        1,
    )
    assert "secret" not in json.dumps([began.changes, done.changes])


@pytest.mark.parametrize(
    ("deployment", "chosen", "goes"),
    [
        (0, {}, False), (30, {}, True), (30, {"retention_days": 0}, False), (0, {"retention_days": 31}, True),
        (0, {"retention_days": 32}, False), (30, {"legal_hold": True}, False), (1, {"retention_days": 32}, False),
    ],
)  # fmt: skip
def test_the_rule(
    scope: Tenant, settings: Any, monkeypatch: pytest.MonkeyPatch, deployment: int, chosen: dict[str, Any], goes: bool
) -> None:
    monkeypatch.setitem(settings.ENV, "MESSAGE_RETENTION_DAYS", deployment)
    ended(scope, OLD, "old")
    chooses(scope, **chosen)
    assert bool(preview().conversations) == goes
    STEPS["retention"](always)
    assert bool(words_left()) != goes


def test_a_purge_of_one_tenant_touches_no_other(scope: Tenant, other_tenant: Tenant) -> None:
    for tenant in (scope, other_tenant):
        ended(tenant, OLD, "old")
    chooses(other_tenant, retention_days=30)
    STEPS["retention"](always)
    assert words_left() == ["old"]
    with tenant_scope(other_tenant.id):
        assert words_left() == []


def test_a_contact_with_a_hold_keeps_everything(scope: Tenant) -> None:
    held, free = ended(scope, OLD, "held"), ended(scope, OLD, "free")
    for talk in (held, free):
        visit = SessionFactory(tenant=scope, contact=talk.contact, channel=talk.channel)
        Session.objects.filter(id=visit.id).update(ended_at=now() - OLD)
    hold_place(held.contact_id, "case 7", "system")
    chooses(scope, retention_days=30)
    STEPS["retention"](always)
    assert (words_left(), Session.objects.get().contact_id) == (["held"], held.contact_id)


def test_a_hold_that_comes_in_the_middle_keeps_the_rest(scope: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = ended(scope, OLD, "old")
    chooses(scope, retention_days=30)
    real: Callable[..., int] = purge._batch

    def held_then(model: Any, *rest: Any) -> int:
        if model is Message:
            hold_place(talk.contact_id, "case 8", "system")
        return real(model, *rest)

    monkeypatch.setattr(purge, "_batch", held_then)
    STEPS["retention"](always)
    assert words_left() == ["old"]


@pytest.mark.parametrize("what", ["delivery", "event", "rating"])
def test_what_is_still_on_its_way_comes_first(scope: Tenant, what: str) -> None:
    talk = ended(scope, OLD, "old")
    rows: dict[str, Callable[[], Any]] = {
        "delivery": lambda: Delivery.objects.update(status=Delivery.Status.QUEUED),
        "event": lambda: Event.objects.update(published_at=None),
        "rating": lambda: Event.objects.create(
            tenant=scope, conversation=talk, seq=2, type="chat.conversation.updated", published_at=now(), streamed_at=now()
        ),
    }  # fmt: skip
    rows[what]()
    chooses(scope, retention_days=30)
    STEPS["retention"](always)
    assert words_left() == ["old"]


@pytest.mark.parametrize("looks", [2, 5, 9])
def test_a_purge_that_was_broken_off_is_gone_on_with(
    scope: Tenant, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    talks = {str(ended(scope, OLD, f"old {number}").id): f"old {number}" for number in range(5)}

    def farewells() -> list[str]:
        return sorted(talks[event.payload["conversation_id"]] for event in Event.objects.filter(type=GONE))

    chooses(scope, retention_days=30)
    monkeypatch.setattr(purge, "TALKS", 2)
    left = iter([True] * looks)
    STEPS["retention"](lambda: next(left, False))
    assert words_left()
    STEPS["retention"](always)
    kept = Event.objects.exclude(conversation=None)
    assert (Conversation.objects.count(), Message.objects.count(), kept.count()) == (0, 0, 0)
    assert farewells() == [f"old {number}" for number in range(5)], "each is told once, however often it was broken off"
    assert STEPS["retention"](always) == 0


def test_a_process_that_found_nothing_left_rests(scope: Tenant) -> None:
    chooses(scope, retention_days=30)
    STEPS["retention"](always)
    ended(scope, OLD, "old")
    assert STEPS["retention"](always) == 0
    purge.rest.end()
    assert STEPS["retention"](always) > 0


# ------------------------------------------------------------------------- stored requests


def request_of(channel: Any, by: str, words: str, ago: timedelta) -> InboundEvent:
    told = {"from": by, "timestamp": str(int(now().timestamp())), "id": f"wamid.{words}", "type": "text", "text": {"body": words}}  # fmt: skip
    receipt = arrives(channel, change("messages", messages=[told]))
    InboundEvent.objects.filter(id=receipt.id).update(created_at=now() - ago)
    return receipt


def test_words_of_stored_requests_go_and_their_marks_a_month_later(scope: Tenant, whatsapp: Any) -> None:
    ages = {"ancient": 31, "older": 8, "younger": 6}
    ids = {words: request_of(whatsapp, "15550107701", words, timedelta(days=days)).id for words, days in ages.items()}
    chooses(scope, retention_days=7)
    STEPS["retention"](always)
    left = {row.id: bool(row.request["body"]) for row in InboundEvent.objects.all()}
    assert left == {ids["older"]: False, ids["younger"]: True}
    purge.rest.end()
    assert STEPS["retention"](always) == 0, "an emptied one is looked at no more"


def test_requests_that_name_a_held_contact_stay(scope: Tenant, whatsapp: Any) -> None:
    kept = request_of(whatsapp, "15550107701", "held", OLD)
    request_of(whatsapp, "15550109902", "free", OLD)
    hold_place(Identity.objects.get(value__contains="15550107701").contact_id, "case 9", "system")
    chooses(scope, retention_days=30)
    STEPS["retention"](always)
    assert [row.id for row in InboundEvent.objects.all()] == [kept.id]


# -------------------------------------------------------------------------- what else obeys


def test_a_hold_of_the_whole_tenant_refuses_every_removal(scope: Tenant) -> None:
    talk = ended(scope, OLD, "old")
    chooses(scope, legal_hold=True)
    acts: list[Callable[[], Any]] = [
        lambda: erasure_start(talk.contact_id, "system"),
        lambda: conversation_delete(talk.id),
        lambda: removal_start(scope, "system"),
    ]
    for act in acts:
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "legal_hold"
    assert words_left() == ["old"]
    with pytest.raises(CommandError, match="legal hold"):
        call_command("remove_tenant", scope.slug, "--confirm", scope.slug)


def test_a_conversation_of_a_held_contact_is_not_deleted(scope: Tenant) -> None:
    talk = ended(scope, OLD, "old")
    hold_place(talk.contact_id, "case 7/2026", "system")
    with pytest.raises(Conflict, match="case 7/2026"):
        conversation_delete(talk.id)


def test_figures_of_purged_days_are_not_counted_anew(scope: Tenant) -> None:
    talk = ended(scope, OLD, "old")
    day = talk.ended_at.date()
    DailyFigure.objects.create(tenant=scope, day=day, name="messages", value=2)
    chooses(scope, retention_days=30)
    STEPS["retention"](always)
    rebuilt = day_rebuild(scope.id, day)
    assert (rebuilt.purged, DailyFigure.objects.get().value) == (True, 2)
    assert not day_rebuild(scope.id, now().date()).purged


def test_purged_days_are_known_longer_than_the_trail_keeps_an_entry(
    scope: Tenant, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setitem(settings.ENV, "AUDIT_KEEP_DAYS", 1)
    ended(scope, OLD, "old")
    chooses(scope, retention_days=30)
    STEPS["retention"](always)
    day = days_purged()
    assert day == (now() - timedelta(days=30)).date()
    for kept in ("retention.purge_began", "retention.purged_until"):  # the second time what was said anew goes
        trail_seal(always)
        AuditSeal.objects.update(last_at=now() - timedelta(days=2))
        assert AuditEntry.objects.filter(action=kept).exists()
        assert STEPS["old_audit"](always) > 0
        assert not AuditEntry.objects.filter(action="retention.purge_began").exists()
        assert days_purged() == day


# ------------------------------------------------------------------------------- preview


def told(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("purge", *arguments, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def test_the_command_previews_and_purges(scope: Tenant, other_tenant: Tenant) -> None:
    ended(scope, OLD, "old")
    chooses(scope, retention_days=30)
    [acme] = told("--dry-run", "--tenant", "acme")["tenants"]
    assert {name: acme[name] for name in ("days", "conversations", "messages", "files")} == {
        "days": 30, "conversations": 1, "messages": 2, "files": 1,
    }  # fmt: skip
    assert acme["oldest"] < acme["before"]
    assert words_left() == ["old"]
    done = {one["tenant"]: one["removed"] for one in told()["tenants"]}
    assert (done["acme"]["conversations.Message"], done["globex"]) == (2, {})
    out = StringIO()
    call_command("purge", stdout=out)
    assert out.getvalue().splitlines() == ["acme: nothing was due.", "globex: everything is kept."]


def test_the_api_and_the_page_tell_the_same(scope: Tenant, api: Any) -> None:
    ended(scope, OLD, "old")
    chooses(scope, retention_days=30)
    client = api(scope, "tenants:read")
    shown = client.data_of(client.get("/api/v2/retention"))
    assert (shown["conversations"], shown["messages"], shown["files"], shown["legal_hold"]) == (1, 2, 1, False)
    staff = Client()
    staff.force_login(UserFactory(username="root", is_superuser=True))
    page = staff.get(f"/admin/tenants/tenant/{scope.pk}/settings/?section=privacy").content.decode()
    assert "1 of them, with 2 messages and 1 file, the oldest of" in " ".join(page.split())
