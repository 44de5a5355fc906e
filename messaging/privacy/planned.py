"""Which uploads wait for planned replies alone: they go with them. Must not say or plan any."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from django.apps import apps
from django.db.models import QuerySet

from conversations.files.media_links import attachment_id_linked, attachment_id_of
from conversations.models import Attachment


def files_planned(ids: Collection[uuid.UUID]) -> QuerySet[Attachment]:
    """What these planned replies name, and neither a message nor another reply that waits. In the tenant's scope."""
    rows: Any = apps.get_model("messaging.ScheduledReply")  # its room lies above this one
    named = _named(rows.objects.filter(id__in=ids))
    kept = _named(rows.objects.filter(status__in=rows.OPEN).exclude(id__in=ids)) if named else set()
    return Attachment.objects.filter(id__in=named - kept, message=None)


def _named(rows: QuerySet[Any]) -> set[uuid.UUID]:
    addresses = ((one.get("media") or {}).get("url") or "" for one in rows.values_list("content", flat=True))
    return {found for address in addresses if (found := attachment_id_of(address) or attachment_id_linked(address))}
