"""Who acts in a request of the inbox: a member of staff by name, or the caller's own desk without one."""

from __future__ import annotations

import uuid

from conversations import selectors
from messaging.agents.labels import labels_of
from messaging.agents.members import answerer_require
from messaging.api.named import acts_as, member_of
from tenants.api.views import TenantAPIView
from tenants.errors import Unprocessable
from tenants.models import User


def acting(view: TenantAPIView, named: str | None) -> User | None:
    """The member who is named, else the one for whom the credential acts. Raises Unprocessable ``agent_unknown``, Forbidden
    ``agent_other``."""
    return member_of(view.principal.tenant_id, acts_as(view.principal, named or ""))


def acting_answers(view: TenantAPIView, named: str | None) -> User | None:
    """As `acting`. Raises Unprocessable ``agent_unknown`` also for a member who may not answer."""
    member = acting(view, named)
    if member:
        answerer_require(view.principal.tenant_id, member)
    return member


def acting_required(view: TenantAPIView, named: str | None) -> User:
    """As `acting`. Raises Unprocessable ``agent_required`` without one."""
    member = acting(view, named)
    if member is None:
        raise Unprocessable("Name the member of staff: `agent`.", code="agent_required")
    return member


def reads_words(view: TenantAPIView) -> bool:
    return "messages:read" in view.principal.permissions


def detail(view: TenantAPIView, conversation_id: uuid.UUID) -> dict[str, object]:
    """A conversation as it is answered after an act on it."""
    marks = labels_of([conversation_id]).get(conversation_id, [])
    return {
        **selectors.conversation_detail(conversation_id, words=reads_words(view)),
        "labels": [{"id": label.id, "name": label.name, "color": label.color} for label in marks],
    }
