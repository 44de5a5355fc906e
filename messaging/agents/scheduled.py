"""Replies that go at a time: written now, said then, as if their author had sent them at that moment.

Owns when one goes, and what becomes of one that cannot. What may be said is decided when it goes (rules/agent_replies.py):
a person may have said STOP meanwhile, and a window may have closed.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db.models import QuerySet

from channels_app.content.types import Content
from channels_app.hours import hours_on
from channels_app.selectors import channel_for_id
from conversations.files.attachments import UNUSED, upload_keep
from conversations.messages import cleaned
from conversations.models import Conversation, Message
from conversations.timeline import work_given_up
from messaging import wake
from messaging.agents.members import answers
from messaging.agents.models import ScheduledReply
from messaging.agents.notes import note_write
from messaging.live.staff import replies_planned
from messaging.privacy.planned import files_planned
from messaging.reply import Author
from messaging.rules.agent_replies import reply_as
from messaging.rules.control import locked, locked_open
from messaging.rules.sendable import content_require
from messaging.rules.windows import window_of
from tenants.errors import Conflict, NotFound, ServiceError, Unprocessable
from tenants.models import Membership, User
from tenants.storage.db import atomic, now, on_commit, retried, server_trouble
from tenants.trail.audit import audit
from tenants.work.leases import A_DAY, WORKER_LOST, claim_by_id, put_off, server_back, settle

log = structlog.get_logger(__name__)

LONGEST = timedelta(days=366)
LATEST = timedelta(hours=12)  # after its time a reply is no longer what its author meant to say
MOST = 20  # that wait in one conversation
LEASE = timedelta(seconds=60)
SOON = timedelta(seconds=60)  # what goes so soon has a wake-up call of its own; the sweep finds the rest


@retried
def schedule(
    conversation_id: uuid.UUID,
    author: User | None,
    content: Content,
    at: datetime,
    *,
    unless_person_writes: bool = False,
) -> ScheduledReply:
    """A reply of ``author`` that goes ``at`` that time; with ``unless_person_writes`` only if the person has not written
    until then. Raises NotFound, NotFound ``media_not_found``, Conflict ``conversation_closed`` and
    ``too_many_scheduled``, Unprocessable ``schedule_time`` and ``window_ends_before``, Invalid ``empty_message`` and what `content_require` raises."""
    content, since = cleaned(content), now()
    if not since < at <= since + LONGEST:
        raise Unprocessable("Choose a time from now on, within a year.", code="schedule_time")
    with atomic():
        seen = locked_open(conversation_id)
        if channel := channel_for_id(seen.channel_id):
            content_require(channel, seen, content)
            if unless_person_writes and shut_by(seen, content.type, at):
                raise Unprocessable(
                    "The reply window closes before that time, and only the person can open it again. Choose an earlier "
                    "time, or let it go even if they write.",
                    code="window_ends_before",
                )
        upload_keep(content, at + LATEST + UNUSED)
        if scheduled_of(conversation_id).filter(status__in=ScheduledReply.OPEN).count() >= MOST:
            raise Conflict(f"{MOST} replies are planned here already.", code="too_many_scheduled")
        row = ScheduledReply.objects.create(
            tenant_id=seen.tenant_id, conversation=seen, author=author, by_member=author is not None,
            content=content.to_json(), at=at, due_at=at,
            unless_after=seen.last_seq if unless_person_writes else None,
        )  # fmt: skip
        _show(row)
        if at - since < SOON:
            on_commit(partial(wake.say_scheduled, row.id, (at - since).total_seconds()))
    return row


def shut_by(conversation: Conversation, content_type: str, at: datetime) -> bool:
    """Whether the platform's window, as it is now, will have closed by then."""
    channel = conversation.channel
    ends = window_of(channel, conversation, by_human=True).expires_at
    return ends is not None and ends <= at and content_type not in channel.adapter.capabilities.window_free


@retried
def scheduled_cancel(row_id: uuid.UUID) -> ScheduledReply:
    """It will not go; again is harmless. Raises NotFound, Conflict ``already_sent`` and ``being_sent``."""
    waits = ScheduledReply.objects.filter(id=row_id, status__in=ScheduledReply.OPEN, claim=None)
    cancelled = waits.update(status=ScheduledReply.Status.CANCELLED, reason="cancelled")
    row = scheduled_get(row_id)
    if cancelled:
        files_planned([row.id]).update(due_at=now() + UNUSED)  # of a reply that is written anew from it
        _show(row)
    if row.status == ScheduledReply.Status.SENT:
        raise Conflict("It was sent already.", code="already_sent")
    if row.status in ScheduledReply.OPEN:
        raise Conflict("It is being sent just now.", code="being_sent")
    row.repeated = not cancelled
    return row


def scheduled_get(row_id: uuid.UUID) -> ScheduledReply:
    """Raises NotFound."""
    row = ScheduledReply.objects.select_related("author").filter(id=row_id).first()
    if row is None:
        raise NotFound("There is no such scheduled reply.")
    return row


def scheduled_of(conversation_id: uuid.UUID) -> QuerySet[ScheduledReply]:
    """Those of a conversation, the next one first."""
    return ScheduledReply.objects.filter(conversation_id=conversation_id).select_related("author").order_by("at", "id")


