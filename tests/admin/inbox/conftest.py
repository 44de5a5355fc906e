"""A tenant whose inbox has something in every list, and a member of staff who looks at it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from channels_app.words.folding import folded
from conversations.models import Conversation
from tenants.models import Tenant, User
from tenants.storage.db import now
from tests.factories import (
    ChannelFactory,
    ConversationFactory,
    MembershipFactory,
    MessageFactory,
    RoleFactory,
    UserFactory,
)

HOME = "/admin/inbox/"
QUEUED = {"held_by": "queue", "control_owner": "human", "status": "escalated"}
HELD = {**QUEUED, "held_by": "staff"}


class Desk:
    """The inbox as ``member`` sees it, with ``permissions`` in ``tenant``."""

    def __init__(self, tenant: Tenant, permissions: tuple[str, ...] = ("*",)) -> None:
        self.tenant = tenant
        self.member: User = UserFactory(username="ben", first_name="Ben", last_name="Okafor")
        MembershipFactory(
            tenant=tenant, user=self.member, role=RoleFactory(tenant=tenant, permissions=list(permissions))
        )
        self.client = Client()
        self.client.force_login(self.member)

    def talk(self, name: str, text: str = "Hello", *, waiting: int | None = None, **fields: Any) -> Conversation:
        """A conversation with one message; ``waiting``: minutes for which the person has."""
        since: datetime | None = now() - timedelta(minutes=waiting) if waiting is not None else None
        fields.setdefault("channel", ChannelFactory(tenant=self.tenant))
        row = ConversationFactory(tenant=self.tenant, contact__name=name, waiting_since=since, **fields)
        MessageFactory(tenant=self.tenant, conversation=row, text=text, words=folded(text))
        return row

    def list(self, **asked: Any) -> Any:
        """The context of the list alone."""
        answer = self.client.get(HOME, {"part": "list", **asked})
        assert answer.status_code == 200
        return answer.context

    def names(self, **asked: Any) -> list[str]:
        return [row.name for row in self.list(**asked)["rows"]]

    def open(self, row: Conversation, **asked: Any) -> Any:
        return self.client.get(f"{HOME}{row.id}/", asked)

    def do(self, row: Conversation, verb: str, *, script: bool = True, **fields: Any) -> Any:
        headers = {"Accept": "application/json"} if script else {}
        return self.client.post(f"{HOME}{row.id}/do/{verb}/", fields, headers=headers)


@pytest.fixture
def desk(tenant: Tenant, other_tenant: Tenant) -> Desk:
    return Desk(tenant)


@pytest.fixture
def desk_of(tenant: Tenant, other_tenant: Tenant) -> Callable[..., Desk]:
    """``desk_of("conversations:read", …)``: of a member with these permissions."""
    return lambda *permissions: Desk(tenant, permissions)


def fresh(row: Conversation) -> Conversation:
    found: Conversation = Conversation.objects.unscoped().get(pk=row.pk)  # unscoped: the test looks at all tenants
    return found
