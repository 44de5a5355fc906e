"""Secrets within a prompt that are too short to be told by their length: keys, passwords, codes, numbers that people must not hear.

Owns what is taken for one, and how it is found in a text. Must not decide what is said instead.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from functools import lru_cache

import regex

from assistant.prompting.letters import seen

#: a sentence that says of what stands in it that people must not hear it, in English, German, French, Spanish, Portuguese
_CONFIDENTIAL = regex.compile(
    r"(?i)\b(?:secret\w*|confidential\w*|internal|only\s+(?:for\s+)?(?:staff|us)|canary|pass(?:word|code|phrase)s?|credentials?|token"
    r"|geheim\w*|vertraulich\w*|intern\w*|kennw[oö]rt\w*|passw[oö]rt\w*"
    r"|secr[eè]t\w*|confidentiel\w*|mot\s+de\s+passe|confidencia\w*|contraseñas?|clave|senhas?|segredos?)\b"
)
_NOT = regex.compile(
    r"(?i)\b(?:never|don['’]?t|not|nobody|no\s+one|nie|niemals|niemand\w*|nicht|keine\w*|jamais|pas|nunca|jamás|no|não|nadie|ninguém)\b"
)
_TELL = regex.compile(
    r"(?i)\b(?:tell|told|reveal|disclose|mention|share|say|name|show|give\s+(?:out|away)|pass\s+on|verrat\w*|sag\w*|nenn\w*"
    r"|erwähn\w*|weiter(?:zu)?geb\w*|preis(?:zu)?geb\w*|zeig\w*|di[st]\w{0,3}|révél\w*|divulgu?\w*|mentionn\w*|communiqu\w*"
    r"|dig[ao]\w*|revel\w*|mencion\w*|compart\w*|muestr\w*|mostr\w*)\b"
)
#: the name of a secret with its value behind it
_LABELLED = regex.compile(
    r"(?i)\b(?:pass(?:word|code|phrase)|pin|token|canary|secret|credentials?|(?:api|access|private|secret|master|license)[ _-]?key"
    r"|(?:access|door|pass|staff|secret|security|unlock|master|admin)[ _-]?code"
    r"|(?:kenn|pass)wort|mot\s+de\s+passe|contraseña|clave|senha)"
    r"(?:\s*[:=]\s*|\s+(?:is|ist|lautet|est|es|é)\s*:?\s+(?=\S*[\d\"'`“„«]))[\"'`“„«]?([^\s\"'`”“„»,;]{4,})"
)
_QUOTED = regex.compile(r"[\"'`“„«]([^\s\"'`”“„»]{4,40})[\"'`”“»]")
#: what no sentence has to say of: keys of the usual makers, UUIDs, long runs of signs or digits
_KEY = regex.compile(
    r"(?<![\w-])(?:(?:sk|pk|rk|ghp|gho|ghs|glpat|xox[abp]|whsec|shpat|hf|npm|pypi)[-_][\w-]{6,}|AKIA[A-Z0-9]{12,}|AIza[\w-]{20,}"
    r"|eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})"
)
_LONG = regex.compile(r"(?<!\w)[A-Za-z0-9]{16,}(?!\w)")
_KINDS = regex.compile(r"[a-z]+|[A-Z]+|[0-9]+")
_DIGITS = regex.compile(r"(?<![\w+.,/-])\d(?:[ -]?\d){11,}(?![\w.,/-]?\d)")
_WORD = regex.compile(r"[^\W_](?:[\w-]*[^\W_])?")
_NUMBER = regex.compile(r"\+?\d(?:[ /-]?\d){5,}")
_SENTENCE = regex.compile(r"(?<=[.!?;])\s+|\n+")
_PLACE = regex.compile(r"https?://\S+|(?<![\w.+-])[\w.+-]++@[\w-]++\.[\w.-]+")  # addresses are there to be told
#: a digit in words of our five languages, as `seen`, and the sign between parts of a code
_DIGITS_SAID = (
    "zero|null|cero", "one|eins|uno?|um", "two|zwei|deux|dos|dois", "three|drei|trois|tres", "four|vier|quatre|cuatro|quatro",
    "five|funf|cinq|cinco", "six|sechs|seis", "seven|sieben|sept|siete|sete", "eight|acht|huit|ocho|oito",
    "nine|neun|neuf|nueve|nove",
)  # fmt: skip
_DASH_SAID = r"(?<!\w)(?:dash|hyphen|minus|bindestrich|tiret|guion|hifen)(?!\w)"
SHORT = 8  # letters and digits; a shorter one counts as a word of its own only
MOST = 50
#: digits and signs that are written for a letter; no letter is written for a digit, or "summer15" would be "summer is"
_FOR = {"a": "4@", "b": "8", "e": "3", "g": "69", "i": "1!|", "l": "1|", "o": "0", "s": "5$", "t": "7+", "z": "2"}


@lru_cache(maxsize=32)
def marks_of(prompt: str) -> tuple[str, ...]:
    """What in ``prompt`` must not be told however short it is, as it is written there, in its order."""
    found: list[str] = [match.group() for kind in (_KEY, _DIGITS) for match in kind.finditer(prompt)]
    found += [
        run
        for run in _LONG.findall(prompt)
        if not run.isalpha() and not run.isdigit() and len(_KINDS.findall(run)) >= 5
    ]
    found += [value.rstrip(".!?)") for value in _LABELLED.findall(prompt)]
    for sentence in _SENTENCE.split(prompt):
        if _CONFIDENTIAL.search(sentence) or (_NOT.search(sentence) and _TELL.search(sentence)):
            bare = _PLACE.sub(" ", sentence)
            found += _QUOTED.findall(bare) if _LABELLED.search(bare) else []
            found += [number.strip() for number in _NUMBER.findall(bare)]
            found += [
                word
                for word in _WORD.findall(bare)
                if len(_plain(word)) >= 6 and any(map(str.isalpha, word)) and any(map(str.isdigit, word))
            ]
    told = sorted(dict.fromkeys(mark for mark in found if len(_plain(mark)) >= 4), key=prompt.find)
    return tuple(told[:MOST])


def pattern_of(marks: Iterable[str]) -> regex.Pattern[str] | None:
    """What finds ``marks`` in a text that is `seen`: spaced, in look-alikes, backwards, by rot13; None for none."""
    spellings = {
        form
        for mark in marks
        for plain in [_plain(mark)]
        for form in (plain, plain[::-1], codecs.encode(plain, "rot13"), codecs.encode(plain[::-1], "rot13"))
    }
    return regex.compile("|".join(map(_shape, sorted(spellings)))) if spellings else None


def told_outside(marks: Iterable[str], *texts: str) -> tuple[str, ...]:
    """Those of ``marks`` that stand in none of ``texts``, which everybody may hear."""
    heard = [_plain(one) for one in texts]
    return tuple(mark for mark in marks if not any(_plain(mark) in one for one in heard))


def _plain(words: str) -> str:
    return "".join(sign for sign in seen(words) if sign.isalnum())


def _shape(plain: str) -> str:
    """A short one has to stand alone, and its digits together but for blanks, hyphens and marks: prices have other marks."""
    letters = [f"[{regex.escape(letter + _FOR.get(letter, ''))}]" for letter in plain]
    if len(plain) < SHORT:
        return "(?<![a-z0-9])" + r"[\s_*·-]{0,3}".join(letters) + "(?![a-z0-9])"
    said = [
        f"(?:{letter}{{1,2}}|{_DIGITS_SAID[int(one)]})" if one in "0123456789" else f"{letter}{{1,2}}"
        for one, letter in zip(plain, letters, strict=True)
    ]
    return rf"(?:[^\p{{L}}\p{{N}}]|(?<!\w)\d{{1,3}}[.):]|{_DASH_SAID}){{0,8}}".join(said)  # as a numbered list, too
