"""A keyed hash of each id of an erased person, with the time: no import brings back what was said before.

Must not stand in the way of a person who writes anew, nor of the next holder of a number.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.utils.crypto import salted_hmac

from channels_app.contract import Sender
from channels_app.models import Channel
from conversations.models import Identity
from messaging.privacy.models import Tombstone
from tenants.errors import Conflict
from tenants.storage.db import now


def erased_at(tenant_id: uuid.UUID, channel_id: uuid.UUID, scheme: str, scope: str, value: str) -> datetime | None:
    """When the person with this id was erased last, in the tenant in scope; None: never."""
    digest = _digest(tenant_id, channel_id, scheme, scope, value)
    return Tombstone.objects.filter(digest=digest).values_list("at", flat=True).first()


def demand_no_tombstone(channel: Channel, sender: Sender) -> None:
    """Raises Conflict ``person_erased``: an id of an erased person comes back by what they write, not by our records."""
    if erased_at(channel.tenant_id, channel.id, sender.scheme, sender.scope, sender.value) is not None:
        raise Conflict("The person with this id was erased; it comes back when they write.", code="person_erased")


def tombstones_set(identities: Iterable[Identity]) -> None:
    """Call inside a transaction, while the identities still say who they are."""
    for one in identities:
        digest = _digest(one.tenant_id, one.channel_id, one.scheme, one.scope, one.value)
        if not Tombstone.objects.filter(digest=digest).update(at=now()):
            Tombstone.objects.create(tenant_id=one.tenant_id, digest=digest)


def _digest(tenant_id: uuid.UUID, channel_id: uuid.UUID, *key: str) -> str:
    named = "\0".join((tenant_id.hex, channel_id.hex, *key))
    return salted_hmac("messaging.privacy.tombstones", named, algorithm="sha256").hexdigest()
