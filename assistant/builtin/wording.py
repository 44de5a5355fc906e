"""How the built-in assistant says things: which reply, in which language, with which values in it.

Owns the choice among alternatives and the filling of placeholders. Must not decide what is to be said.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.utils.translation import get_language_info, override
from pydantic import ValidationError

from assistant import slots
from assistant.checks import channels_of, parts_of
from assistant.intents.common import GREETING, HELP, HUMAN, SENTENCES
from assistant.intents.skills import Skill
from assistant.knowledge.facts import Fact
from channels_app.content.types import MAX_TEXT, Button, Content, QuickReply, text
from channels_app.words.split import shorten

log = structlog.get_logger(__name__)

MAX_OFFERED = 10  # quick replies of one message
TITLE = 20  # characters of a quick reply
SMALL_NAMES = frozenset({"es", "fr", "pt"})  # languages that write the names of languages with a small letter
PLACEHOLDER = re.compile(r"\{(\w+)(?:\|([^{}]*))?\}")


@dataclass(frozen=True)
class Wording:
    """``seed`` and ``turn`` choose among alternatives: the same for the same turn, another for the next.
    ``greeting`` is the tenant's own, "" for the common one; ``main`` the language in which it is written, as is whatever a
    tenant has said for no language in particular. ``channel`` is the channel's kind."""

    language: str
    seed: str
    turn: int
    greeting: str = ""
    main: str = ""
    channel: str = ""

    def sentence(self, key: str, otherwise: str = "") -> Content:
        return text(self._sentence(key, otherwise))

    def reply(self, skill: Skill, values: Mapping[str, str], offered: Sequence[Skill] = ()) -> list[Content]:
        """One of the intent's replies, with the values put in. ``offered``: intents to choose from."""
        known = {slot["name"]: "" for slot in skill.slots} | dict(values)
        known |= {name: skill.said.get((name, value), value) for name, value in known.items()}
        try:
            contents = [_content(part, known) for part in parts_of(self._alternative(skill))]
        except ValidationError:
            # Stored past the checks, or made too long by a value: the person still gets an answer.
            log.warning("assistant_reply_invalid", intent=skill.name)
            contents = [self.sentence("handover" if skill.handover else "done")]
        if skill.name != HELP:
            return contents
        choices = [(other.title, f"intent:{other.name}") for other in offered[: MAX_OFFERED - 1]]
        return [*contents[:-1], _choosable(contents[-1], [*choices, (self._sentence("human"), HUMAN)])]

    def question(self, slot: Mapping[str, Any], again: bool = False) -> Content:
        """The prompt of a slot, with its choices to pick from."""
        asked = slot["prompt"]
        if again:
            asked = slot.get("retry") or f"{self._sentence('retry')} {asked}"
        return _choosable(text(shorten(asked, MAX_TEXT)), slots.choices(slot))

    def lacking(self, slot: Mapping[str, Any], human: str, otherwise: str) -> Content:
        """To a person who has not what was asked for: its choices, where it has some, and the ways on."""
        ways = [(self._sentence("human"), human), (self._sentence("something_else"), otherwise)]
        return _choosable(text(self._sentence("lacking")), [*slots.choices(slot)[: MAX_OFFERED - len(ways)], *ways])

    def also_human(self, asked: Content, human: str) -> Content:
        """A question with the way to a human beside its choices."""
        choices = [(one.title, one.payload) for one in asked.quick_replies or ()][: MAX_OFFERED - 1]
        return _choosable(asked, [*choices, (self._sentence("human"), human)])

    def about(self, said: str, ways: Sequence[tuple[str, str]], otherwise: str) -> Content:
        """After a number and nothing else: what it is for."""
        asked = self._sentence("about").format(what=said)
        return _choosable(text(asked), [*ways, (self._sentence("something_else"), otherwise)])

    def fact(self, fact: Fact) -> Content:
        """The answer of a knowledge entry, with the way to its source; of one in another language that is said first."""
        told = fact.answer
        if fact.language and fact.language != self.language:
            told = f"{self._sentence('only_in').format(language=self._name_of(fact.language))}\n{told}"
        if not fact.source_url:
            return text(shorten(told, MAX_TEXT))
        button = Button(type="url", title=self._sentence("read_more"), url=fact.source_url)
        return text(shorten(told, MAX_TEXT), buttons=(button,))

    def did_you_mean(self, likely: Sequence[tuple[str, str]], otherwise: str) -> Content:
        """A question back; ``likely`` are (title, payload), ``otherwise`` is the payload of none of them."""
        title, _ = likely[0]
        one = self._sentence("did_you_mean").format(title=title)
        asked = one if len(likely) == 1 else self._sentence("did_you_mean_one")
        return _choosable(text(asked), [*likely, (self._sentence("something_else"), otherwise)])

    def left(self, title: str, payload: str, otherwise: str) -> Content:
        """After a text that forbids something: it is left, unless that was meant."""
        asked = self._sentence("left").format(title=title)
        return _choosable(text(asked), [(title, payload), (self._sentence("something_else"), otherwise)])

    def title(self, skill: Skill) -> str:
        return skill.title if skill.own or skill.name not in (HUMAN, HELP) else self._sentence(skill.name)

    def whether(self, skill: Skill, values: Mapping[str, str], yes: str, no: str) -> Content:
        """Asks whether it is really to be done, with what was told for it."""
        given = [(slot["name"], values[slot["name"]]) for slot in skill.slots if values.get(slot["name"])]
        told = ", ".join(skill.said.get((name, value), value) for name, value in given)
        asked = self._sentence("whether").format(what=f"{skill.title}: {told}" if told else skill.title)
        return _choosable(text(asked), [(self._sentence("yes"), yes), (self._sentence("no"), no)])

    def unknown(self, human: str) -> Content:
        return self.or_human(self._sentence("unknown"), human)

    def or_human(self, said: str, human: str) -> Content:
        """``said`` with the way to a human, whose payload is given."""
        return _choosable(text(said), [(self._sentence("human"), human)])

    def _alternative(self, skill: Skill) -> Any:
        general = skill.replies.get("", ())
        if skill.name == GREETING and self.greeting and not skill.replies:
            general = (self.greeting,)
        theirs = general if self.language == self.main or not skill.common.get(self.language) else ()
        languages = (self.language, "en", *skill.replies, *skill.common)
        ways = (
            skill.replies.get(self.language, ()),
            theirs,
            skill.common.get(self.language, ()),
            general,
            *(
                found
                for language in languages
                for found in (skill.replies.get(language, ()), skill.common.get(language, ()))
            ),
        )
        replies = next((fit for way in ways if (fit := self._fit(way))), ())
        if not replies:
            return self._sentence("handover" if skill.handover else "done")
        start = int.from_bytes(hashlib.sha256(self.seed.encode()).digest()[:4])
        return replies[(start + self.turn) % len(replies)]

    def _fit(self, replies: Sequence[Any]) -> Sequence[Any]:
        """Those made for this channel, else those for all."""
        made = [reply for reply in replies if self.channel and self.channel in channels_of(reply)]
        return made or [reply for reply in replies if not channels_of(reply)]

    def _name_of(self, language: str) -> str:
        """A language's name in the one that is spoken, as it stands in a sentence; the code itself where it has none."""
        with override(self.language if self.language in SENTENCES else "en"):
            try:
                name = str(get_language_info(language)["name_translated"])
            except KeyError:
                return language
        return name.lower() if self.language in SMALL_NAMES else name

    def _sentence(self, key: str, otherwise: str = "") -> str:
        sentences = SENTENCES.get(self.language, SENTENCES["en"])
        return sentences.get(key) or sentences[otherwise]


def _content(part: Any, values: Mapping[str, str]) -> Content:
    filled = _filled(part, values)
    return text(filled) if isinstance(filled, str) else Content.model_validate(filled)


def _filled(part: Any, values: Mapping[str, str]) -> Any:
    """``part`` with its placeholders replaced, wherever in it they are. Names not known stay as they are."""
    if isinstance(part, str):
        return PLACEHOLDER.sub(lambda found: _value(found, values), part)
    if isinstance(part, Mapping):
        return {name: _filled(member, values) for name, member in part.items()}
    return [_filled(member, values) for member in part] if isinstance(part, list) else part


def _value(found: re.Match[str], values: Mapping[str, str]) -> str:
    name, default = found.groups()
    if name not in values and default is None:
        return found.group()
    return values.get(name) or default or ""


def _choosable(content: Content, choices: Sequence[tuple[str, str]]) -> Content:
    """``content`` with quick replies, each of (title, payload)."""
    replies = tuple(QuickReply(title=_short(title), payload=payload) for title, payload in choices[:MAX_OFFERED])
    return content.model_copy(update={"quick_replies": replies}) if replies else content


def _short(title: str) -> str:
    return title if len(title) <= TITLE else title[: TITLE - 1].rstrip() + "…"
