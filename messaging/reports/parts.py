"""The parts of a message that a platform has taken: each is written down, and never sent again unless it failed.

Must not send, nor judge how far a message got.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import IntegrityError

from messaging.models import Delivery, DeliveryPart
from tenants.storage import prepared
from tenants.storage.db import atomic, key_taken, now, retried


@retried
def part_taken(delivery: Delivery, index: int, platform_id: str) -> uuid.UUID | None:
    """The platform has this part: never send it again, even if the next one fails. None when that was
    known already."""
    if index in delivery.parts_again:
        return _part_taken_again(delivery, index, platform_id)
    try:
        with atomic():
            part_id = part_insert(delivery, index, platform_id)
            prepared.update(Delivery, {"id": delivery.id}, {"parts_sent": index + 1})
    except IntegrityError as error:
        if not key_taken(error):
            raise
        return None
    finally:
        delivery.parts_sent = index + 1
    return part_id


def change_taken(delivery: Delivery, index: int) -> None:
    """The platform has made this call of a change; what it changed has its name already."""
    prepared.update(Delivery, {"id": delivery.id}, {"parts_sent": index + 1})
    delivery.parts_sent = index + 1


def part_insert(delivery: Delivery, index: int, platform_id: str) -> uuid.UUID:
    """The row alone, in the transaction that also moves ``parts_sent``. Raises IntegrityError when it is there."""
    return parts_insert([(delivery, index, platform_id)])[0]


def parts_insert(taken: Sequence[tuple[Delivery, int, str]]) -> list[uuid.UUID]:
    """`part_insert` for deliveries with index and id of a part each, by one statement."""
    parts = [
        DeliveryPart(
            tenant_id=delivery.tenant_id, delivery=delivery, channel_id=delivery.channel_id, index=index,
            platform_id=platform_id,
        )
        for delivery, index, platform_id in taken
    ]  # fmt: skip
    prepared.insert(parts)
    return [part.id for part in parts]


def _part_taken_again(delivery: Delivery, index: int, platform_id: str) -> uuid.UUID | None:
    """The part that failed has a new id; what is still reported of the old one is about nothing of ours."""
    left = [one for one in delivery.parts_again if one != index]
    with atomic():
        failed = DeliveryPart.objects.filter(delivery=delivery, index=index, status=Delivery.Status.FAILED)
        part_id = failed.values_list("id", flat=True).first()
        if not failed.update(platform_id=platform_id, status=Delivery.Status.SENT, created_at=now()):
            return None
        Delivery.objects.filter(id=delivery.id).update(parts_again=left)
    delivery.parts_again = left
    return part_id
