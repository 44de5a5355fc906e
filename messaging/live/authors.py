"""Who a message comes from, as the visitor sees it. Must not know frames."""

from __future__ import annotations

from conversations.models import Message
from tenants.staff import UNNAMED, Face, face_of
from tenants.tenant_settings import settings_for


def author_of(message: Message) -> Face:
    """The bot's or the agent's name and picture; of an entry of the system those of the agent it tells of. Call within
    the tenant's scope."""
    if message.role == Message.Role.BOT:
        return Face(settings_for(message.tenant_id).bot_name)
    return UNNAMED if message.role == Message.Role.VISITOR else face_of(message.tenant_id, message.author_id)
