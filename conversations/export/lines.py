"""A transcript from its beginning to its end, a line for each entry. Read in pages: a long one is never in memory as a whole."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from channels_app.words.moments import written
from conversations.models import Conversation, Message
from conversations.selectors import conversation_detail, conversation_get, message_shapes
from tenants.names import name_clean

PAGE = 500
WHO = {"bot": "Assistant", "agent": "Staff", "system": "System"}


@dataclass(frozen=True)
class Line:
    """``shape``: the message as the API shows it; ``who``: the name of who wrote it."""

    seq: int
    at: str
    role: str
    who: str
    text: str
    files: tuple[str, ...]
    status: str
    shape: Mapping[str, Any]


@dataclass(frozen=True)
class Talk:
    """A conversation that is exported. Within its tenant's scope."""

    row: Conversation
    shape: Mapping[str, Any]

    @classmethod
    def of(cls, conversation_id: uuid.UUID) -> Talk:
        """Raises NotFound."""
        return cls(conversation_get(conversation_id), conversation_detail(conversation_id, words=True))

    def lines(self) -> Iterator[Line]:
        after = 0
        rows = Message.objects.filter(conversation=self.row).select_related("delivery", "author")
        while page := list(rows.filter(seq__gt=after).order_by("seq")[:PAGE]):
            yield from (self._line(row, shape) for row, shape in zip(page, message_shapes(page), strict=True))
            after = page[-1].seq

    def _line(self, row: Message, shape: Mapping[str, Any]) -> Line:
        person = name_clean(self.row.contact.name) or "Visitor"
        named = row.author.get_username() if row.author else WHO.get(row.role, row.role)
        said = "" if row.deleted_at else row.text or f"[{row.content_type.replace('_', ' ')}]"
        return Line(
            seq=row.seq, at=written(row.created_at), role=row.role, who=person if row.role == "visitor" else named,
            text="[deleted]" if row.deleted_at else said,
            files=tuple(name_clean(file["name"]) or file["kind"] for file in shape["attachments"]), status=shape["status"] or "",
            shape=shape,
        )  # fmt: skip
