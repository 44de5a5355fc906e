"""Edits, deletions and reactions of people: kept once, applied to their message in whatever order they come.

A message is a function of the set of its revisions: the author's latest edit by the platform's clock
counts, a deletion ends. Owns that function. Must not know any platform.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError
from django.db.models import Exists, F, Q

from assistant.vectors.rows import messages_forget
from channels_app import contract
from channels_app.content.types import Content, worded
from channels_app.models import Channel
from channels_app.selectors import channel_for_id
from conversations.contacts.people import Known, identities_forget, identity_find, identity_resolve
from conversations.files.attachments import attachments_delete
from conversations.messages import cleaned, message_facts, words_of
from conversations.models import Attachment, Conversation, Event, Identity, Message, Reaction, Revision
from conversations.safety import NOTHING, Hidden, flags_take, hidden_in
from conversations.timeline import NewEvent, conversation_advance, events_append, queue_touched
from messaging.consent.steps import edit_take
from messaging.live.push import push_change, push_reaction
from messaging.models import DeliveryPart
from messaging.rules.control import words_judged
from messaging.rules.quotes import message_known_as, quotes_forget, quotes_it
from tenants.errors import Invalid, Unavailable
from tenants.scope import tenant_scope
from tenants.storage.batches import Failures, More, batches
from tenants.storage.db import RACES, atomic, lost_race, now, on_commit, retried

SPOKEN = (Message.Role.VISITOR, Message.Role.BOT, Message.Role.AGENT)
ENTRIES = {"edited": "A message was edited.", "deleted": "A message was deleted."}
DELETED_PREVIEW = "[deleted]"
STAYS = ("quote", "origin", "form", "contacts", "forwarded")  # members of a content
#: platforms resend for up to seven days; what is older can have no message any more
LIFE = timedelta(days=8)
#: where this process' last look at waiting changes ended
_places: dict[Any, dict[str, Any]] = {Revision: {}, Reaction: {}}

Change = tuple[uuid.UUID, uuid.UUID, str]  # tenant, channel and the platform's id of the message


# ---------------------------------------------------------------------- what comes in


def revision_take(channel: Channel, item: contract.Revision) -> str:
    """Keep an edit or a deletion, and apply it if its message is here. Returns why nothing came of it, or ""."""
    try:
        said, hidden = hidden_in(channel.tenant_id, cleaned(item.content)) if item.content else (None, NOTHING)
    except Invalid as error:
        return error.code
    if _none_of_ours(channel, item):
        return "unknown_message"
    platform_id = _key(item.platform_id or f"{item.target}:{item.at}")

    def keep(known: Known) -> None:
        Revision.objects.create(
            tenant_id=channel.tenant_id, channel=channel, identity_id=known.identity_id, platform_id=platform_id,
            target=item.target[:255], deleted=item.content is None, at=item.at or now(),
            content=said.to_json() if said else {}, previous=hidden.to_json(),  # until it is applied
        )  # fmt: skip

    kept = Revision.objects.filter(channel=channel, platform_id=platform_id)
    fresh = _keep(channel, item.sender, keep, already=kept.exists)
    changes_apply(channel.id, item.target)
    if fresh and not kept.exists():
        return "not_the_author"
    return "" if fresh else "repeated"


def reaction_take(channel: Channel, item: contract.Reaction) -> str:
    """Keep a person's reaction, the later one by the platform's clock, and tell of it if its message is
    here. Returns why nothing came of it, or ""."""
    if _none_of_ours(channel, item):
        return "unknown_message"
    at, emoji = item.at or now(), item.emoji[:64]

    def keep(known: Known) -> bool:
        where = {"channel": channel, "target": item.target[:255], "identity_id": known.identity_id}
        if item.taken and Reaction.objects.filter(**where).exclude(emoji=item.taken[:64]).exists():
            return False  # another one was put since, and stands
        # Without its message a reaction has yet to be told of.
        newer = Reaction.objects.filter(**where, at__lte=at).exclude(emoji=emoji, at=at)
        if newer.update(emoji=emoji, at=at, message=None):
            return True
        if Reaction.objects.filter(**where).exists():
            return False
        Reaction.objects.create(tenant_id=channel.tenant_id, **where, emoji=emoji, at=at)
        return True

    fresh = _keep(channel, item.sender, keep, already=lambda: False)
    changes_apply(channel.id, item.target)
    return "" if fresh else "repeated"


@retried
def _keep(
    channel: Channel, sender: contract.Sender, keep: Callable[[Known], bool | None], *, already: Callable[[], bool]
) -> bool:
    """Commit the row before the message is looked for: the transaction that commits second, of message or
    row, sees the other. False when it was kept before. Raises Unavailable (lost five races)."""
    for _ in range(RACES):
        try:
            with atomic():
                return keep(identity_resolve(channel, sender)) is not False
        except IntegrityError as error:
            if not lost_race(error):
                raise
            if already():
                return False
            identities_forget(channel, sender)
    raise Unavailable("Too many changes at once.", retry_after=1)


def _none_of_ours(channel: Channel, item: contract.Revision | contract.Reaction) -> bool:
    """Where people also talk past us, a stranger's change to an unknown message is not for us to keep."""
    return (
        channel.adapter.capabilities.threads
        and identity_find(channel, item.sender) is None
        and message_known_as(channel.id, item.target) is None
    )


