"""Write to a person from the terminal: the same way as POST /api/v2/chat/conversations, by the same rules."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Q

from channels_app.content.types import MAX_TEXT
from channels_app.content.types import text as written
from channels_app.models import Channel
from chatsvc.management.making import MakingCommand, tenant_of
from messaging.rules.opening import first_words, sender_at
from tenants.errors import Invalid, NotFound
from tenants.scope import tenant_scope
from tenants.trail.audit import audit


class Command(MakingCommand):
    help = "Write to a person, in the conversation that is open with them or in a new one; workers deliver it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("text", help="what is said")
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument(
            "--channel", required=True, metavar="KEY", help="key or kind of the channel; of a kind, the oldest"
        )
        parser.add_argument(
            "--to", required=True, metavar="ADDRESS", help="phone number in E.164, or the platform's id"
        )
        parser.add_argument("--name", default="", help="of the person, where they are new")
        parser.add_argument(
            "--by-agent", action="store_true", help="a human answers what they reply, not the assistant"
        )
        parser.add_argument("--message-id", default="", metavar="ID", help="yours: the same one is not said twice")
        parser.add_argument("--dry-run", action="store_true", help="only tell whether it can be addressed")

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        tenant, text = tenant_of(options["tenant"]), options["text"].strip()
        if not 0 < len(text) <= MAX_TEXT:
            raise Invalid(f"A text has 1 to {MAX_TEXT} characters.", code="text_length", details=[])
        with tenant_scope(tenant.id):
            channel = _channel(options["channel"])
            facts = {"tenant": tenant.slug, "channel": channel.key, "to": options["to"]}
            if options["dry_run"]:
                sender_at(channel, options["to"])
                return {**facts, "dry_run": True, "message_id": None, "conversation_id": None, "repeated": False}
            message = first_words(
                channel, options["to"], written(text), by_bot=not options["by_agent"], name=options["name"],
                client_message_id=options["message_id"],
            )  # fmt: skip
            if not message.repeated:
                audit("system", "conversation.written_to", f"conversation:{message.conversation_id}")
        return {
            **facts,
            "dry_run": False,
            "message_id": str(message.id),
            "conversation_id": str(message.conversation_id),
            "repeated": bool(message.repeated),
        }

    def told(self, made: dict[str, Any]) -> str:
        if made["dry_run"]:
            return f"{made['to']} can be written to on {made['channel']}. Nothing was sent."
        said = "had been said before" if made["repeated"] else "was stored; workers deliver it"
        return f"Message {made['message_id']} {said}, conversation {made['conversation_id']}."


def _channel(named: str) -> Channel:
    """Raises NotFound ``channel_not_configured``."""
    found: Channel | None = (
        Channel.objects.filter(Q(key=named) | Q(kind=named), enabled=True).order_by("created_at").first()
    )
    if found is None:
        raise NotFound(
            "This tenant has no such channel that is switched on.", code="channel_not_configured", details=[]
        )
    return found
