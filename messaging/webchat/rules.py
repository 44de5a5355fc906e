"""The web chat's rules, the same by socket and by HTTP: who may talk, as whom, and what a frame does.

Owns visitor tokens and the meaning of client frames. Must not know how frames travel.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import IntegrityError

from channels_app.content.media import kind_of
from channels_app.content.surroundings import Quote
from channels_app.content.types import Content, Media
from channels_app.contract import InboundMessage, Sender
from channels_app.models import Channel
from channels_app.selectors import channel_for_key
from conversations.contacts.people import Known, identities_forget, identity_resolve, is_met
from conversations.files.media_links import media_address
from conversations.models import Attachment, Conversation, Message, Note
from messaging.accept import accept
from messaging.arrivals.entrance import Accepted, Entrance
from messaging.live.attending import answering, read_shown
from messaging.live.push import push_read
from messaging.many.accept import Arrival, accept_many
from messaging.rating.taken import conversation_rate
from messaging.reports.delivery_status import mark_read
from messaging.webchat.frames import RateFrame, ReadFrame, SendFrame
from tenants.access.auth import require_active
from tenants.access.limits import allow, network
from tenants.errors import Conflict, Forbidden, NotAuthenticated, NotFound, TooMany
from tenants.scope import tenant_scope
from tenants.storage import prepared
from tenants.storage.db import atomic, lost_race, retried
from tenants.tenant_settings import settings_for

SALT = "webchat"
TOKEN_LIFE_S = 30 * 24 * 3600  # counted anew whenever a session begins or a socket refreshes

CONVERSATION = prepared.Select(Conversation, lambda rows, id: rows.filter(id=id))
NEWEST = prepared.Select(
    Conversation,
    lambda rows, channel, scheme, visitor: rows.filter(
        identity__channel=channel, identity__scheme=scheme, identity__scope="", identity__value=visitor
    ).order_by("-is_open", "-created_at", "-id"),
)
OWN = prepared.Select(
    Conversation,
    lambda rows, id, channel, scheme, visitor: rows.filter(
        id=id, identity__channel=channel, identity__scheme=scheme, identity__scope="", identity__value=visitor
    ).values_list("id", flat=True),
)


@dataclass(frozen=True)
class Visitor:
    """Who holds a token. ``scheme`` "web": a browser; "user": a user the site's server vouched for."""

    id: str
    scheme: str = "web"
    session_key: str = ""
    name: str = ""

    @property
    def key(self) -> str:
        return f"{self.scheme}:{self.id}"


# ------------------------------------------------------------------------- who may talk


def channel_open(key: str, origin: str | None) -> Channel:
    """The web channel behind a public key. ``origin`` None: the caller is no page (checked by its token); "": it sent
    none, which the channel may allow.

    Raises NotFound ``channel_not_found``, Forbidden ``origin_not_allowed`` or ``tenant_suspended``.
    """
    channel = channel_for_key(key, "web") if key.isprintable() else None  # no engine looks for NUL
    if channel is None:
        raise NotFound("There is no such web chat.", code="channel_not_found")
    require_active(channel.tenant_id)
    if origin is not None and not channel.adapter_config().allows(origin):
        raise Forbidden("This site may not embed the web chat.", code="origin_not_allowed")
    return channel


def token_issue(channel: Channel, visitor: Visitor) -> str:
    """A token that makes its holder this visitor, on this channel only, for TOKEN_LIFE_S seconds."""
    payload = {"c": channel.key, "v": visitor.id, "s": visitor.scheme, "k": visitor.session_key, "n": visitor.name}
    return signing.dumps(payload, salt=SALT)


def visitor_for(channel: Channel, token: str) -> Visitor:
    """Whose token it is. Raises NotAuthenticated ``invalid_token`` when it is forged, too old or another
    channel's."""
    try:
        payload = signing.loads(token, salt=SALT, max_age=TOKEN_LIFE_S)
    except signing.BadSignature as error:
        raise NotAuthenticated("The visitor token is not valid.", code="invalid_token") from error
    if payload["c"] != channel.key:
        raise NotAuthenticated("The visitor token is of another channel.", code="invalid_token")
    return Visitor(payload["v"], payload["s"], payload["k"], payload["n"])


def sender_for(visitor: Visitor) -> Sender:
    """The visitor as the conversation knows them."""
    return Sender(scheme=visitor.scheme, value=visitor.id, name=visitor.name)


