"""What a tenant's safety rules make of what is said (MSG-3): what is hidden before anything is stored, what is told, what
staff are to look at, and what is a human's to answer.

Owns the reading of `SafetyRules` and the list of reviews. Must not find anything itself (channels_app/words does).
Alerts are written from the event (messaging/outbox/alert_words.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from django.db.models import F, IntegerField, Value
from django.db.models.functions import Coalesce, Least

from channels_app.content.types import Content, worded
from channels_app.contract import MediaRef
from channels_app.words.entities import find_entities
from channels_app.words.personal import find_personal, masked
from channels_app.words.text import Safety, find_flags
from conversations.models import Conversation, Message, Review
from conversations.timeline import NewEvent, conversation_advance, events_append
from tenants.models import User
from tenants.storage import prepared
from tenants.storage.crypto import decrypt, encrypt
from tenants.storage.db import now
from tenants.tenant_settings import SafetyRules, TenantSettings, settings_for

SAFETY = "safety"  # the reason of a hand-over
FLAGGED = "chat.message.flagged"
WHY = "why"  # member of a message's analysis: how the answer came about (assistant/traces.py), which is asked for apart
SEALED = "sealed"  # member of a message's analysis, which no reader gets: what was hidden and is kept, encrypted
APART = frozenset({SEALED, WHY})
#: member of a content → members of it that hold what was said; what else stands there is a platform's or ours
SAID: dict[str, frozenset[str]] = {
    "media": frozenset({"alt_text", "name"}),
    "choice": frozenset({"title"}),
    "quote": frozenset({"text"}),
    "form": frozenset({"value"}),
    "location": frozenset({"name", "address"}),
    "contacts": frozenset({"name", "org", "phones", "emails", "addresses", "urls", "birthday"}),
    "quick_replies": frozenset({"title"}),
    "buttons": frozenset({"title"}),
    "cards": frozenset({"title", "subtitle"}),
    "sections": frozenset({"title", "description"}),
}
FACTS = frozenset({"text", "title", "name"})  # the same of what a platform tells beside a content
LOOKED_AT = ("alert", "review", "hand_over")  # rules that call staff, who then see the conversation before others
RAISED = Least(
    Coalesce(F("rank"), Value(int(Conversation.Rank.NORMAL), output_field=IntegerField())),
    Value(int(Conversation.Rank.FLAGGED), output_field=IntegerField()),
)
FILLED = "template"  # whose variables have names of the tenant's own


@dataclass(frozen=True)
class Hidden:
    """What stood in a message: its kinds, and what of it is kept, encrypted."""

    kinds: tuple[str, ...] = ()
    sealed: str = ""

    def to_json(self) -> dict[str, Any]:
        """As members of a message's analysis."""
        return ({"masked": list(self.kinds)} if self.kinds else {}) | ({SEALED: self.sealed} if self.sealed else {})

    def words(self) -> list[tuple[str, str]]:
        """What is kept: kinds and words, in their order. Raises cryptography.fernet.InvalidToken when the key is gone."""
        return [(kind, words) for kind, words in decrypt(self.sealed)] if self.sealed else []

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Hidden:
        """From what `to_json` gave."""
        return cls(tuple(kept.get("masked", ())), kept.get(SEALED, ""))


NOTHING = Hidden()


@lru_cache(maxsize=256)
def safety_of(rules: SafetyRules) -> Safety:
    """What a text is looked through for once `hidden_in` has found what it hides."""
    looked_for = frozenset((*rules.alert, *rules.review, *rules.hand_over)).difference(rules.mask)
    return Safety(rules.max_length, rules.max_links, rules.card_numbers, frozenset(rules.words), looked_for)


# -------------------------------------------------------------------------- what people say


def hidden_in(tenant_id: uuid.UUID, content: Content) -> tuple[Content, Hidden]:
    """The content as it may be stored, and what is hidden in it. The same object where the tenant hides nothing, or
    nothing was found."""
    tenant = settings_for(tenant_id)
    return _hidden(tenant, tenant.safety.mask, content) if tenant.safety.mask else (content, NOTHING)


