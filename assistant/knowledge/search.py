"""Passages of articles that answer a question: by their letters and by what they mean, fused.

Owns how both are weighed, the language that is preferred, and from which score on a passage is worth telling. Must not
decide what is said.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import structlog

from assistant.features import Features, features_for
from assistant.knowledge import facts
from assistant.knowledge.indexed import articles_stamp
from assistant.knowledge.passages import passage_of, texts_of
from assistant.knowledge.passages import passages as passages_in
from assistant.models import KnowledgeEntry, Vector
from assistant.vectors import texts
from assistant.vectors.port import StoreAway
from assistant.vectors.rows import digest_of, vectors_like
from channels_app.words.text import is_elsewhere
from tenants.scope import current_tenant_id
from tenants.tenant_settings import settings_for

log = structlog.get_logger(__name__)

KNOWN = 0.5  # from this score on a passage answers
LETTERS = 0.38  # the likeness of letters that is worth KNOWN


class Line(NamedTuple):
    """The likeness of meaning that is worth KNOWN: to a text in the language of the question, and to one in another."""

    own: float
    other: float


#: what an article says is written otherwise than people ask. Ways to ask have the form of any question ("how do I …"), which
#: across languages is most of what they share with one that is about something else
TITLE, ASKED, SAID = Line(0.48, 0.49), Line(0.48, 0.62), Line(0.32, 0.34)
BOTH = 0.05  # added where both looks found it, times the smaller score
SAME_LANGUAGE, THIRD_LANGUAGE = 0.06, -0.06  # added; the latter where it is neither the person's nor the tenant's first
BESIDE = -0.15  # added where an article answers whose language goes before: the person's, then the tenant's first
LOOK_EVERY_S = 5.0
MOST_TENANTS = 200
FOUND = 48  # of each look
#: what says nothing, in the five languages. What is no nearer to an article than to these is about none
EMPTY: tuple[str, ...] = (
    "uh huh", "er", "ahem", "oh", "oops", "ok then", "right", "well", "so what", "fine", "meh", "yeah right", "no way",
    "lol haha", "ttyl", "wow", "q", "j", "w", "qq", "bla bla", "aha", "ach so", "na ja", "hm ja", "tsss", "puh", "ups", "oje",
    "so so", "na und", "euh", "ah bon", "ben", "hein", "oups", "zut", "dis donc", "pues", "vaya", "ay", "uy", "anda ya", "ejem",
    "aja", "pois", "ora bem", "ai", "ena", "eita", "hã", "ué",
)  # fmt: skip


@dataclass(frozen=True)
class Passage:
    """``id``: ``<article>.<number>``. ``language``: "" where the article suits all. ``score``: 0 to 1, comparable between
    questions; below KNOWN it rather does not answer."""

    id: str
    article_id: uuid.UUID
    title: str
    text: str
    url: str
    language: str
    score: float


@dataclass
class _Known:
    stamp: str = ""
    passages: dict[str, Passage] = field(default_factory=dict)
    #: article and part → digest of its text, and the likeness to it that is worth KNOWN
    parts: dict[tuple[uuid.UUID, int], tuple[str, Line]] = field(default_factory=dict)
    letters: facts.Knowledge = field(default_factory=lambda: facts.Knowledge(()))
    features: Features | None = None
    languages: frozenset[str] = frozenset()
    changed: dict[uuid.UUID, datetime] = field(default_factory=dict)  # of each article
    looked_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_known: OrderedDict[uuid.UUID, _Known] = OrderedDict()
_lock = threading.Lock()


def passages(query: str, language: str = "", limit: int = 5) -> list[Passage]:
    """Of the tenant in scope, best first, one of each article's passages at a time. ``language``: ISO 639-1 of the person or
    "": articles in it are preferred, others stand in. Loads the encoder into the process. A store of vectors that is
    away leaves what the letters find."""
    known = _looked()
    if not known.passages or not query.strip():
        return []
    found = _scored(known, query, language, lambda: texts.encoded([query])[0], _likeness_to_nothing)
    return sorted(found, key=lambda one: (-one.score, one.id))[:limit]


def is_answered(query: str, language: str, numbers: Any, letters: float, since: datetime) -> bool:
    """Whether an article of the tenant in scope that was written or changed ``since`` answers a question by now; without an
    encoder. What was there before was not the answer when it was asked. ``numbers``: its vector, None where it has none;
    ``letters``: from which likeness of letters on an article is told."""
    known = _looked()
    newer = {article_id for article_id, changed_at in known.changed.items() if changed_at >= since}
    if not newer or not query.strip():
        return False
    by_letters = _by_letters(known, query, FOUND)
    if any(
        id in known.passages and known.passages[id].article_id in newer and score >= _worth(letters, LETTERS)
        for id, score in by_letters.items()
    ):
        return True
    if numbers is None:
        return False
    found = _scored(known, query, language, lambda: numbers, lambda _: 0.0)
    return any(one.article_id in newer and one.score >= known_from(letters) for one in found)


def _scored(
    known: _Known, query: str, language: str, numbers: Callable[[], Any], least: Callable[[Any], float]
) -> list[Passage]:
    spoken, foreign = language.split("-")[0], is_elsewhere(query, known.languages - {""})

    def suits(passage: Passage) -> bool:
        return not passage.language or (not foreign and spoken in ("", passage.language))

    scores = _by_letters(known, query, FOUND)
    worth = _by_meaning(known, numbers, least)
    there = known.passages  # another thread may have read the articles anew meanwhile
    meant = {id: line.own if suits(there[id]) else line.other for id, line in worth.items() if id in there}
    if meant:  # letters alone deceive where words are common: "do you sell"
        meant = {**dict.fromkeys(scores, 0.0), **meant}
    for id, score in meant.items():
        by_letters = scores.get(id, 0.0)
        scores[id] = max(score, (score + by_letters) / 2) + BOTH * min(score, by_letters)
    found = [(there[id], score) for id, score in scores.items() if id in there]
    first = settings_for(current_tenant_id()).languages[0].split("-")[0]

    def rank(passage: Passage) -> int:
        """Theirs, that of the tenant, any other."""
        return 0 if suits(passage) else 1 if passage.language in (spoken, first) else 2

    theirs = SAME_LANGUAGE if spoken and not foreign else 0.0
    more = {0: theirs, 1: 0.0, 2: THIRD_LANGUAGE}
    rated = [(one, rank(one), score + (more[rank(one)] if one.language else 0.0)) for one, score in found]
    answered = min((place for _, place, score in rated if score >= KNOWN), default=2)
    beside = ((one, score + (BESIDE if place > answered else 0.0)) for one, place, score in rated)
    return [replace(one, score=round(max(0.0, min(1.0, score)), 4)) for one, score in beside]


def passages_of_turn() -> Callable[[str, str, int], list[Passage]]:
    """`passages` for one turn: what it asks twice is looked for once."""
    kept: dict[tuple[str, str], list[Passage]] = {}

    def look(query: str, language: str, limit: int) -> list[Passage]:
        if (query, language) not in kept:
            kept[query, language] = passages(query, language, FOUND)
        return kept[query, language][:limit]

    return look


def known_from(letters: float) -> float:
    """The score from which on a passage is told, where a tenant says from which likeness of letters on a fact is."""
    return max(0.0, min(1.0, KNOWN + letters - LETTERS))


def forget_all() -> None:
    """What this process remembers (tests, cache flush)."""
    with _lock:
        _known.clear()


def _by_letters(known: _Known, query: str, limit: int) -> dict[str, float]:
    if known.features is None:
        return {}
    found = known.letters.search(known.features.row(query), limit=limit)
    return {one.fact.id: _worth(one.score, LETTERS) for one in found}


def _by_meaning(known: _Known, numbers: Callable[[], Any], least: Callable[[Any], float]) -> dict[str, Line]:
    """Passage → what it is worth, as it is in the question's language or another. ``least``: how like the question it must be
    at least, by its numbers."""
    if not texts.available():
        return {}
    asked = numbers()
    try:
        found = vectors_like(Vector.Kind.ARTICLE, asked, FOUND)
    except StoreAway as error:
        log.warning("vector_store_away", reason=str(error))
        return {}
    scores: dict[str, Line] = {}
    nothing = least(asked)
    for one in found:
        if one.score <= nothing:  # short titles are near to whatever says nothing
            continue
        id = f"{one.ref_id}.{passage_of(one.part)}"
        digest, line = known.parts.get((one.ref_id, one.part), ("", TITLE))
        if digest == one.digest:  # else it was changed since
            before = scores.get(id, Line(0.0, 0.0))
            scores[id] = Line(*(max(was, _worth(one.score, enough)) for was, enough in zip(before, line, strict=True)))
    return scores


@cache
def _empty() -> Any:
    return texts.encoded(EMPTY)


def _likeness_to_nothing(numbers: Any) -> float:
    return float((_empty() @ numbers).max())


def _worth(likeness: float, known: float) -> float:
    """Straight from 0 to KNOWN at ``known``, and from there to 1."""
    if likeness < known:
        return max(0.0, KNOWN * likeness / known)
    return KNOWN + (1 - KNOWN) * (likeness - known) / (1 - known)


def _looked() -> _Known:
    tenant_id = current_tenant_id()
    with _lock:
        known = _known.setdefault(tenant_id, _Known())
        _known.move_to_end(tenant_id)
        while len(_known) > MOST_TENANTS:
            _known.popitem(last=False)
    if time.monotonic() >= known.looked_at + LOOK_EVERY_S:
        with known.lock:
            if time.monotonic() >= known.looked_at + LOOK_EVERY_S:
                stamp = articles_stamp()
                if stamp != known.stamp:
                    _read(known, KnowledgeEntry.objects.filter(enabled=True))
                    known.stamp = stamp
                known.looked_at = time.monotonic()
    return known


def _read(known: _Known, entries: Iterable[KnowledgeEntry]) -> None:
    found: dict[str, Passage] = {}
    parts: dict[tuple[uuid.UUID, int], tuple[str, Line]] = {}
    asked: list[facts.Fact] = []
    changed: dict[uuid.UUID, datetime] = {}
    for entry in entries:
        told = passages_in(entry.answer)
        if not told:  # nothing to tell, whatever leads to it
            continue
        changed[entry.id] = entry.updated_at
        for number, text in enumerate(told):
            id = f"{entry.id}.{number}"
            found[id] = Passage(id, entry.id, entry.title, text, entry.source_url, entry.language, 0.0)
            questions = tuple(entry.questions) if number == 0 else ()
            asked.append(facts.Fact(id, entry.title, questions, text, tuple(entry.tags)))
        for part, text in texts_of(entry.title, entry.questions, entry.answer).items():
            kind = TITLE if text == entry.title else ASKED if text in entry.questions else SAID
            parts[entry.id, part] = digest_of(text), kind
    documents = [text for fact in asked for text, _ in fact.documents()]
    known.features = features_for(documents) if documents else None
    known.letters = facts.index(asked, known.features) if known.features else facts.Knowledge(())
    known.languages = frozenset(one.language for one in found.values())
    known.parts, known.passages, known.changed = parts, found, changed
