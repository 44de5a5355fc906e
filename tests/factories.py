"""Rows for tests: each factory makes a whole, valid row with its surroundings, all of one tenant.

``ConversationFactory(tenant=tenant)`` makes channel, contact and identity of that tenant too.
"""

from __future__ import annotations

from typing import Any

import factory
from factory.django import DjangoModelFactory

from channels_app.models import Channel
from conversations.models import Contact, Conversation, Identity, Message, Session
from messaging.agents.models import Label
from messaging.figures.facts import Place, weeks_of
from messaging.figures.sheet import Sheet
from messaging.models import DaySheet, Delivery
from tenants.models import Membership, Role, Team, Tenant, User
from tenants.storage.db import new_id, now


class Scoped(DjangoModelFactory):
    """A row of a tenant, made without opening its scope. Its parts belong to the same tenant."""

    class Meta:
        abstract = True

    tenant = factory.SubFactory("tests.factories.TenantFactory")

    @classmethod
    def _get_manager(cls, model_class: Any) -> Any:
        # unscoped: tests set up rows of several tenants before any scope is open
        return model_class.objects.unscoped()


def part(name: str, **shared: str) -> factory.SubFactory:
    """A related row of the same tenant; ``shared`` names further fields that both have in common."""
    same = {field: factory.SelfAttribute(f"..{source}") for field, source in shared.items()}
    return factory.SubFactory(f"tests.factories.{name}Factory", tenant=factory.SelfAttribute("..tenant"), **same)


class TenantFactory(DjangoModelFactory):
    class Meta:
        model = Tenant

    name = factory.Sequence(lambda n: f"Tenant {n}")
    slug = factory.Sequence(lambda n: f"tenant-{n}")


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    is_staff = True
    password = factory.django.Password("correct horse battery staple")


class RoleFactory(Scoped):
    class Meta:
        model = Role

    name = factory.Sequence(lambda n: f"role-{n}")
    permissions = factory.LazyFunction(lambda: ["*"])


class MembershipFactory(Scoped):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    role = part("Role")


class TeamFactory(Scoped):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n}")


class LabelFactory(Scoped):
    class Meta:
        model = Label

    name = factory.Sequence(lambda n: f"Label {n}")


class ChannelFactory(Scoped):
    class Meta:
        model = Channel

    kind = "web"
    name = factory.Sequence(lambda n: f"Channel {n}")


class ContactFactory(Scoped):
    class Meta:
        model = Contact

    name = factory.Sequence(lambda n: f"Visitor {n}")


class IdentityFactory(Scoped):
    class Meta:
        model = Identity

    contact = part("Contact")
    channel = part("Channel")
    scheme = "visitor"
    value = factory.Sequence(lambda n: f"visitor-{n}")


class SessionFactory(Scoped):
    class Meta:
        model = Session

    contact = part("Contact")
    channel = part("Channel")
    key = factory.LazyFunction(lambda: str(new_id()))
    expires_at = factory.LazyFunction(lambda: now().replace(year=now().year + 1, day=1))


class ConversationFactory(Scoped):
    class Meta:
        model = Conversation

    channel = part("Channel")
    contact = part("Contact")
    identity = part("Identity", channel="channel", contact="contact")


class MessageFactory(Scoped):
    """The next message of its conversation. ``text`` is what it says; the counters of the conversation follow."""

    class Meta:
        model = Message

    conversation = part("Conversation")
    identity = factory.SelfAttribute("conversation.identity")
    channel = factory.SelfAttribute("conversation.channel")
    seq = factory.LazyAttribute(lambda message: message.conversation.last_seq + 1)
    direction = Message.Direction.INBOUND
    role = Message.Role.VISITOR
    text = factory.Sequence(lambda n: f"Message {n}")
    content_type = "text"
    content = factory.LazyAttribute(lambda message: {"type": "text", "text": message.text})

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **fields: Any) -> Message:
        message: Message = super()._create(model_class, *args, **fields)
        conversation = message.conversation
        conversation.last_seq = max(conversation.last_seq, message.seq)
        conversation.message_count += 1
        conversation.last_message_at = message.created_at
        conversation.last_message_preview = message.text[:120]
        conversation.save()
        return message


class DeliveryFactory(Scoped):
    class Meta:
        model = Delivery

    message = part("Message")
    conversation = factory.SelfAttribute("message.conversation")
    channel = factory.SelfAttribute("message.channel")
    seq = factory.SelfAttribute("message.seq")


def sheet_put(tenant: Tenant, place: Place, figures: Sheet) -> None:
    """The figures of a place, and those of its week where it has one."""
    for where, sheet in ({place: figures} | weeks_of({place: figures})).items():
        # unscoped: as the factories
        DaySheet.objects.unscoped().create(tenant=tenant, **where._asdict(), figures=sheet.to_json())
