"""An event as it travels."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from channels_app.words.moments import Moment
from conversations.event_schemas.catalogue import model_of
from conversations.models import Event

_new, _set = object.__new__, object.__setattr__


class Envelope(BaseModel):
    """An event as it travels: to Kafka, and in the same words to integrators' webhooks."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: UUID = Field(description="Stays the same however often the event comes: remove repeats by it")
    type: str
    version: int
    timestamp: Moment
    tenant_id: UUID
    conversation_id: UUID | None = Field(None, description="None for events that belong to no conversation")
    seq: int = Field(0, description="Dense per conversation, from 1; 0 without one")
    data: dict[str, Any]

    def to_bytes(self) -> bytes:
        """Of a learner also with the members by which the learners' service tells events."""
        if not self.type.startswith("CHAT_"):
            return self.model_dump_json().encode()
        whole = self.model_dump(mode="json")
        told = {"event_type": self.type, "learner_id": self.data.get("learner_id")}
        return json.dumps({**told, **whole}, ensure_ascii=False, separators=(",", ":")).encode()


FIELDS = frozenset(Envelope.model_fields)


def envelope_of(event: Event) -> Envelope:
    """The event of a row; nothing is checked, for that was done when it was written. As pydantic's `model_construct`, which
    looks up every field's aliases and default anew: a sixth of what publishing an event took."""
    made = _new(Envelope)
    _set(made, "__dict__", {
        "id": event.id, "type": event.type, "version": event.version, "timestamp": event.created_at,
        "tenant_id": event.tenant_id, "conversation_id": event.conversation_id, "seq": event.seq, "data": event.payload,
    })  # fmt: skip
    _set(made, "__pydantic_fields_set__", set(FIELDS))
    _set(made, "__pydantic_extra__", None)
    _set(made, "__pydantic_private__", None)
    return made


def envelope_read(value: bytes) -> Envelope:
    """The event in a Kafka record, checked against its schema. Raises ValueError (ValidationError, UnknownEvent)."""
    envelope = Envelope.model_validate_json(value)
    model_of(envelope.type, envelope.version).model_validate(envelope.data)
    return envelope