def _key(platform_id: str) -> str:
    return platform_id if len(platform_id) <= 255 else hashlib.sha256(platform_id.encode()).hexdigest()


# -------------------------------------------------------------------------- applying


def changes_waiting(channel: Any, platform_ids: Any) -> tuple[Exists, Exists]:
    """Whether edits or deletions, and whether reactions wait for one of the messages that the platform calls so: of a
    statement that asks for more at the same time."""
    # unscoped: a channel has one tenant
    revised = Revision.objects.unscoped().filter(channel=channel, target__in=platform_ids, message=None)
    # unscoped: as above
    reacted = Reaction.objects.unscoped().filter(channel=channel, target__in=platform_ids, message=None)
    return Exists(revised), Exists(reacted)


def changes_apply(channel_id: uuid.UUID, platform_id: str) -> None:
    """Apply what is kept of a message that the platform calls so. Cheap when there is nothing, and safe
    to repeat: call it whenever the message or a change of it has been committed."""
    waiting = {"channel_id": channel_id, "target": platform_id, "message": None}
    revised, reacted = (model.objects.filter(**waiting).exists() for model in (Revision, Reaction))
    message = message_known_as(channel_id, platform_id) if revised or reacted else None
    if message and revised:
        _revisions_apply(message, platform_id)
    if message and reacted:
        _reactions_tell(message, platform_id)


@retried
def _revisions_apply(seen: Message, target: str) -> None:
    with atomic():
        conversation = conversation_advance({"id": seen.conversation_id})  # locked until the commit
        message = Message.objects.select_related("identity").filter(id=seen.id).first()
        if conversation is None or message is None:
            return
        kept = list(Revision.objects.filter(channel_id=message.channel_id, target=target).select_related("identity"))
        own = [revision for revision in kept if _wrote(revision.identity, message)]
        Revision.objects.filter(id__in=[revision.id for revision in kept if revision not in own]).delete()
        edits = [revision for revision in own if not revision.deleted]
        latest = max(edits, key=lambda revision: (revision.at, revision.platform_id), default=None)
        deletion = next((revision for revision in own if revision.deleted), None)
        if deletion and not message.deleted_at:
            erase(conversation, message, deletion.at)
        elif latest and latest.message_id is None and not message.deleted_at:
            _rewrite(conversation, message, latest)
        done = Revision.objects.filter(id__in=[revision.id for revision in own])
        done.filter(message=None).update(message=message)
        if message.deleted_at:
            done.update(content={}, previous={})  # what was deleted is kept nowhere


