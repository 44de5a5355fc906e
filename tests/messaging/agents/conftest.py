"""Two colleagues of the tenant in scope, and conversations that its views show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from conversations.models import Conversation
from tenants.models import Tenant, User
from tenants.storage.db import now
from tests.factories import ConversationFactory, MembershipFactory

AT = datetime.fromisoformat("2026-03-02T10:00:00+00:00")


@pytest.fixture
def ana(tenant: Tenant) -> User:
    return MembershipFactory(tenant=tenant, user__username="ana").user


@pytest.fixture
def ben(tenant: Tenant) -> User:
    return MembershipFactory(tenant=tenant, user__username="ben").user


@pytest.fixture
def queued(scope: Tenant) -> Callable[..., Conversation]:
    """``queued(minutes=5, rank=2)``: a person who has waited for a human for five minutes."""

    def make(minutes: float = 1, **fields: Any) -> Conversation:
        since = now() - timedelta(minutes=minutes)
        facts = {"control_owner": "human", "held_by": "queue", "status": "escalated", "rank": 5, "waiting_since": since,
                 "last_message_at": since}  # fmt: skip
        return ConversationFactory(tenant=scope, **{**facts, **fields})

    return make
