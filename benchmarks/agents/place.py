"""Tenants with open conversations and signed-in staff, each with a list and a filter.

Owns the rows, and what each list holds: told by the words of docs/agent-socket.md, not by the service's own code.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: of the agents of a tenant: list and filter; "first" and "second" are the tenant's two channels
LISTS = (
    ("waiting", "web"), ("waiting", "first"), ("waiting", "second"), ("mine", "web"), ("mine", "first"),
    ("colleagues", "web"), ("bot", "web"), ("bot", "second"), ("all", "first"), ("waiting", "web"),
)  # fmt: skip
HOLDERS = ("bot", "bot", "queue", "staff", "staff")  # of the conversations, in turn


@dataclass
class Talk:
    """An open conversation. ``agent``: who has it, where `holder` is "staff"."""

    id: str
    tenant: str
    channel: str
    person: str
    holder: str
    agent: str | None = None

    @property
    def state(self) -> tuple[str, str | None]:
        return self.holder, self.agent


@dataclass(frozen=True)
class Agent:
    """A member of staff with one window. ``channel`` None: the list of both channels."""

    id: str
    tenant: str
    session: str
    view: str
    channel: str | None

    @property
    def filter(self) -> Mapping[str, str]:
        return {"channel_id": self.channel} if self.channel else {"channel": "web"}

    def shows(self, talk: Talk, state: Sequence[str | None]) -> bool:
        if talk.tenant != self.tenant or self.channel not in (None, talk.channel):
            return False
        holder, agent = state
        return {
            "all": True,
            "waiting": holder == "queue",
            "bot": holder == "bot",
            "mine": holder == "staff" and agent == self.id,
            "colleagues": holder == "staff" and agent != self.id,
        }[self.view]


def filled(tenants: int, agents: int, talks: int) -> tuple[list[Agent], list[Talk]]:
    """``agents`` and ``talks`` are those of all tenants together."""
    made = [_tenant(number, agents // tenants, talks // tenants) for number in range(tenants)]
    some = [talk for _, theirs in made for talk in theirs]
    random.Random(12).shuffle(some)
    return [agent for theirs, _ in made for agent in theirs], some


def _tenant(number: int, agents: int, talks: int) -> tuple[list[Agent], list[Talk]]:
    from tenants.scope import tenant_scope
    from tests.factories import ChannelFactory, RoleFactory, TenantFactory

    tenant = TenantFactory(slug=f"desk-{number}")
    with tenant_scope(tenant.id):
        channels = [ChannelFactory(tenant=tenant, kind="web", name=name) for name in ("first", "second")]
        role = RoleFactory(tenant=tenant, permissions=["*"])
        staff = [_agent(tenant, role, channels, place) for place in range(agents)]
        return staff, _talks(tenant, channels, [agent.id for agent in staff], talks)


def _agent(tenant: Any, role: Any, channels: Sequence[Any], place: int) -> Agent:
    from tenants.models import User
    from tests.factories import MembershipFactory
    from tests.messaging.desk.sessions import signed_in

    user = User.objects.create(username=f"{tenant.slug}.{place}", is_staff=True, password="!")
    MembershipFactory(tenant=tenant, user=user, role=role)
    view, wanted = LISTS[place % len(LISTS)]
    channel = {"first": str(channels[0].id), "second": str(channels[1].id)}.get(wanted)
    return Agent(str(user.id), str(tenant.id), signed_in(user), view, channel)


def _talks(tenant: Any, channels: Sequence[Any], agents: Sequence[str], count: int) -> list[Talk]:
    from conversations.models import Contact, Conversation, Identity
    from tenants.storage.db import now

    rows, talks, turn = [], [], itertools.cycle(agents)
    for number in range(count):
        channel, holder, person = channels[number % 2], HOLDERS[number % len(HOLDERS)], f"person{number}"
        agent = next(turn) if holder == "staff" else None
        contact = Contact(tenant=tenant, name=f"Person {number}")
        identity = Identity(tenant=tenant, contact=contact, channel=channel, scheme="web", value=person)
        conversation = Conversation(
            tenant=tenant, contact=contact, identity=identity, channel=channel, held_by=holder, assignee_id=agent,
            control_owner="bot" if holder == "bot" else "human", rank=Conversation.Rank.NORMAL,
            waiting_since=now() if holder == "queue" else None,
        )  # fmt: skip
        rows.append((contact, identity, conversation))
        talks.append(Talk(str(conversation.id), str(tenant.id), str(channel.id), person, holder, agent))
    for model, made in zip((Contact, Identity, Conversation), zip(*rows, strict=True), strict=True):
        model.objects.bulk_create(made, batch_size=1000)
    return talks
