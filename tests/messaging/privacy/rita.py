"""Rita, of whom there is a row in every table that can hold one, and what tells that she was there."""

from __future__ import annotations

from typing import Any

from conversations.models import Contact
from messaging.models import InboundEvent
from messaging.privacy.erase import erasure_go_on, erasure_start
from messaging.privacy.models import Erasure
from tenants.storage.db import now
from tests.messaging.arrivals import arrives, change

RITA, OTTO = "15550107701", "15550109902"
#: whatever tells who Rita is, or what she said
TRACES = (RITA, "Ritaluna", "zebrafink", "rita@example.com", "giraffal", "lionesso", "ocelotum", "tapirus")


def always() -> bool:
    return True


def writes(channel: Any, by: str, name: str, words: str, id: str) -> InboundEvent:
    told = {"from": by, "timestamp": str(int(now().timestamp())), "id": id, "type": "text", "text": {"body": words}}
    known = [{"wa_id": by, "profile": {"name": name}}]
    return arrives(channel, change("messages", contacts=known, messages=[told]))


def erased(contact: Contact) -> Erasure:
    begun = erasure_start(contact.id, "system")
    assert not erasure_go_on(begun.id, always), "the ids first"
    assert erasure_go_on(begun.id, always)
    return Erasure.objects.get(id=begun.id)


def left_in(text: str) -> list[str]:
    return [trace for trace in TRACES if trace in text]
