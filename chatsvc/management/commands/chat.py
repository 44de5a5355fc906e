"""Talk to a tenant's assistant in the terminal, through the same verbs as every channel."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from channels_app.content.normalise import EmptyMessage
from channels_app.content.types import Content, text
from channels_app.contract import InboundMessage, Sender
from channels_app.models import Channel
from channels_app.selectors import channel_for_kind
from chatsvc.management.arguments import tenant_named
from conversations.models import Message
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.respond import answer
from tenants.scope import tenant_scope


class Command(BaseCommand):
    help = "Talk to the assistant in the terminal. An empty line or Ctrl-D ends it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs="*", help="say this and leave; without it the command asks")
        parser.add_argument("--tenant", default="acorn", help="slug (default: acorn, the demo)")
        parser.add_argument("--user", default=f"terminal-{getpass.getuser()}", help="who is talking")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = tenant_named(options["tenant"])
        with tenant_scope(tenant.id):
            channel = channel_for_kind(tenant.id, "web")
            if channel is None:
                raise CommandError(f"{tenant.name} has no web channel to talk through.")
            for said in [" ".join(options["words"])] if options["words"] else asked():
                for content in replies(channel, options["user"], said):
                    self.stdout.write(spoken(content))


def asked() -> Iterator[str]:
    while True:
        try:
            said = input("> ").strip()
        except (EOFError, KeyboardInterrupt):
            return
        if not said:
            return
        yield said


def replies(channel: Channel, user: str, said: str) -> list[Content]:
    """What the assistant answers; nothing when a human is in control."""
    inbound = InboundMessage(platform_id="", sender=Sender(scheme="web", value=user, name=user), content=text(said))
    try:
        accepted = accept(channel, inbound, Entrance(answer_now=True))
    except EmptyMessage as error:
        raise CommandError("There is nothing in this message.") from error
    if accepted.turn:
        answer(accepted.turn)
    later = Message.objects.filter(conversation=accepted.conversation, seq__gt=accepted.message.seq).order_by("seq")
    return [Content.model_validate(message.content) for message in later]


def spoken(content: Content) -> str:
    """A content as a line of text, with what may be chosen below it."""
    choices = [f"    [{reply.title}]" for reply in content.quick_replies or ()]
    return "\n".join([content.text or content.summary, *choices])
