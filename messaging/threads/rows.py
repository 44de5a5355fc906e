"""Threads as rows: where they are found, made, changed and deleted.

A thread is not open in the sense of a chat (``is_open`` is false): no rule of the inbox, of silence or of the assistant acts
on it. ``ended_at`` is set when it is deleted; its row stays for a while as what its last event hangs on. ``last_message_at``
is when something happened to it last.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError

from channels_app.contract import Sender
from channels_app.models import Channel
from conversations.contacts.people import identities_forget, identity_resolve
from conversations.files.attachments import attachments_delete
from conversations.models import Attachment, Conversation, Message
from conversations.timeline import conversation_advance, events_append
from messaging import wake
from messaging.privacy.holds import demand_no_hold
from messaging.threads.people import Who
from messaging.threads.told import CREATED, DELETED, thread_news
from tenants.errors import Conflict, Forbidden, NotFound, Unavailable
from tenants.scope import current_tenant_id
from tenants.storage.db import RACES, atomic, lost_race, new_id, now, on_commit, retried

KIND = "thread"
SCHEME = "learner"
KEYS = "threads-"  # what the keys of threads' channels begin with
DELETED_REASON = "deleted"
BATCH = 200  # messages of one transaction


@dataclass(frozen=True)
class Wanted:
    """What a thread is made of, or changed to; None: as it is."""

    subject: str | None = None
    participants: Sequence[dict[str, Any]] | None = None
    metadata: dict[str, Any] | None = None

    def facts(self, before: dict[str, Any]) -> dict[str, Any]:
        given = {"participants": self.participants, "metadata": self.metadata}
        return {**before, **{name: value for name, value in given.items() if value is not None}}


@dataclass
class Made:
    thread: Conversation
    learner_id: str
    repeated: bool = field(default=False)


def threads_of(who: Who, learner_id: str = "") -> Any:
    """The threads that ``who`` reaches, of one learner where it is named, with their identities."""
    rows = Conversation.objects.filter(kind=KIND, ended_at=None, identity__scheme=SCHEME).select_related("identity")
    if who.learners is not None:
        rows = rows.filter(identity__value__in=sorted(who.learners))
    return rows.filter(identity__value=learner_id) if learner_id else rows


def thread_get(thread_id: uuid.UUID, who: Who) -> Conversation:
    """Raises NotFound ``thread_not_found``, for one out of reach as for none at all."""
    thread: Conversation | None = threads_of(who).filter(id=thread_id).first()
    if thread is None:
        raise _no_thread()
    return thread


def learner_of(thread: Conversation) -> str:
    return str(thread.identity.value)


def thread_create(learner_id: str, wanted: Wanted, who: Who, key: str = "") -> Made:
    """``key``: what the caller has named this request by; the thread that it made before is given again. Call outside a
    transaction.

    Raises Forbidden ``learner_out_of_scope``, Conflict ``thread_deleted``, Unavailable (lost five races).
    """
    if not who.reaches(learner_id):
        raise Forbidden("This token does not reach this learner.", code="learner_out_of_scope")
    channel, sender = threads_channel(), Sender(scheme=SCHEME, value=learner_id)
    for _ in range(RACES):
        try:
            return _create(channel, sender, wanted, who, key)
        except IntegrityError as error:
            if not lost_race(error):
                raise
            identities_forget(channel, sender)
    raise Unavailable("The learner's threads are very busy; try again.", retry_after=1)


@retried
def _create(channel: Channel, sender: Sender, wanted: Wanted, who: Who, key: str) -> Made:
    with atomic():
        known = identity_resolve(channel, sender)
        before = Conversation.objects.filter(identity_id=known.identity_id, kind=KIND, last_inbound_id=key).first()
        if key and before:
            if before.ended_at is not None:
                message = "The thread that this Idempotency-Key opened was deleted: open another with a new key."
                raise Conflict(message, code="thread_deleted")
            return Made(before, sender.value, repeated=True)
        thread_id, at = new_id(), now()
        facts = wanted.facts({"participants": [], "metadata": {}})
        facts["participants"] = _with_creator(facts["participants"], who, sender.value)
        thread = Conversation(
            id=thread_id, tenant_id=channel.tenant_id, channel=channel, contact_id=known.contact_id,
            identity_id=known.identity_id, kind=KIND, thread=str(thread_id), is_open=False, event_seq=1,
            control_owner=Conversation.Owner.HUMAN, held_by=Conversation.Holder.STAFF,
            subject=wanted.subject or "", context=facts, created_at=at, last_message_at=at, last_inbound_id=key,
        )  # fmt: skip
        thread.save(force_insert=True)
        events_append(thread, [thread_news(CREATED, thread, sender.value)])
        on_commit(wake.publish_soon)
        return Made(thread, sender.value)


def _with_creator(participants: Sequence[dict[str, Any]], who: Who, learner_id: str) -> list[dict[str, Any]]:
    """Who has opened a thread takes part in it."""
    named = {one["user_id"] for one in participants}
    own = [] if who.is_the_house or who.id in named or who.id == learner_id else [{"user_id": who.id, "role": who.role}]
    return [*participants, *own]


@retried
def thread_change(thread_id: uuid.UUID, wanted: Wanted, who: Who) -> Conversation:
    """Raises NotFound, Forbidden ``role_not_allowed``."""
    with atomic():
        thread = held(thread_id, who)
        who.demand_change()
        thread.context = wanted.facts(thread.context)
        thread.subject = thread.subject if wanted.subject is None else wanted.subject
        thread.last_message_at = now()
        thread.save(update_fields=["context", "subject", "last_message_at"])
        return thread


def thread_delete(thread_id: uuid.UUID, who: Who) -> int:
    """Nothing of it is left but that it was there, for its last event. How many messages went.

    Raises NotFound, Forbidden ``role_not_allowed``, Conflict ``legal_hold``.
    """
    _end(thread_id, who)
    count = 0
    while gone := _messages_delete(thread_id):
        count += gone
    return count


@retried
def _end(thread_id: uuid.UUID, who: Who) -> None:
    with atomic():
        thread = held(thread_id, who)
        who.demand_delete()
        demand_no_hold(thread.contact_id)
        taken = conversation_advance(
            {"id": thread.id}, events=1, ended_at=now(), ended_reason=DELETED_REASON, subject="", context={},
            status=Conversation.Status.COMPLETED,
        )  # fmt: skip
        assert taken is not None  # held above
        events_append(taken, [thread_news(DELETED, taken, learner_of(thread))])
        on_commit(wake.publish_soon)


@retried
def _messages_delete(thread_id: uuid.UUID) -> int:
    ids = list(Message.objects.filter(conversation_id=thread_id).order_by("seq").values_list("id", flat=True)[:BATCH])
    with atomic():
        attachments_delete(Attachment.objects.filter(message_id__in=ids))
        Message.objects.filter(id__in=ids).delete()
    return len(ids)


def held(thread_id: uuid.UUID, who: Who) -> Conversation:
    """The thread as it is under its lock, until the commit. Raises NotFound ``thread_not_found``."""
    if conversation_advance({"id": thread_id, "kind": KIND}) is None:
        raise _no_thread()
    return thread_get(thread_id, who)


def threads_channel() -> Channel:
    """What the rows of threads stand on: a channel that takes no messages from outside. Made at the first thread of the
    tenant. Call outside a transaction."""
    tenant_id = current_tenant_id()
    key = f"{KEYS}{tenant_id.hex}"
    channel = Channel.objects.filter(key=key).first()
    if channel is None:
        try:
            with atomic():
                channel = Channel.objects.create(
                    tenant_id=tenant_id, kind="web", name="Threads", key=key, enabled=False
                )
        except IntegrityError:  # another process was first
            channel = Channel.objects.get(key=key)
    return channel


def _no_thread() -> NotFound:
    return NotFound("There is no such thread.", code="thread_not_found")