def scheduled_replay(rows: QuerySet[ScheduledReply]) -> int:
    """Say now those of a queryset that were given up. Returns how many."""
    found = list(rows.filter(status=ScheduledReply.Status.FAILED).order_by("at"))
    for row in found:
        again, at = ScheduledReply.objects.filter(id=row.id, status=ScheduledReply.Status.FAILED), now()
        again.update(
            status=ScheduledReply.Status.WAITING, attempts=0, leases=0, claim=None, at=at, due_at=at, reason=""
        )
        _show(row)
        on_commit(partial(wake.say_scheduled, row.id))
    return len(found)


def scheduled_withdraw(row: ScheduledReply) -> bool:
    """Refuse at once a reply that waits, if its author may not answer any more, in its tenant's scope."""
    try:
        _require_author(row)
    except Conflict as error:
        return _refused(row, error.code, str(error))
    return False


def _show(row: ScheduledReply) -> None:
    """To colleagues who have the conversation open."""
    on_commit(partial(replies_planned, row.tenant_id, row.conversation_id))


# ------------------------------------------------------------------------------ when it is time


def scheduled_say(row_id: uuid.UUID) -> bool:
    """Say one whose time has come, in its tenant's scope. False when it is not due, taken, or does not go."""
    row = claim_by_id(ScheduledReply, row_id, LEASE)
    if row is None:
        return False
    if row.worn_out:
        scheduled_give_up(row, WORKER_LOST)
        return False
    try:
        return _say(row)
    except ServiceError as error:
        if error.status >= 500:
            return _failed(row, error)
        _refused(row, error.code, str(error))
        return False
    except Exception as error:  # noqa: BLE001  whatever broke, the reply is owed: it is tried again
        return _failed(row, error)


@retried
def _say(row: ScheduledReply) -> bool:
    """All of it under the lock of the conversation, the reply and its mark in one transaction: what the person writes
    comes before or after it. Raises as `reply_as` does, Conflict ``too_late``, ``author_gone`` and ``author_may_not``."""
    with atomic():
        seen = locked(row.conversation_id)
        said = _said(row)
        if said is None and row.unless_after is not None and _person_wrote(row):
            if settle(row, status=ScheduledReply.Status.CANCELLED, reason="person_wrote"):
                _show(row)
            return False
        if said is None:
            _require_sayable(row)
            author, content = Author.agent(row.author_id), cleaned(Content.model_validate(row.content))
            said = reply_as(seen, author, content, f"scheduled-{row.id}")
            if row.author:
                audit(row.author, "conversation.replied", seen, {"scheduled": str(row.id)})
        sent = settle(row, status=ScheduledReply.Status.SENT, reason="", message=said)
        if sent:
            _show(row)
        return sent


def _said(row: ScheduledReply) -> Message | None:
    """What it became, where a worker of an earlier release ended before it had marked the row: no cause that has come
    up since makes it unsaid."""
    of = Message.objects.filter(conversation_id=row.conversation_id, role=Message.Role.AGENT)
    return of.filter(client_message_id=f"scheduled-{row.id}").first()


def _require_sayable(row: ScheduledReply) -> None:
    if row.attempts == 1 and now() - row.at > LATEST:
        raise Conflict("The service could not send it in time.", code="too_late")
    _require_author(row)


def _require_author(row: ScheduledReply) -> None:
    if row.author is None and not row.by_member:
        return
    if row.author and row.author.is_active and row.author.is_superuser:
        return
    member = Membership.objects.filter(user=row.author_id, user__is_active=True).select_related("role").first()
    if member is None:
        raise Conflict("Who wrote it is no longer a member of staff.", code="author_gone")
    if not answers(member):
        raise Conflict("Who wrote it may not answer conversations any more.", code="author_may_not")


def _person_wrote(row: ScheduledReply) -> bool:
    later = Message.objects.filter(conversation_id=row.conversation_id, seq__gt=row.unless_after)
    return later.filter(role=Message.Role.VISITOR).exists()


def _refused(row: ScheduledReply, code: str, words: str) -> bool:
    """It will not go, and its author is told why by a note. False when the row is no longer the caller's."""
    log.info("scheduled_reply_refused", scheduled=str(row.id), code=code)
    with atomic():
        refused = settle(row, status=ScheduledReply.Status.REFUSED, reason=code[:60])
        if refused:
            _show(row)
            name = f"@{row.author.get_username()} " if row.author else ""
            note_write(row.conversation_id, None, f"{name}The reply planned for {_when(row)} was not sent. {words}")
    return refused


def _when(row: ScheduledReply) -> str:
    """By the clock of the tenant, as people say it."""
    channel_id = Conversation.objects.values_list("channel_id", flat=True).get(id=row.conversation_id)
    zone = hours_on(row.tenant_id, channel_id).zone
    return f"{row.at.astimezone(zone):%-d %B %Y, %H:%M} ({zone.key})"


def _failed(row: ScheduledReply, error: Exception) -> bool:
    code = type(error).__name__
    log.warning("scheduled_reply_failed", scheduled=str(row.id), code=code, attempts=row.attempts)
    if server_trouble(error):
        put_off(row, server_back(), counts=False)
    elif now() - row.at > LATEST:
        scheduled_give_up(row, code)
    else:
        put_off(row, A_DAY.next(row.attempts), reason=code[:60])
    return False


def scheduled_give_up(row: ScheduledReply, reason: str) -> bool:
    """It does not go until staff start it again, and they are told. False when the row is no longer the caller's."""
    with atomic():
        given_up = settle(row, status=ScheduledReply.Status.FAILED, reason=reason[:60])
        if given_up:
            _show(row)
            work_given_up("scheduled", row, reason)
    return given_up
