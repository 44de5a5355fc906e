"""What a person answers who was asked how it was: it rates that conversation, and begins no other.

Owns which message is such an answer: a pick of the question's own, or the number or title typed as the very next thing
in the same thread, within a day. Anything else is an ordinary message.
"""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

from django.db.models import Q

from channels_app.content.options import choice_for, payload_meant
from channels_app.content.types import Content, text
from channels_app.contract import InboundMessage
from channels_app.models import Channel
from conversations.contacts.people import identity_find
from conversations.models import Conversation, Identity, Message
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging.context.changes import UPDATED
from messaging.context.wording import language_of
from messaging.rating.asked import ASKED, MARK, THANKED, rating_wanted, say
from messaging.rating.said import LONGEST, bare
from messaging.rating.words import RATING_WORDS
from messaging.reply import staff_of
from tenants.errors import NotFound
from tenants.storage.db import atomic, now, retried

ANSWERED_FOR = timedelta(days=1)  # that a typed number or title is understood as the answer
PICKED = re.compile(rf"{MARK}:([0-9a-f-]{{36}}):([1-5])")
SCORES = "12345"
KNOWN = frozenset(SCORES) | {title.casefold() for words in RATING_WORDS.values() for title in words.answers}


def conversation_rate(conversation_id: uuid.UUID, score: int) -> Conversation:
    """The person rates the conversation, 1 to 5, mostly after its end; the last rating counts. In the caller's
    transaction. Raises NotFound."""
    seen = conversation_advance({"id": conversation_id, "kind": "chat"})
    if seen is None:
        raise NotFound("There is no such conversation.", code="conversation_not_found")
    if seen.satisfaction == score:
        return seen
    taken = conversation_advance({"id": conversation_id}, events=1, satisfaction=score)
    assert taken is not None  # locked above
    facts = {"trigger": "rated", "satisfaction": score, "previous_satisfaction": seen.satisfaction, **staff_of(seen)}
    events_append(taken, [NewEvent(UPDATED, facts)])
    return taken


def rating_due(channel: Channel, ended: Conversation) -> bool:
    """Whether the person is still to be asked how a conversation was that has ended."""
    if ended.satisfaction is not None or ended.ended_at is None or ended.ended_at < now() - ANSWERED_FOR:
        return False
    return rating_wanted(channel)


def may_rate(channel: Channel, content: Content) -> bool:
    """Whether the message can be an answer at all; costs no statement. Picks are understood also when the tenant has
    people asked no longer."""
    if content.choice:
        return payload_meant(content.choice.value).startswith(f"{MARK}:")
    said = (content.text or "").strip()
    if content.type != "text" or not 0 < len(said) <= LONGEST:
        return False
    return (said[0] in SCORES or bare(said) in KNOWN) and rating_wanted(channel)


@retried
def rating_take(channel: Channel, inbound: InboundMessage) -> bool:
    """Rate what the person was asked about. False when the message is an ordinary one. The same message again rates
    nothing anew."""
    if not may_rate(channel, inbound.content) or _is_stored(channel, inbound):
        return False
    identity = identity_find(channel, inbound.sender)
    meant = _meant(channel, identity, inbound) if identity else None
    if meant is None:
        return False
    conversation_id, score = meant
    with atomic():
        rated = conversation_rate(conversation_id, score)
        if _last(rated).get(MARK) == ASKED:  # thanked once, and from then on a number is a message again
            words = RATING_WORDS.get(language_of(rated), RATING_WORDS["en"])
            say(rated, text(words.thanks), THANKED, answer=inbound.platform_id)
    return True


def _is_stored(channel: Channel, inbound: InboundMessage) -> bool:
    """Whether it was an ordinary message before the question was asked, which comes once more."""
    same = Message.objects.filter(channel=channel, platform_message_id=inbound.platform_id)
    return bool(inbound.platform_id) and same.exists()


def _meant(channel: Channel, identity: Identity, inbound: InboundMessage) -> tuple[uuid.UUID, int] | None:
    """Which conversation is rated, and how well; None where the person was not asked that."""
    theirs = Conversation.objects.filter(_of(identity), channel=channel)
    if inbound.content.choice:
        picked = PICKED.fullmatch(payload_meant(inbound.content.choice.value))
        found = theirs.filter(id=picked[1]).first() if picked else None
        return (found.id, int(picked[2])) if picked and found and _question(found) else None
    # our first words may have opened the one between them and us, before the platform named its place
    places = {inbound.thread, ""} if channel.adapter.personal(inbound.thread) else {inbound.thread}
    newest = theirs.filter(thread__in=sorted(places)).order_by("-is_open", "-created_at", "-id").first()
    if newest is None or newest.is_open or newest.ended_at is None or newest.ended_at < now() - ANSWERED_FOR:
        return None
    last, asked = _last(newest), _question(newest)
    if asked is None or (last.get(MARK) == THANKED and last.get("answer") != inbound.platform_id):
        return None
    question, said = Content.model_validate(asked.content), inbound.content.text or ""
    choice = choice_for(question, said) or choice_for(question, bare(said))
    picked = PICKED.fullmatch(choice.value) if choice else None
    return (newest.id, int(picked[2])) if picked else None


def _of(identity: Identity) -> Q:
    """The person's, by whichever of their proved ids."""
    if not identity.verified:
        return Q(identity=identity)
    return Q(identity=identity) | Q(contact_id=identity.contact_id, identity__verified=True)


def _question(conversation: Conversation) -> Message | None:
    """The question, if it was asked: after it nothing is said but thanks."""
    ends = Message.objects.filter(conversation=conversation, seq__gte=conversation.last_seq - 1)
    return next((entry for entry in ends if entry.metadata.get(MARK) == ASKED), None)


def _last(conversation: Conversation) -> dict[str, Any]:
    """What marks the last entry of the transcript."""
    last = Message.objects.filter(conversation=conversation, seq=conversation.last_seq)
    return last.values_list("metadata", flat=True).first() or {}