@retried
def known_as(channel: Channel, visitor: Visitor) -> Known:
    """The visitor's identity and contact, made now if this is the first we get of them."""
    try:
        with atomic():
            return identity_resolve(channel, sender_for(visitor))
    except IntegrityError as error:  # made by another of their windows in this moment
        if not lost_race(error):
            raise
        identities_forget(channel, sender_for(visitor))
        return identity_resolve(channel, sender_for(visitor))


# --------------------------------------------------------------------------- transcript


def conversation_of(channel: Channel, visitor: Visitor) -> Conversation | None:
    """The visitor's newest conversation: the open one if there is any."""
    found: Conversation | None = NEWEST.first(channel=channel.id, scheme=visitor.scheme, visitor=visitor.id)
    return found


def owns(channel: Channel, visitor: Visitor, conversation_id: uuid.UUID) -> bool:
    """Whether the conversation is (still) this visitor's: a login hands it on to the site's user."""
    own = {"channel": channel.id, "scheme": visitor.scheme, "visitor": visitor.id}
    return OWN.first(id=conversation_id, **own) is not None


def standing(conversation_id: uuid.UUID | None) -> dict[str, Any]:
    """Who answers by now, and how far staff have read."""
    found = CONVERSATION.first(id=conversation_id) if conversation_id else None
    return {"agent": answering(found), "read_seq": read_shown(found)}


def heads(conversations: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[int, str]]:
    """How far each transcript goes, and the id of the visitor whose it is. Of any tenant."""
    # unscoped: the sockets of a process are of all tenants; nothing of this is shown to any user
    rows = Conversation.objects.unscoped().filter(id__in=conversations)
    return {row[0]: (row[1], row[2]) for row in rows.values_list("id", "last_seq", "identity__value")}


# --------------------------------------------------------------------------- what is said


def admit(channel: Channel, visitor: Visitor, address: str) -> None:
    """Let a visitor begin to write. ``address``: the caller's IP address; of one (an IPv6 /64 counts as one) come
    WEBCHAT_VISITORS_PER_ADDRESS new visitors an hour. Looking at a page counts for nothing; nor does writing
    again, nor a user the site vouches for.

    Raises TooMany ``too_many_visitors``.
    """
    most = settings.ENV["WEBCHAT_VISITORS_PER_ADDRESS"]
    if not most or visitor.scheme != "web" or is_met(channel, sender_for(visitor)):
        return
    draw(
        f"webchat:visitor:{channel.id}:{network(address)}", most / 3600, most, "Too many people write from here.",
        code="too_many_visitors",
    )  # fmt: skip


def say(channel: Channel, visitor: Visitor, frame: SendFrame) -> Accepted:
    """Store what the visitor says, once per ``cid``.

    Raises TooMany, Conflict ``cid_conflict`` or ``media_used``, Invalid ``empty_message`` or ``too_long``,
    NotFound ``media_not_found``, Unavailable.
    """
    try:
        return accept(channel, *_arriving(channel, visitor, frame))
    except Conflict as error:
        raise _of_cid(error) from None


@dataclass(frozen=True)
class Words:
    """What `say` is called with; ``context``: in which it is logged."""

    channel: Channel
    visitor: Visitor
    frame: SendFrame
    context: Context = field(default_factory=copy_context)

    @property
    def of(self) -> tuple[uuid.UUID, str]:
        """Who says it. Two of one visitor are not stored together."""
        return self.channel.id, self.visitor.key


def say_many(words: Sequence[Words]) -> list[Accepted | Exception]:
    """As `say` for visitors of any tenants, each in its tenant's scope and stored together: of each what `say` returns
    or raises, or Forbidden ``tenant_suspended``. Sorted by who says it, so that the processes of a cluster lock the
    rows of two visitors in the same order."""
    order = sorted(range(len(words)), key=lambda place: words[place].of)
    arrivals = [words[place].context.run(_arrival, words[place]) for place in order]
    accepted = iter(accept_many([arrival for arrival in arrivals if isinstance(arrival, Arrival)]))
    told = [next(accepted) if isinstance(arrival, Arrival) else arrival for arrival in arrivals]
    by_place = dict(zip(order, told, strict=True))
    outcomes = [by_place[place] for place in range(len(words))]
    return [_of_cid(outcome) if isinstance(outcome, Conflict) else outcome for outcome in outcomes]