def words_hidden(tenant_id: uuid.UUID, said: str) -> tuple[str, Hidden]:
    """The same for bare words, as of a recording."""
    tenant = settings_for(tenant_id)
    mask = _Mask(tenant, tenant.safety.mask)
    return (mask.text(said), mask.found()) if tenant.safety.mask else (said, NOTHING)


def facts_hidden(
    tenant_id: uuid.UUID, facts: Mapping[str, Any], media: Sequence[MediaRef]
) -> tuple[Mapping[str, Any], Sequence[MediaRef]]:
    """The same for what a platform tells beside a content, and for the names of files that still lie there."""
    tenant = settings_for(tenant_id)
    if not tenant.safety.mask or not (facts or media):
        return facts, media
    mask = _Mask(tenant, tenant.safety.mask)
    return mask.part(facts, FACTS), [replace(ref, name=mask.text(ref.name)) for ref in media]


def human_wanted(message: Message) -> str:
    """The reason why a human is to answer a message of a person, or ""."""
    flags = message.analysis["flags"]
    return SAFETY if flags and is_flagged(message.tenant_id, "hand_over", flags) else ""


# ------------------------------------------------------------------------------ what we say


def replies_hidden(
    tenant_id: uuid.UUID, contents: Sequence[Content]
) -> tuple[tuple[Content, ...], tuple[dict[str, Any], ...]]:
    """What the assistant or staff say as it may be stored and sent, and of each what its analysis says of safety; none
    without a rule for replies."""
    tenant = settings_for(tenant_id)
    named = _named(tenant.safety)
    if not named:
        return tuple(contents), ()
    done = [_hidden(tenant, tenant.safety.replies.mask, content) for content in contents]
    judged = (_judged(tenant, named, content, hidden) for content, hidden in done)
    return tuple(content for content, _ in done), tuple(judged)


def replies_as_written(tenant_id: uuid.UUID) -> bool:
    """Whether a reply may be shown while it is written. What `replies_hidden` would hide is known of whole texts only: half
    a card number is none."""
    return not settings_for(tenant_id).safety.replies.mask


def reply_hidden(tenant_id: uuid.UUID, content: Content) -> tuple[Content, dict[str, Any]]:
    """The same of one."""
    contents, judged = replies_hidden(tenant_id, [content])
    return contents[0], judged[0] if judged else {}


def _named(rules: SafetyRules) -> frozenset[str]:
    return frozenset((*rules.replies.mask, *rules.replies.alert, *rules.replies.review))


def _judged(tenant: TenantSettings, named: frozenset[str], content: Content, hidden: Hidden) -> dict[str, Any]:
    rules = tenant.safety
    left = named.difference(rules.replies.mask)  # what is hidden has been found
    safety = Safety(rules.max_length, rules.max_links, "card_number" in named, frozenset(rules.words), left)
    links = find_entities(content.text or "") if "too_many_links" in named else ()
    found = [flag for flag in find_flags(content.words, links, safety, region=tenant.region or None) if flag in named]
    flags = list(dict.fromkeys((*hidden.kinds, *found)))
    return {"flags": flags, **hidden.to_json()} if flags else {}


# --------------------------------------------------------------------------- what follows


def is_flagged(tenant_id: uuid.UUID, rule: str, flags: Iterable[str], *, ours: bool = False) -> bool:
    """Whether the tenant's ``rule`` (alert, review, hand_over) names one of a message's flags. ``ours``: of a reply."""
    rules = settings_for(tenant_id).safety
    return not set(getattr(rules.replies if ours else rules, rule)).isdisjoint(flags)