def _wrote(identity: Identity | None, message: Message) -> bool:
    """The author, or another id of the same person that the platform vouches for."""
    if identity is None or message.direction != Message.Direction.INBOUND:
        return False
    author = message.identity
    both_proved = identity.verified and author.verified
    return identity.id == author.id or (both_proved and identity.contact_id == author.contact_id)


def _rewrite(conversation: Conversation, message: Message, edit: Revision) -> None:
    content = _merged(Content.model_validate(message.content), Content.model_validate(edit.content))
    hidden = Hidden.of(edit.previous)
    if content.to_json() == message.content and not _differs(hidden, message):
        return  # platforms also call it an edit when they have added a link's preview
    Revision.objects.filter(id=edit.id).update(previous=message.content)
    changes = {**words_of(message.tenant_id, content, hidden), "edited_at": edit.at}
    message_change(conversation, message, "edited", "chat.message.updated", preview=content.summary, **changes)
    flags_take(message)
    channel = channel_for_id(message.channel_id)
    if channel is None or not edit_take(channel, conversation, message, edit.at):
        words_judged(conversation, message)


def _differs(hidden: Hidden, message: Message) -> bool:
    """Of words that read the same: whether what is hidden in them does not."""
    before = Hidden.of(message.analysis)
    return bool(hidden.sealed or before.sealed) and hidden.words() != before.words()


def _merged(old: Content, new: Content) -> Content:
    """Words for a message that has more than words change only those, and what surrounds the words stays. A file is the
    one that we have; one that an edit puts in is told in words, for its address is the platform's."""
    if new.media and not old.media:
        added = f"[file added later: {new.media.name or new.media.type}]"
        new = Content(type="text", **worded("\n".join(filter(None, [new.full_text or new.text, added]))))
    if not new.media and (new.type != "text" or old.type in ("text", "quick_reply")):
        return new.model_copy(update={name: getattr(old, name) or getattr(new, name) for name in STAYS})
    return old.model_copy(update={"text": new.text, "format": new.format, "full_text": new.full_text})


def erase(conversation: Conversation, message: Message, at: datetime, *, by: str = "person") -> Message:
    """Nothing of what the message said is left with us. ``conversation`` is held by the caller. The entry that tells of it."""
    attachments_delete(Attachment.objects.filter(message=message))
    quotes_forget(conversation, message)
    _forget_words(message)
    entry = message_change(
        conversation, message, "deleted", "chat.message.deleted", preview=DELETED_PREVIEW,
        deleted_at=at, content={"type": message.content_type}, text="", words="", analysis={}, metadata={}, by=by,
    )  # fmt: skip
    owed = Message.objects.filter(
        conversation=conversation, role=Message.Role.VISITOR, deleted_at=None, seq__gt=conversation.answered_seq
    )
    if not owed.exists():
        Conversation.objects.filter(id=conversation.id).update(waiting_since=None)
        queue_touched(conversation.tenant_id)
    return entry


def _forget_words(message: Message) -> None:
    """Events that carried the message's words carry them no longer; what has been handed on is the readers'."""
    told = Event.objects.filter(conversation_id=message.conversation_id, payload__message_id=str(message.id))
    for event in told:
        if event.payload.pop("content", None) is not None:
            event.save(update_fields=["payload"])
    said = Q(payload__reply_to=str(message.id)) | quotes_it("payload__content__quote", message.id)
    quoting = Event.objects.filter(said, conversation_id=message.conversation_id)
    for event in quoting:
        if event.payload.get("content", {}).pop("quote", None) is not None:
            event.save(update_fields=["payload"])