def _arrival(words: Words) -> Arrival | Exception:
    try:
        require_active(words.channel.tenant_id)
        with tenant_scope(words.channel.tenant_id):
            said = _arriving(words.channel, words.visitor, words.frame)
    except Exception as error:  # noqa: BLE001  the caller gets it
        return error
    return Arrival(words.channel, *said, words.context)


def _arriving(channel: Channel, visitor: Visitor, frame: SendFrame) -> tuple[InboundMessage, Entrance]:
    draw(f"webchat:send:{channel.id}:{visitor.key}", 20 / 60, 20)
    languages = settings_for(channel.tenant_id).languages
    content = _with_file(channel, visitor, frame) if frame.kind == "file" else frame.to_content(languages)
    if quote := _quote(channel, visitor, frame):
        content = content.model_copy(update={"quote": quote})
    inbound = InboundMessage(platform_id="", sender=sender_for(visitor), content=content)
    entrance = Entrance(
        client_message_id=frame.cid, session_key=visitor.session_key or "default", device={"kind": "web"}
    )
    return inbound, entrance


def _of_cid(error: Conflict) -> Conflict:
    """As clients of the web chat name it."""
    if error.code != "message_id_conflict":
        return error
    return Conflict("This cid was used for other content.", code="cid_conflict")


def _quote(channel: Channel, visitor: Visitor, frame: SendFrame) -> Quote | None:
    """The message that the visitor answers; None where it is none of theirs: what they say counts."""
    conversation = conversation_of(channel, visitor) if frame.reply_to or frame.quote else None
    if conversation is None:
        return None
    own = Message.objects.exclude(role=Message.Role.SYSTEM)
    if frame.quote:  # also of a conversation before
        own = own.filter(id=frame.quote, channel=channel, conversation__contact_id=conversation.contact_id)
    else:
        own = own.filter(conversation=conversation, seq=frame.reply_to)
    message_id = own.values_list("id", flat=True).first()
    return Quote(message_id=message_id) if message_id else None


def _with_file(channel: Channel, visitor: Visitor, frame: SendFrame) -> Content:
    """What a message with the visitor's own upload says. Raises NotFound ``media_not_found``."""
    own = Attachment.objects.filter(
        id=frame.files[0], state=Attachment.State.STORED, identity__channel=channel, identity__scheme=visitor.scheme,
        identity__scope="", identity__value=visitor.id,
    ).first()  # fmt: skip
    if own is None:
        raise NotFound("There is no such file.", code="media_not_found")
    media = Media(url=media_address(own.id), type=own.mime, size_bytes=own.size or 0, name=own.name or None)
    return Content(type=kind_of(own.mime), text=frame.words() or None, media=media)


@retried
def rate(channel: Channel, visitor: Visitor, frame: RateFrame) -> dict[str, Any]:
    """Keep what the visitor thinks of the conversation that they were asked about; its ack.

    Raises NotFound ``conversation_not_found`` when it is not theirs, TooMany.
    """
    draw(f"webchat:send:{channel.id}:{visitor.key}", 20 / 60, 20)
    if not owns(channel, visitor, frame.conversation):
        raise NotFound("There is no such conversation to rate.", code="conversation_not_found")
    remark = f"Rated {frame.score} of 5: {frame.comment}"
    with atomic():
        conversation_rate(frame.conversation, frame.score)
        if frame.comment and not Note.objects.filter(conversation_id=frame.conversation, text=remark).exists():
            Note.objects.create(tenant_id=channel.tenant_id, conversation_id=frame.conversation, text=remark)
    return {"t": "ack", "cid": frame.cid}


def read(channel: Channel, visitor: Visitor, frame: ReadFrame) -> bool:
    """The visitor has seen everything up to ``seq``; only ever forwards. Whether that was news.

    Raises NotFound ``conversation_not_found`` when the conversation is not theirs.
    """
    if not owns(channel, visitor, frame.conversation):
        raise NotFound("There is no such conversation.", code="conversation_not_found")
    if not mark_read(frame.conversation, frame.seq):
        return False
    push_read(frame.conversation, "visitor", frame.seq)
    return True


def draw(
    key: str, rate_per_s: float, burst: int, message: str = "Too many messages; wait a little.", *,
    code: str = TooMany.code,
) -> None:  # fmt: skip
    """Raises TooMany with ``message`` and ``code`` when the bucket is empty."""
    wait = allow(key, rate_per_s, burst) if settings.ENV["ENABLE_RATE_LIMITING"] else 0
    if wait:
        raise TooMany(message, code=code, retry_after=wait)