def flags_take(message: Message) -> None:
    """In the transaction that has stored or changed the message, and behind its own events: tell of its flags, and list
    it where staff are to look at it. A message without a flag costs nothing."""
    flags = message.analysis.get("flags")
    if not flags:
        return
    ours = message.direction == Message.Direction.OUTBOUND
    if is_flagged(message.tenant_id, "review", flags, ours=ours):
        prepared.insert([Review(
            tenant_id=message.tenant_id, conversation_id=message.conversation_id, message=message, flags=list(flags)
        )])  # fmt: skip
    people_look = not ours and any(is_flagged(message.tenant_id, rule, flags) for rule in LOOKED_AT)
    raised: dict[str, Any] = {"rank": RAISED} if people_look else {}
    conversation = conversation_advance({"id": message.conversation_id}, events=1, **raised)
    assert conversation is not None  # held by the caller
    facts = {"message_id": str(message.id), "seq": message.seq, "role": message.role, "flags": list(flags),
             "masked": message.analysis.get("masked", [])}  # fmt: skip
    events_append(conversation, [NewEvent(FLAGGED, facts)])


def review_end(review_id: uuid.UUID, by: User | None) -> bool:
    """A member of staff, or a program, has looked at the message. False when another had before."""
    return bool(Review.objects.filter(id=review_id, reviewed_at=None).update(reviewed_at=now(), reviewed_by=by))


def revealed(message: Message) -> list[tuple[str, str]]:
    """What was hidden in a message and is kept. The caller has asked for ``messages:reveal`` and audits it. Raises
    cryptography.fernet.InvalidToken when the key is gone."""
    return Hidden.of(message.analysis).words()


def analysis_shown(analysis: Mapping[str, Any]) -> dict[str, Any]:
    """What readers get of a message's analysis; ``kept`` says that something hidden can be shown."""
    shown = {name: value for name, value in analysis.items() if name not in APART}
    return {**shown, "kept": True} if SEALED in analysis else shown


# -------------------------------------------------------------------------------- hiding


def _hidden(tenant: TenantSettings, kinds: Sequence[str], content: Content) -> tuple[Content, Hidden]:
    mask = _Mask(tenant, kinds)
    given = content.model_dump(exclude_none=True)
    changed = {name: mask.part(given[name], SAID[name]) for name in SAID if name in given}
    if FILLED in given:
        filled = {name: mask.text(value) for name, value in given[FILLED]["variables"].items()}
        changed[FILLED] = {**given[FILLED], "variables": filled}
    said = content.full_text or content.text
    if said is not None:
        changed |= {"text": None, "full_text": None} | worded(mask.text(said))
        picked = given.get("choice", {}).get("value") == content.text
        changed |= {"choice": {**changed["choice"], "value": changed["text"]}} if picked else {}
    if not mask.hidden:
        return content, NOTHING
    return Content.model_validate(given | changed), mask.found()


class _Mask:
    """Hides what the rules name in one text after the other, and remembers what was there."""

    def __init__(self, tenant: TenantSettings, kinds: Sequence[str]):
        self.kinds, self.region = kinds, tenant.region or None
        self.words, self.keep = frozenset(tenant.safety.words), frozenset(tenant.safety.keep)
        self.hidden: dict[str, None] = {}
        self.kept: dict[tuple[str, str], None] = {}

    def found(self) -> Hidden:
        return Hidden(tuple(self.hidden), encrypt(list(self.kept)) if self.kept else "")

    def text(self, said: str) -> str:
        found = find_personal(said, kinds=self.kinds, words=self.words, region=self.region)
        self.hidden |= dict.fromkeys(kind for kind, _, _ in found)
        self.kept |= dict.fromkeys((kind, said[start:end]) for kind, start, end in found if kind in self.keep)
        return masked(said, found) if found else said

    def part(self, value: Any, names: frozenset[str], *, said: bool = False) -> Any:
        """A member of a content, with the words under ``names`` hidden at any depth."""
        if isinstance(value, Mapping):
            return {key: self.part(one, names, said=key in names) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.part(one, names, said=said) for one in value]
        return self.text(value) if said and isinstance(value, str) else value