def message_change(
    conversation: Conversation,
    message: Message,
    change: str,
    event: str,
    *,
    preview: str,
    by: str = "person",
    **changes: Any,
) -> Message:
    """The change, an entry in the transcript that tells clients following by seq of it, and the event. Returns the entry.

    The entry's number makes an answer void that was begun with the former words: the turn is tried again.
    """
    Message.objects.filter(id=message.id).update(**changes)
    messages_forget([message.id])
    for name, value in changes.items():
        setattr(message, name, value)
    later = Message.objects.filter(conversation=conversation, role__in=SPOKEN, seq__gt=message.seq)
    shown: dict[str, Any] = {} if later.exists() else {"last_message_preview": preview}
    taken = conversation_advance({"id": conversation.id}, events=1, last_seq=F("last_seq") + 1, **shown)
    assert taken is not None  # locked by the caller
    entry = Message.objects.create(
        tenant_id=message.tenant_id, conversation=taken, identity_id=message.identity_id,
        channel_id=message.channel_id, seq=taken.last_seq, direction=Message.Direction.OUTBOUND,
        role=Message.Role.SYSTEM, reply_to=message.id, content_type="text", words="",
        content={"type": "text", "text": ENTRIES[change]}, metadata={"change": change},
    )  # fmt: skip
    events_append(taken, [NewEvent(event, {**message_facts(message), "change_seq": entry.seq, "by": by})])
    on_commit(lambda: push_change(entry, message))
    return entry


@retried
def _reactions_tell(message: Message, target: str) -> None:
    untold = Reaction.objects.filter(channel_id=message.channel_id, target=target, message=None)
    for reaction in untold.select_related("identity"):
        with atomic():
            mine = Reaction.objects.filter(id=reaction.id, message=None, at=reaction.at, emoji=reaction.emoji)
            if not mine.update(message=message):
                continue  # another worker announces it, or it has changed again
            conversation = conversation_advance({"id": message.conversation_id}, events=1)
            assert conversation is not None  # the message is there, so is its conversation
            facts = {
                "message_id": str(message.id),
                "seq": message.seq,
                "contact_id": str(reaction.identity.contact_id),
                "identity_id": str(reaction.identity_id),
                "emoji": reaction.emoji,
            }
            events_append(conversation, [NewEvent("chat.message.reacted", facts)])
            on_commit(lambda reaction=reaction: push_reaction(reaction, message))  # type: ignore[misc]


# ------------------------------------------------------------------------- housekeeping


def late_changes_apply(more: More) -> int:
    """Apply changes whose message came in the very moment, or whose worker died in between; how many messages had
    any. Of all tenants; most of what waits is of messages that never come."""
    failures = Failures()
    count = sum(_late_apply(model, place, more, failures) for model, place in _places.items())
    failures.tell()
    return count


def _late_apply(model: Any, place: dict[str, Any], more: More, failures: Failures) -> int:
    count = 0
    # unscoped: of all tenants; each is applied inside its own scope
    waiting = model.objects.unscoped().filter(message=None)
    for rows in batches(waiting, "tenant_id", "channel_id", "target", more=more, place=place):
        for tenant_id, channel_id, target in _arrived({(row.tenant_id, row.channel_id, row.target) for row in rows}):
            with failures.apart(channel=str(channel_id)), tenant_scope(tenant_id):
                changes_apply(channel_id, target)
                count += 1
    return count


def _arrived(rows: Collection[Change]) -> list[Change]:
    """Those whose message is here by now."""
    channels, targets = {row[1] for row in rows}, {row[2] for row in rows}
    # unscoped: only ids are looked up; the caller opens the scope of each row
    messages = Message.objects.unscoped().filter(channel_id__in=channels, platform_message_id__in=targets)
    # unscoped: as above
    parts = DeliveryPart.objects.unscoped().filter(channel_id__in=channels, platform_id__in=targets)
    known = {
        *messages.values_list("channel_id", "platform_message_id"),
        *parts.values_list("channel_id", "platform_id"),
    }
    return sorted(row for row in rows if row[1:] in known)
