"""What a tenant's safety rules make of what a person says (MSG-3): what is hidden before anything is stored, what staff
are to look at, and what is a human's to answer.

Owns the reading of `SafetyRules` and the list of reviews. Must not find anything itself (channels_app/words does).
Alerts are written from the event (messaging/outbox/alert_words.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from channels_app.content.types import Content, worded
from channels_app.words.personal import find_personal, masked
from channels_app.words.text import Safety
from conversations.models import Message, Review
from tenants.models import User
from tenants.storage import prepared
from tenants.storage.db import now
from tenants.tenant_settings import SafetyRules, settings_for

SAFETY = "safety"  # the reason of a hand-over
#: member of a content → members of it that hold what the person said; what else stands there is a platform's or ours
SAID: dict[str, tuple[str, ...]] = {
    "media": ("alt_text", "name"),
    "choice": ("title",),
    "quote": ("text",),
    "form": ("value",),
}


@lru_cache(maxsize=256)
def safety_of(rules: SafetyRules) -> Safety:
    looked_for = frozenset((*rules.mask, *rules.alert, *rules.review, *rules.hand_over))
    return Safety(rules.max_length, rules.max_links, rules.card_numbers, frozenset(rules.words), looked_for)


def hidden_in(tenant_id: uuid.UUID, content: Content) -> tuple[Content, tuple[str, ...]]:
    """The content as it may be stored, and which kinds of personal data are hidden in it. The same object where the
    tenant hides nothing, or nothing was found."""
    tenant = settings_for(tenant_id)
    if not tenant.safety.mask:
        return content, ()
    mask = _Mask(tenant.safety, tenant.region or None)
    given = content.model_dump(exclude_none=True)
    changed = {name: mask.part(given[name], SAID[name]) for name in SAID if name in given}
    said = content.full_text or content.text
    if said is not None:
        changed |= {"text": None, "full_text": None} | worded(mask.text(said))
        picked = given.get("choice", {}).get("value") == content.text
        changed |= {"choice": {**changed["choice"], "value": changed["text"]}} if picked else {}
    if not mask.hidden:
        return content, ()
    return Content.model_validate(given | changed), tuple(mask.hidden)


def words_hidden(tenant_id: uuid.UUID, said: str) -> tuple[str, tuple[str, ...]]:
    """The same for bare words, as of a recording."""
    tenant = settings_for(tenant_id)
    mask = _Mask(tenant.safety, tenant.region or None)
    return mask.text(said) if tenant.safety.mask else said, tuple(mask.hidden)


def is_flagged(tenant_id: uuid.UUID, rule: str, flags: Iterable[str]) -> bool:
    """Whether the tenant's ``rule`` (alert, review, hand_over) names one of a message's flags."""
    return not set(getattr(settings_for(tenant_id).safety, rule)).isdisjoint(flags)


def flag_take(message: Message) -> str:
    """Within the transaction that stores or changes the message: list it where staff are to look at it. The reason why a
    human is to answer it, or "". A message without a flag costs nothing."""
    flags = message.analysis["flags"]
    if not flags:
        return ""
    if is_flagged(message.tenant_id, "review", flags):
        prepared.insert([Review(
            tenant_id=message.tenant_id, conversation_id=message.conversation_id, message=message, flags=list(flags)
        )])  # fmt: skip
    return SAFETY if is_flagged(message.tenant_id, "hand_over", flags) else ""


def review_end(review_id: uuid.UUID, by: User) -> bool:
    """A member of staff has looked at the message. False when a colleague had before."""
    return bool(Review.objects.filter(id=review_id, reviewed_at=None).update(reviewed_at=now(), reviewed_by=by))


class _Mask:
    """Hides what the rules name in one text after the other, and remembers the kinds that were there."""

    def __init__(self, rules: SafetyRules, region: str | None):
        self.rules, self.region = rules, region
        self.hidden: dict[str, None] = {}

    def text(self, said: str) -> str:
        words = frozenset(self.rules.words)
        found = find_personal(said, kinds=self.rules.mask, words=words, region=self.region)
        self.hidden |= dict.fromkeys(kind for kind, _, _ in found)
        return masked(said, found) if found else said

    def part(self, value: Any, names: tuple[str, ...]) -> Any:
        """A member of a content, with the words under ``names`` hidden at any depth."""
        if isinstance(value, Mapping):
            return {
                key: self.text(one) if key in names and isinstance(one, str) else self.part(one, names)
                for key, one in value.items()
            }
        return [self.part(one, names) for one in value] if isinstance(value, list | tuple) else value
