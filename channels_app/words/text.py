"""What a message's text tells at first sight (MSG-3): language, entities, safety flags.

Owns the judgement of language and safety. Must not change the text (channels_app/content/normalise.py), store anything or call out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import regex

from channels_app.words.entities import LINK, Entity, find_entities
from channels_app.words.first_words import language_begun, language_by_words
from channels_app.words.injection import is_injection
from channels_app.words.languages import is_elsewhere as another_likelier
from channels_app.words.languages import likeliest
from channels_app.words.personal import find_personal, has_card_number, word_pattern

LANGUAGE_SAMPLE = 200  # characters that are looked at
MIN_LETTERS = 12  # of an alphabet; shorter texts are guessed wrong too often to override a hint
MIN_CONFIDENCE = 0.5
CLEAR = 0.8  # how sure a guess must be to say that another language is spoken than before

LETTERS = regex.compile(r"[\p{L}--\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]", regex.V1)
IDEOGRAPHS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]")


@dataclass(frozen=True)
class Analysis:
    """``language``: ISO 639-1 or None. ``flags``: of too_long, too_many_links, card_number, profanity, and of iban,
    national_id, email, phone and prompt_injection where a rule looks for them."""

    language: str | None
    entities: tuple[Entity, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Safety:
    """A tenant's rules. ``words`` are matched whole, whatever their case."""

    max_length: int = 4096
    max_links: int = 5
    card_numbers: bool = True
    words: frozenset[str] = frozenset()
    looked_for: frozenset[str] = frozenset()  # what else some rule acts upon


DEFAULT_SAFETY = Safety()


def analyse(
    text: str,
    *,
    whole: str | None = None,
    hint_language: str | None = None,
    languages: Iterable[str] = (),
    region: str | None = None,
    safety: Safety = DEFAULT_SAFETY,
) -> Analysis:
    """Look at ``text``; ``whole``: all that was written, where ``text`` is only its beginning. ``hint_language`` is what is known from before (profile, conversation); it
    stands where the text is too short or too mixed to tell. ``languages`` limits the guess to those a
    tenant serves. ``region`` (ISO 3166, as "DE") reads phone numbers without a country code."""
    entities = find_entities(text, region=region)
    language = language_of(text, hint=hint_language, languages=frozenset(languages))
    return Analysis(language, entities, find_flags(whole or text, entities, safety, region=region))


# ------------------------------------------------------------------------------ language


def language_of(text: str, *, hint: str | None = None, languages: frozenset[str] = frozenset()) -> str | None:
    """The language of the first 200 characters, or ``hint`` where they do not tell it, or not clearly enough to say that it is
    another one. It is one of ``languages``, or the hint: who speaks or names a language that the tenant does not speak is not
    taken to speak its neighbour."""
    languages = languages | {hint} if hint and len(languages) > 1 else languages
    sample = _sample(text)
    if _weight(sample) < MIN_LETTERS:
        return hint or language_begun(sample, languages) or language_by_words(sample, languages)
    language, confidence = _guessed(sample, languages)
    other = hint in languages and len(languages) > 1 and language != hint
    return language if confidence >= (CLEAR if other else MIN_CONFIDENCE) and len(language) == 2 else hint


def _guessed(sample: str, languages: frozenset[str]) -> tuple[str, float]:
    """By the model; where it is in doubt, by the small words. These tell no more than that it is doubtful. "" where it is a
    language beside these."""
    language, confidence, elsewhere = likeliest(sample, languages)
    if elsewhere:
        return "", 0.0
    told = language_by_words(sample, languages) if confidence < CLEAR else None
    return (told, max(confidence, MIN_CONFIDENCE)) if told else (language, confidence)


def is_elsewhere(text: str, languages: frozenset[str]) -> bool:
    """Whether the text is clearly of a language that is none of ``languages``."""
    sample = _sample(text)
    return (_weight(sample) >= MIN_LETTERS or not sample.isascii()) and another_likelier(sample, languages)


def tells_clearly(text: str, language: str, languages: frozenset[str] = frozenset()) -> bool:
    """Whether ``language``, which `language_of` has found, is beyond doubt: "No cancele mi pedido" may be Portuguese as well. In a
    text that is too short to be guessed one small word may stand in dialect ("hab ne frage" is not French): the guess must
    agree, where it is no greeting."""
    sample = _sample(text)
    guess = likeliest(sample, languages)
    if _weight(sample) >= MIN_LETTERS:
        return guess.confidence >= CLEAR
    agreed = guess.language == language and guess.confidence >= MIN_CONFIDENCE
    return agreed or language_begun(sample, languages) == language


def _sample(text: str) -> str:
    return LINK.sub(" ", text[:LANGUAGE_SAMPLE])


def _weight(sample: str) -> int:
    """Letters; an ideograph says as much as several of them."""
    return len(LETTERS.findall(sample)) + 3 * len(IDEOGRAPHS.findall(sample))


# -------------------------------------------------------------------------------- safety


def find_flags(
    text: str, entities: Iterable[Entity], safety: Safety = DEFAULT_SAFETY, *, region: str | None = None
) -> tuple[str, ...]:
    """The names of the rules of ``safety`` that ``text`` breaks. ``region``: as `analyse`."""
    broken = {
        "too_long": len(text) > safety.max_length,
        "too_many_links": sum(entity.type == "url" for entity in entities) > safety.max_links,
        "card_number": safety.card_numbers and has_card_number(text),
        "profanity": bool(safety.words) and word_pattern(safety.words).search(text) is not None,
        "prompt_injection": "prompt_injection" in safety.looked_for and is_injection(text),
    }
    raised = [flag for flag, is_raised in broken.items() if is_raised]
    return (*raised, *_personal(text, safety.looked_for - set(broken), region))


def _personal(text: str, kinds: frozenset[str], region: str | None) -> list[str]:
    """Of the further kinds that a rule of the tenant names: what no rule names costs nothing."""
    return list(dict.fromkeys(kind for kind, _, _ in find_personal(text, kinds=kinds, region=region))) if kinds else []
