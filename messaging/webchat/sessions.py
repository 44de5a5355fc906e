"""How a visitor's session begins: who they are, what becomes of what they said before, what they told of
themselves.

Owns the passage from an anonymous visitor to the site's user. Must not know how the request travelled.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.db import IntegrityError

from channels_app.models import Channel
from conversations.contacts.people import identity_resolve
from conversations.models import Attachment, Contact, Conversation, Identity
from messaging.live.push import push_moved
from messaging.rating.taken import rating_due
from messaging.reports.contact_signals import continue_as
from messaging.webchat.form import answers_of
from messaging.webchat.frames import SessionRequest
from messaging.webchat.proofs import Proved, proof_check
from messaging.webchat.rules import (
    Visitor,
    admit,
    conversation_of,
    draw,
    known_as,
    sender_for,
    token_issue,
    visitor_for,
)
from tenants.storage.db import atomic, lost_race, retried

FACTS = ("name", "email", "phone")


@dataclass(frozen=True)
class Session:
    """What a widget needs to begin. ``conversation`` is the open one, if there is any."""

    visitor: Visitor
    token: str
    conversation: Conversation | None
    unrated: Conversation | None = None  # ended, and the visitor is to be asked how it was


def session_begin(channel: Channel, wanted: SessionRequest, address: str) -> Session:
    """Begin a session, or go on with the one whose token is shown. ``address``: the caller's IP address.

    Raises NotAuthenticated, Forbidden ``identity_unproved``, TooMany (also ``too_many_visitors``), Invalid
    ``profile_invalid``.
    """
    before = visitor_for(channel, wanted.visitor_token) if wanted.visitor_token else None
    if before:
        draw(f"webchat:renew:{channel.id}:{before.key}", 1.0, 60)
    user = proof_check(channel, wanted.identity) if wanted.identity else None
    config = channel.adapter_config()
    answers = answers_of(config.pre_chat, config.answers_meant(wanted.profile)) if wanted.profile else {}
    visitor = _visitor(wanted, before, user)
    if before and user and before.scheme == "web":
        _join(channel, before, visitor)
    if user and user.facts:
        _keep(channel, visitor, user.facts, proved=True)
    if answers:
        admit(channel, visitor, address)
        _keep(channel, visitor, answers, proved=False)
    found, token = conversation_of(channel, visitor), token_issue(channel, visitor)
    if found is None or found.is_open:
        return Session(visitor, token, found)
    return Session(visitor, token, None, found if rating_due(channel, found) else None)


def _visitor(wanted: SessionRequest, before: Visitor | None, user: Proved | None) -> Visitor:
    if user:
        return Visitor(user.user_id, "user", _session_key(), user.name)
    if before and "identity" not in wanted.model_fields_set:
        return before
    return Visitor(secrets.token_urlsafe(24), session_key=_session_key())  # new, or has logged out


def _session_key() -> str:
    return secrets.token_urlsafe(12)


@retried
def _join(channel: Channel, anonymous: Visitor, user: Visitor) -> None:
    """The user who logs in was the anonymous visitor all along: one contact from now on, and what was being said goes
    on under the user's name unless they are talking already.

    That holds for the first user only: the next one at a shared browser is another person.
    """
    own = Identity.objects.filter(channel=channel, scheme=anonymous.scheme, scope="", value=anonymous.id).first()
    if own is None or _is_anothers(own, user):
        return
    going_on = conversation_of(channel, anonymous)
    try:
        with atomic():
            alias = (anonymous.scheme, "", anonymous.id)
            known = identity_resolve(channel, replace(sender_for(user), aliases=(alias,)))
            Attachment.objects.filter(identity=own, message=None).update(identity_id=known.identity_id)
            if going_on and not Conversation.objects.filter(identity_id=known.identity_id, is_open=True).exists():
                continue_as(known, going_on.id)
    except IntegrityError as error:
        if not lost_race(error):
            raise
        return  # the user began to talk in this very moment: that conversation counts
    if going_on:
        push_moved(going_on.id)


def _is_anothers(own: Identity, user: Visitor) -> bool:
    users = Identity.objects.filter(channel=own.channel_id, contact=own.contact_id, scheme=user.scheme)
    return users.exclude(value=user.id).exists()


@retried
def _keep(channel: Channel, visitor: Visitor, told: Mapping[str, str | bool], *, proved: bool) -> None:
    """Write to the contact what the site or the visitor told. What a visitor merely claims does not replace
    a fact that is known."""
    identity_id = known_as(channel, visitor).identity_id
    with atomic():
        contact = Contact.objects.get(identities=identity_id)
        for fact, value in told.items():
            if fact not in FACTS:
                if "profile" in contact.decisions and fact in contact.profile:
                    continue
                contact.profile = {**contact.profile, fact: value}
            elif fact not in contact.decisions and (proved or not getattr(contact, fact)):
                setattr(contact, fact, value)
        contact.save(update_fields=[*FACTS, "profile"])
