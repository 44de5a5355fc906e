"""The web chat's rules, the same by socket and by HTTP: who may talk, as whom, and what a frame does.

Owns visitor tokens, identity proofs and the meaning of client frames. Must not know how frames travel.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import uuid
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import IntegrityError

from channels_app.adapters.base import constant_time_equal
from channels_app.contract import InboundMessage, Sender
from channels_app.models import Channel
from channels_app.normalise import EmptyMessage
from channels_app.selectors import channel_for_key
from conversations.models import Conversation, Message, Note
from conversations.people import identity_resolve
from messaging.accept import Accepted, Entrance, accept
from messaging.frames import message_frame, timestamp
from messaging.hub import conversation_group, hub, tenant_group
from messaging.webchat_frames import Identity, RateFrame, SendFrame, SessionRequest
from tenants.auth import require_active
from tenants.db import atomic, retried
from tenants.errors import Conflict, Forbidden, Invalid, NotAuthenticated, NotFound, TooMany
from tenants.limits import _network as network
from tenants.limits import allow
from tenants.tenant_settings import settings_for

SALT = "webchat"
TOKEN_LIFE_S = 30 * 24 * 3600  # counted anew whenever a session begins or a socket refreshes
PROOF_LIFE_S = 24 * 3600
PROOF_SKEW_S = 300
PAGE = 200  # the longest replay, and the longest page over HTTP


@dataclass(frozen=True)
class Visitor:
    """Who holds a token. ``scheme`` "web": a browser; "user": somebody the site's server vouched for."""

    id: str
    scheme: str = "web"
    session_key: str = ""
    name: str = ""

    @property
    def key(self) -> str:
        return f"{self.scheme}:{self.id}"


@dataclass(frozen=True)
class Session:
    """What a widget needs to begin. ``conversation`` is the open one, if there is any."""

    visitor: Visitor
    token: str
    conversation: Conversation | None


# ------------------------------------------------------------------------- who may talk


def channel_open(key: str, origin: str | None) -> Channel:
    """The web channel behind a public key. ``origin`` None: the caller is no page (checked by its token).

    Raises NotFound ``channel_not_found``, Forbidden ``origin_not_allowed`` or ``tenant_suspended``.
    """
    channel = channel_for_key(key, "web") if key.isprintable() else None  # no engine looks for NUL
    if channel is None:
        raise NotFound("There is no such web chat.", code="channel_not_found")
    require_active(channel.tenant_id)
    if origin is not None and not (origin and channel.adapter_config().allows(origin)):
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


def identity_signature(secret: str, channel_key: str, user_id: str, ts: int) -> str:
    """What the site's server signs to vouch for its user (proof version 1), in hex."""
    signed = f"v1\n{channel_key}\n{user_id}\n{ts}".encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def identity_verify(channel: Channel, identity: Identity) -> None:
    """Raises Forbidden ``identity_unproved`` unless the proof is right and at most a day old."""
    secret = channel.adapter_config().identity_secret
    expected = identity_signature(secret, channel.key, identity.user_id, identity.ts)
    fresh = -PROOF_SKEW_S <= time.time() - identity.ts <= PROOF_LIFE_S
    if not (secret and fresh and constant_time_equal(identity.sig, expected)):
        raise Forbidden("Who the visitor is has not been proved.", code="identity_unproved")


# ----------------------------------------------------------------------------- sessions


def session_begin(channel: Channel, wanted: SessionRequest, address: str) -> Session:
    """Begin a session, or go on with the one whose token is shown. ``address``: the caller's IP address.

    Raises NotAuthenticated, Forbidden ``identity_unproved``, TooMany.
    """
    before = visitor_for(channel, wanted.visitor_token) if wanted.visitor_token else None
    _session_draw(channel, before, address)
    if wanted.identity:
        identity_verify(channel, wanted.identity)
        visitor = Visitor(wanted.identity.user_id, "user", _new_session_key(), wanted.identity.name)
        if before and before.scheme == "web":
            _attach(channel, before, visitor)
    elif before and "identity" not in wanted.model_fields_set:
        visitor = before
    else:  # somebody new, or somebody who has logged out
        visitor = Visitor(secrets.token_urlsafe(24), session_key=_new_session_key())
    found = conversation_of(channel, visitor)
    return Session(visitor, token_issue(channel, visitor), found if found and found.is_open else None)


def _new_session_key() -> str:
    return secrets.token_urlsafe(12)


def _session_draw(channel: Channel, before: Visitor | None, address: str) -> None:
    """Every page view begins a session: only visitors nobody has seen before are scarce."""
    if before:
        draw(f"webchat:renew:{channel.id}:{before.key}", 1.0, 60)
    else:
        draw(f"webchat:session:{channel.id}:{network(address)}", 30 / 3600, 30)


