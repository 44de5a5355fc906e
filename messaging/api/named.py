"""Whom a request names as ``agent``: a member of the tenant's staff, and whether they may answer.

Must not decide what is answered twice: who has lost the right to answer still gets the message that they sent before.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Annotated

from pydantic import Field

from channels_app.content.ids import clean_id
from conversations.models import Message
from messaging.agents.members import answerer_require
from tenants.access.auth import Principal
from tenants.access.permissions import limited_to_subject
from tenants.errors import Forbidden, Unprocessable
from tenants.models import Membership, User

Agent = Annotated[
    str, Field(max_length=150, description="User name of the member of staff who acts; empty: your own desk, unnamed")
]


def agent_of(principal: Principal) -> User | None:
    """The tenant's member of staff for whom the credential acts: who agreed to an OAuth client's. None for all others."""
    if not principal.user_id:
        return None
    return User.objects.filter(pk=principal.user_id, memberships__tenant_id=principal.tenant_id).first()


def acts_as(principal: Principal, name: str) -> str:
    """The user name that a request acts under: of the member of staff for whom the credential acts, else the one it names.
    Raises Forbidden ``agent_other`` for a credential that acts for one member and names another."""
    own = agent_of(principal)
    if own is None:
        return name
    if name not in ("", own.get_username()):
        raise Forbidden("This token acts for another member of staff.", code="agent_other")
    return own.get_username()


def speaker_require(principal: Principal, person_id: str) -> None:
    """Raises Forbidden ``limited_to_subject`` for a visitor's token that speaks as another person than its own."""
    if principal.kind == "visitor" and clean_id(principal.subject) != person_id:
        raise limited_to_subject()


def member_of(tenant_id: uuid.UUID, name: str) -> User | None:
    """The tenant's member of staff with this user name; None without one. Raises Unprocessable ``agent_unknown``."""
    if not name:
        return None
    member = Membership.objects.filter(tenant_id=tenant_id, user__username=name).select_related("user").first()
    if member is None or not member.user.is_active:
        raise Unprocessable("This tenant has no such member of staff.", code="agent_unknown")
    return member.user


def answerer_of(tenant_id: uuid.UUID, name: str) -> User | None:
    """As `member_of`, of a member who is to answer. Raises Unprocessable ``agent_unknown`` also where they may not."""
    user = member_of(tenant_id, name)
    if user:
        answerer_require(tenant_id, user)
    return user


def sayer_of(tenant_id: uuid.UUID, name: str, message_id: str) -> tuple[User | None, Callable[[], None]]:
    """Who says something under ``message_id``, and what to call before it is said for the first time: that raises
    Unprocessable ``agent_unknown``. Who said it before need not be a member any more."""
    if not name:
        return None, lambda: None
    member = Membership.objects.filter(tenant_id=tenant_id, user__username=name).select_related("user").first()
    user = member.user if member else _author_of(tenant_id, name, message_id)
    if user is None:
        raise Unprocessable("This tenant has no such member of staff.", code="agent_unknown")
    return user, partial(answerer_require, tenant_id, user)


def _author_of(tenant_id: uuid.UUID, name: str, message_id: str) -> User | None:
    said = Message.objects.filter(tenant_id=tenant_id, author__username=name, role=Message.Role.AGENT)
    before = said.filter(client_message_id=message_id).select_related("author").first() if message_id else None
    return before.author if before else None
