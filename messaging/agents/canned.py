"""Canned replies: what staff say often, filled in for one conversation.

Owns which variables fill themselves in. What a variable is: channels_app/templates/resolve.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError
from django.db.models import Q, QuerySet

from channels_app.content.types import Content
from channels_app.templates.resolve import render, variables_in
from conversations.models import Conversation
from messaging.agents.models import CannedReply
from tenants.errors import Conflict, NotFound, Unprocessable
from tenants.models import User
from tenants.staff import face_of
from tenants.storage.db import atomic, key_taken, row_change

MOST = 1_000  # of a tenant
KNOWN = ("name", "first_name", "agent", "channel")  # variables that fill themselves in


@dataclass(frozen=True)
class Filled:
    """``content``: None as long as ``missing`` names variables without a value. ``values``: what is known of each."""

    content: Content | None
    missing: list[str]
    values: dict[str, str]


def canned_found(wanted: str = "", most: int = 50) -> list[CannedReply]:
    """By shortcut: those of which shortcut or title say ``wanted``; "" for all."""
    return list(canned_rows(wanted).order_by("shortcut", "id")[:most])


def canned_rows(wanted: str) -> QuerySet[CannedReply]:
    """The same, in no order yet."""
    rows: QuerySet[CannedReply] = CannedReply.objects.all()
    return rows.filter(Q(shortcut__startswith=wanted.lower()) | Q(title__icontains=wanted)) if wanted else rows


def canned_get(canned_id: uuid.UUID) -> CannedReply:
    """Raises NotFound ``canned_reply_not_found``."""
    row: CannedReply | None = CannedReply.objects.filter(id=canned_id).first()
    if row is None:
        raise NotFound("There is no such canned reply.", code="canned_reply_not_found")
    return row


def canned_save(row: CannedReply, given: Mapping[str, Any] | None = None) -> CannedReply:
    """A new one, or one of which what is ``given`` changes. Raises Conflict ``shortcut_taken``, Unprocessable
    ``too_many_canned_replies``, NotFound."""
    if row._state.adding and CannedReply.objects.count() >= MOST:
        raise Unprocessable(f"A tenant has at most {MOST} canned replies.", code="too_many_canned_replies")
    try:
        with atomic():
            if row._state.adding:
                row.save()
            else:
                row_change(row, given or {})
    except IntegrityError as error:
        if not key_taken(error):
            raise
        raise Conflict("This shortcut is in use.", code="shortcut_taken") from error
    return row


def canned_variables(row: CannedReply) -> list[str]:
    return variables_in(row.content)


def canned_fill(row: CannedReply, conversation: Conversation, agent: User | None, values: Mapping[str, str]) -> Filled:
    """The reply for one conversation. ``values`` come before what fills itself in. Raises Unprocessable
    ``template_invalid``."""
    wanted = canned_variables(row)
    known = {**_known(conversation, agent), **values}
    held = {name: known[name] for name in wanted if known.get(name)}
    missing = [name for name in wanted if name not in held]
    return Filled(None if missing else render(row.content, held), missing, held)


def _known(conversation: Conversation, agent: User | None) -> dict[str, Any]:
    name = conversation.contact.name.strip()
    return {
        "name": name,
        "first_name": name.split(" ")[0],
        "agent": face_of(conversation.tenant_id, agent.id if agent else None).name,
        "channel": conversation.channel.name,
    }
