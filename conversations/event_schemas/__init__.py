"""What every event says: one model per type and version, and the envelope round it.

Owns the JSON schemas that integrators read (EVT-3). Must not know how events travel. Within a version
fields are only ever added; what breaks a reader is a new version.
"""

from conversations.event_schemas.catalogue import CALLS, SCHEMAS, UnknownEvent
from conversations.event_schemas.check import BadEvent, event_check
from conversations.event_schemas.envelope import Envelope, envelope_of, envelope_read
from conversations.event_schemas.schemas import schema_of, schemas

__all__ = [
    "CALLS",
    "SCHEMAS",
    "BadEvent",
    "Envelope",
    "UnknownEvent",
    "envelope_of",
    "envelope_read",
    "event_check",
    "schema_of",
    "schemas",
]
