"""Verb one, accept: a message that came in is stored once, in order, with what has to follow from it.

Owns the journey from an inbound item to the committed rows Message, Turn and Events, and its order (`arrivals/`:
conversation, rows, turn). Must not ask an engine, and must not call the outside.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import IntegrityError

from channels_app.contract import InboundMessage
from channels_app.models import Channel
from conversations.contacts.people import contact_came_from, contact_touch, identities_forget, identity_resolve
from conversations.files.attachments import attachment_of, content_with_facts, content_with_ids
from conversations.messages import cleaned, words_of
from conversations.models import Conversation
from conversations.safety import facts_hidden, flags_take, hidden_in, human_wanted
from conversations.timeline import events_append, queue_touched
from messaging.agents.snooze import snooze_break
from messaging.arrivals.entrance import PLAIN, Accepted, Checked, Entrance
from messaging.arrivals.repeated import repeat_of
from messaging.arrivals.rows import files_attach, message_of, news_of
from messaging.arrivals.talk import conversation_for
from messaging.arrivals.turn import turn_open
from messaging.consent import steps as consent
from messaging.hours.told import closed_tell
from messaging.live.push import push_message
from messaging.measures import MESSAGES, STAGES
from messaging.models import Turn
from messaging.rules.control import bot_off, hand_over
from messaging.rules.quotes import inbound_quoted
from tenants.errors import Unavailable
from tenants.storage.db import RACES, atomic, lost_race, on_commit, retried

log = structlog.get_logger(__name__)


@STAGES.labels("accept").time()
def accept(
    channel: Channel,
    inbound: InboundMessage,
    entrance: Entrance = PLAIN,
    *,
    along: Callable[[], object] = lambda: None,
) -> Accepted:
    """Store ``inbound`` exactly once and wake the worker that goes on with it. ``along``: is done in the same
    transaction, unless the message is a repeat.

    Raises Invalid ``empty_message``, NotFound (no such conversation of this person),
    Conflict ``message_id_conflict`` (the id was used for other content), Unavailable (lost five races), Invalid
    ``quote_unknown``,
    and for a file of ours NotFound ``media_not_found``, Conflict ``media_used``.
    """
    return store_alone(channel, inbound, checked_of(channel, inbound), entrance, along=along)


@retried
def store_alone(
    channel: Channel,
    inbound: InboundMessage,
    checked: Checked,
    entrance: Entrance,
    *,
    along: Callable[[], object] = lambda: None,
) -> Accepted:
    """In a transaction of its own, tried again when another writer was first. ``along``: as `accept`."""
    for _ in range(RACES):
        try:
            with atomic():
                accepted = store(channel, inbound, checked, entrance)
                along()
        except IntegrityError as error:
            if not lost_race(error):
                raise
            repeated = repeat_of(channel, inbound, checked.content, entrance)
            if repeated:
                return told(channel, repeated)
            identities_forget(channel, inbound.sender)  # what we remembered may be what was wrong
        else:
            return told(channel, accepted)
    raise Unavailable("The conversation is very busy; send the same message again.", retry_after=1)


def checked_of(channel: Channel, inbound: InboundMessage) -> Checked:
    """Raises Invalid ``empty_message``, NotFound ``media_not_found``, Conflict ``media_used``."""
    content, file_ids = content_with_ids(cleaned(inbound.content), inbound.media)
    upload = None if file_ids else attachment_of(content)
    content = content_with_facts(content, upload) if upload else content
    content, hidden = hidden_in(channel.tenant_id, content)
    facts, media = facts_hidden(channel.tenant_id, inbound.metadata, inbound.media)
    return Checked(content, words_of(channel.tenant_id, content, hidden), file_ids, upload, facts, media)


def told(channel: Channel, accepted: Accepted) -> Accepted:
    """Count it, and let every log line from here on name the message."""
    message, repeated = accepted.message, accepted.duplicate
    structlog.contextvars.bind_contextvars(conversation_id=str(message.conversation_id), message_id=str(message.id))
    MESSAGES.labels(channel.kind, str(repeated).lower()).inc()
    log.info("message_accepted", kind=channel.kind, seq=message.seq, repeated=repeated)
    return accepted


def store(channel: Channel, inbound: InboundMessage, checked: Checked, entrance: Entrance) -> Accepted:
    """Within a transaction: person → conversation → message → turn → events → files."""
    content = checked.content
    known = identity_resolve(channel, inbound.sender, verified=entrance.verified)
    session = contact_touch(
        channel, known, inbound.sender, session_key=entrance.session_key, device=dict(entrance.device)
    )
    conversation, started = conversation_for(channel, known, inbound, content, entrance, session)
    content, quoted_id = inbound_quoted(conversation, inbound, content)
    message = message_of(conversation, inbound, content, checked, entrance, quoted_id)
    standing = consent.message_write(message)
    if content.origin:
        contact_came_from(known.contact_id, content.origin.to_json())
    step = consent.step_of(channel, message, standing, dated=inbound.dated and inbound.sent_at is not None)
    asked = "bypass_automation" if entrance.hints.get("bypass_automation") else ""
    wanted = human_wanted(message)
    bypassed = asked or ("" if step.without_turn else bot_off(channel.tenant_id, channel) or wanted)
    turn = None if step.without_turn or bypassed else turn_open(channel, conversation, message, entrance, step)
    news = news_of(channel, inbound.sender, known, conversation, message, started=started, session=session)
    events_append(conversation, news)
    flags_take(message)
    conversation = snooze_break(conversation)
    if conversation.held_by == Conversation.Holder.QUEUE and conversation.waiting_since == conversation.last_message_at:
        queue_touched(conversation.tenant_id)  # nothing was to be answered before
    consent.step_take(conversation, message, step)
    on_commit(lambda: push_message(message))
    if bypassed:
        conversation = hand_over(conversation, bypassed)
    if not step.without_turn:
        conversation = closed_tell(conversation)
    files_attach(message, checked.media, checked.file_ids, checked.upload)
    return Accepted(message, conversation, turn=turn if turn and turn.status == Turn.Status.RUNNING else None)