@retried
def _attach(channel: Channel, anonymous: Visitor, user: Visitor) -> None:
    """What was said before the login goes on under the user's name, unless they are talking already."""
    alias = (anonymous.scheme, "", anonymous.id)
    going_on = conversation_of(channel, anonymous)
    if not going_on or not going_on.is_open:
        return
    try:
        with atomic():
            known = identity_resolve(channel, replace(sender_for(user), aliases=(alias,)))
            if Conversation.objects.filter(identity_id=known.identity_id, is_open=True).exists():
                return
            Conversation.objects.filter(id=going_on.id, is_open=True).update(
                identity_id=known.identity_id, contact_id=known.contact_id
            )
            Message.objects.filter(conversation_id=going_on.id).update(identity_id=known.identity_id)
    except IntegrityError:
        return  # the user began to talk in this very moment: that conversation counts


# --------------------------------------------------------------------------- transcript


def conversation_of(channel: Channel, visitor: Visitor) -> Conversation | None:
    """The visitor's newest conversation: the open one if there is any."""
    own = Conversation.objects.filter(
        identity__channel=channel, identity__scheme=visitor.scheme, identity__scope="", identity__value=visitor.id
    )
    return own.order_by("-is_open", "-created_at", "-id").first()


def frames_after(conversation_id: uuid.UUID, after: int, limit: int = PAGE) -> list[dict[str, Any]]:
    """The transcript frames that follow ``after``, oldest first."""
    rows = Message.objects.filter(conversation_id=conversation_id, seq__gt=after)
    return [_frame(message) for message in rows.order_by("seq")[:limit]]


def frames_before(conversation_id: uuid.UUID, before: int, limit: int = PAGE) -> list[dict[str, Any]]:
    """The last transcript frames before ``before``, oldest first."""
    rows = Message.objects.filter(conversation_id=conversation_id, seq__lt=before)
    return [_frame(message) for message in rows.order_by("-seq")[:limit]][::-1]


def last_seq(conversation_id: uuid.UUID) -> int:
    """How far the transcript goes; 0 when the conversation is gone."""
    return Conversation.objects.filter(id=conversation_id).values_list("last_seq", flat=True).first() or 0


def _frame(message: Message) -> dict[str, Any]:
    if message.deleted_at:  # its number stays, so that the transcript has no hole
        of = str(message.id)
        return {"t": "del", "seq": message.seq, "id": of, "of": of, "ts": timestamp(message.deleted_at)}
    return message_frame(message, bot_name=settings_for(message.tenant_id).bot_name)


# --------------------------------------------------------------------------- what is said


def say(channel: Channel, visitor: Visitor, frame: SendFrame) -> Accepted:
    """Store what the visitor says, once per ``cid``.

    Raises TooMany, Conflict ``cid_conflict``, Invalid ``empty_message`` or ``too_long``, Unavailable.
    """
    draw(f"webchat:send:{channel.id}:{visitor.key}", 20 / 60, 20)
    metadata = {"reply_to_seq": frame.reply_to} if frame.reply_to else {}
    inbound = InboundMessage(platform_id="", sender=sender_for(visitor), content=frame.to_content(), metadata=metadata)
    entrance = Entrance(
        client_message_id=frame.cid, session_key=visitor.session_key or "default", device={"kind": "web"}
    )
    try:
        return accept(channel, inbound, entrance)
    except EmptyMessage as error:
        raise Invalid("There is nothing in the message.", code=error.code) from error
    except Conflict as error:
        raise Conflict("This cid was used for other content.", code="cid_conflict") from error


@retried
def rate(channel: Channel, visitor: Visitor, frame: RateFrame) -> dict[str, Any]:
    """Keep what the visitor thinks of the newest conversation; its ack. Raises NotFound, TooMany."""
    draw(f"webchat:send:{channel.id}:{visitor.key}", 20 / 60, 20)
    conversation = conversation_of(channel, visitor)
    if conversation is None:
        raise NotFound("There is no conversation to rate.", code="conversation_not_found")
    remark = f"Rated {frame.score} of 5: {frame.comment}"
    with atomic():
        Conversation.objects.filter(id=conversation.id).update(satisfaction=frame.score)
        if frame.comment and not Note.objects.filter(conversation=conversation, text=remark).exists():
            Note.objects.create(tenant_id=channel.tenant_id, conversation=conversation, text=remark)
    return {"t": "ack", "cid": frame.cid}


def read_mark(conversation_id: uuid.UUID, tenant_id: uuid.UUID, seq: int) -> bool:
    """The visitor has seen everything up to ``seq``; only ever forwards. Whether that was news."""
    unseen = Conversation.objects.filter(id=conversation_id, visitor_read_seq__lt=seq, last_seq__gte=seq)
    if not unseen.update(visitor_read_seq=seq):
        return False
    frame = {"t": "read", "by": {"role": "visitor"}, "seq": seq}
    hub.push(conversation_group(conversation_id), frame)
    hub.push(tenant_group(tenant_id), {**frame, "conversation": str(conversation_id)})
    return True


def draw(key: str, rate_per_s: float, burst: int) -> None:
    """Raises TooMany when the bucket is empty."""
    wait = allow(key, rate_per_s, burst) if settings.ENV["ENABLE_RATE_LIMITING"] else 0
    if wait:
        raise TooMany("Too many messages; wait a little.", retry_after=wait)
