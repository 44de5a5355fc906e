"""The console's pages on what moves; importing them registers them."""

from messaging.admin import (
    channels,
    contacts,
    conversations,
    deliveries,
    failures,
    files,
    marks,
    reviews,
    scheduled,
    tenant,
)
from messaging.integrators import admin as endpoints

__all__ = [
    "channels",
    "contacts",
    "conversations",
    "deliveries",
    "endpoints",
    "failures",
    "files",
    "marks",
    "reviews",
    "scheduled",
    "tenant",
]
