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
from typing import Any

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

log = structlog.get_logger(__name__)

KNOWN = 0.5  # from this score on a passage answers
#: the likeness that is worth KNOWN: by letters; by meaning to a question, and to what an article says, which is written
#: otherwise than people ask
LETTERS, ASKED, SAID = 0.38, 0.48, 0.32
BOTH = 0.05  # added where both looks found it, times the smaller score
#: added; the last one where the tenant has articles in the person's language, which say what there is to say in it
SAME_LANGUAGE, OTHER_LANGUAGE, BESIDE_THEIRS = 0.06, -0.03, -0.15
#: in place of SAME_LANGUAGE where the question is clearly in a language that no article has, which is near to what it is not
#: about: of 28 such questions in seven languages the 19 that an article answers have 0.58 and more without it, what is about
#: none up to 0.60
FOREIGN = -0.13
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
    parts: dict[tuple[uuid.UUID, int], tuple[str, float]] = field(default_factory=dict)
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
    scores = _by_letters(known, query, FOUND)
    meant = _by_meaning(known, numbers, least)
    if meant:  # letters alone deceive where words are common: "do you sell"
        meant = {**dict.fromkeys(scores, 0.0), **meant}
    for id, score in meant.items():
        by_letters = scores.get(id, 0.0)
        scores[id] = max(score, (score + by_letters) / 2) + BOTH * min(score, by_letters)
    spoken, there = language.split("-")[0], known.passages
    other = BESIDE_THEIRS if spoken in known.languages else OTHER_LANGUAGE
    foreign = is_elsewhere(query, known.languages - {""})
    return [
        replace(there[id], score=round(max(0.0, min(1.0, score + _of_language(there[id], spoken, other, foreign))), 4))
        for id, score in scores.items()
        if id in there  # another thread may have read the articles anew meanwhile
    ]


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


def _by_meaning(known: _Known, numbers: Callable[[], Any], least: Callable[[Any], float]) -> dict[str, float]:
    """``least``: how like the question it must be at least, by its numbers."""
    if not texts.available():
        return {}
    asked = numbers()
    try:
        found = vectors_like(Vector.Kind.ARTICLE, asked, FOUND)
    except StoreAway as error:
        log.warning("vector_store_away", reason=str(error))
        return {}
    scores: dict[str, float] = {}
    nothing = least(asked)
    for one in found:
        if one.score <= nothing:  # short titles are near to whatever says nothing
            continue
        id = f"{one.ref_id}.{passage_of(one.part)}"
        digest, enough = known.parts.get((one.ref_id, one.part), ("", 1.0))
        if digest == one.digest:  # else it was changed since
            scores[id] = max(scores.get(id, 0.0), _worth(one.score, enough))
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


def _of_language(passage: Passage, spoken: str, other: float, foreign: bool) -> float:
    if not passage.language:
        return 0.0
    suits = not spoken or passage.language == spoken
    if foreign:
        return FOREIGN + (0.0 if suits else other)
    return 0.0 if not spoken else SAME_LANGUAGE if suits else other


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
    parts: dict[tuple[uuid.UUID, int], tuple[str, float]] = {}
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
            parts[entry.id, part] = digest_of(text), ASKED if text in (entry.title, *entry.questions) else SAID
    documents = [text for fact in asked for text, _ in fact.documents()]
    known.features = features_for(documents) if documents else None
    known.letters = facts.index(asked, known.features) if known.features else facts.Knowledge(())
    known.languages = frozenset(one.language for one in found.values())
    known.parts, known.passages, known.changed = parts, found, changed
