"""What is known about one turn of the built-in assistant: what was said, what is remembered, what it is taken for.

Must not decide what is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from assistant import slots
from assistant.builtin.phrases.denials import clauses, denied
from assistant.builtin.wording import Wording
from assistant.intents.common import BACKGROUND, HUMAN
from assistant.intents.learning.training import Classification, normal
from assistant.intents.lessons import Lessons
from assistant.intents.recognised import Recognised, recognise
from assistant.intents.skills import Skill
from assistant.intents.tongues import tongue_of
from assistant.knowledge.facts import Finding
from assistant.knowledge.search import Passage, known_from
from assistant.port import AskedAs, EngineRequest, HistoryEntry, NotAtOnce, Told
from channels_app.content.options import choice_for
from channels_app.content.types import Choice, Content, text
from channels_app.words.folding import unmarked
from channels_app.words.text import is_elsewhere

NAME = "builtin"
KNOWLEDGE = "knowledge"  # what a reply from an article is called in place of an intent
PRODUCTS = "products"  # what a reply from the shop is called in place of an intent
Look = Callable[[str, str, int], list[Passage]]  # of a question, in a language, so many at most
#: what the shop says to a turn, by what is remembered of products, and what of a text counts (assistant/products/plain.py)
Ask = Callable[[EngineRequest, Mapping[str, Any], AskedAs], Told | None]
OPEN, COLLECTING, CONFIRMING, HANDED_OVER = "open", "collecting", "confirming", "handover"
BEGINNING = "beginning"  # a flow was chosen for the conversation, and has not begun
SOMETHING_ELSE = "none"  # the payload of "none of these"
SURE_OF_A_HUMAN = 0.85  # likeness alone: "for three persons" is near to a wish for one. Below it is asked back
#: a sentence of so many words, of which less was taught of its intent (assistant/intents/coverage.py), has to be likelier;
#: docs/decisions/0052-what-tells-intents-apart.md has what that costs. Of an intent with fewer examples it is not asked
SENTENCE, LITTLE, SURE_OF_LITTLE, ENOUGH = 7, 0.3, 0.85, 10
MARKS = " .,;:!?¿¡\"'()[]…"  # around a word
TALK = frozenset(unmarked(normal(said)) for said in BACKGROUND)  # as many type it


@dataclass(frozen=True)
class Options:
    """How sure the assistant must be, as probabilities of being right, and when it gives up.

    ``known`` is the likeness (0 to 1) of a question and a knowledge entry. ``handover_after`` counts
    misunderstandings in a row; 0: they are not counted.
    """

    high: float = 0.55  # from here on it answers
    medium: float = 0.35  # from here on it asks back
    known: float = 0.38
    handover_after: int = 2
    bot_name: str = "Assistant"
    greeting: str = ""
    region: str = ""  # ISO 3166, of telephone numbers without a country code
    languages: tuple[str, ...] = ("en",)


def others_spoke(request: EngineRequest) -> bool:
    """Whether a colleague, or another program in the bot's name, did since the assistant: what comes now is said to them."""
    last = _last_answer(request)
    return last is not None and (last.role == "agent" or last.unasked)


def _last_answer(request: EngineRequest) -> HistoryEntry | None:
    return next((one for one in reversed(request.history) if one.role in ("agent", "bot")), None)


class Turn:
    """What one request says and what the conversation remembers; one instance per request.

    The memory is ``context["assistant"]``: ``turn`` counts the replies, ``missed`` the misunderstandings in
    a row, ``asked`` is what is asked for and how often it was in a row, ``on_yes`` the payload that a "yes" stands for,
    ``offered`` the content whose options a typed number or title may mean, ``later`` the wishes that come after this one,
    ``goods`` the products of the last answer about any, ``about`` is set where the last answer was still about them.
    What the assistant waited for ends with a colleague's word, and what was asked with that of a program in its name
    (`others_spoke`): the next "yes" or "2" is said to them. ``colleague_spoke``: since the assistant did.
    """

    def __init__(
        self, engine_options: Options, lessons: Lessons, request: EngineRequest, look: Look | None = None,
        ask: Ask | None = None,
    ):  # fmt: skip
        """``look``: finds passages of articles by what they mean; None: letters have to do. ``ask``: what the shop says."""
        self.look = look
        self.ask_shop = ask
        self.options = engine_options
        self.lessons = lessons
        self.request = request
        self.context = as_dict(request.context)
        memory = as_dict(self.context.get("assistant"))
        self.turn, self.missed = _count(memory.get("turn")), _count(memory.get("missed"))
        self.on_yes, self.offered = str(memory.get("on_yes", "")), _content(memory.get("offered"))
        self.goods = as_dict(memory.get("goods"))
        self.asked = _list(memory.get("asked"))
        self.before = self.context.get("current_intent")  # what the last answer was to
        last = _last_answer(request)
        self.colleague_spoke = last is not None and last.role == "agent"
        self.about_goods = (self.before == PRODUCTS or "about" in memory) and not self.colleague_spoke
        waiting = self.stage in (COLLECTING, CONFIRMING)
        self.later = [str(one) for one in _list(memory.get("later"))] if waiting else []
        if last is not None and (self.colleague_spoke or last.unasked):
            self.on_yes, self.offered = "", None
        if self.colleague_spoke:
            self.missed, self.later = 0, []
            self.context |= {"conversation_stage": OPEN, "current_intent": None} if waiting else {}
        self.filled: dict[str, str] = {name: str(value) for name, value in as_dict(self.context.get("slots")).items()}
        self.text = "\n".join(content.text for content in request.contents if content.text).strip()
        self.entities = as_dict(self.context.get("entities")) | slots.entities(self.text, engine_options.region)
        spoken = [language.split("-")[0] for language in engine_options.languages]
        wanted = request.language.split("-")[0]
        if not wanted and len(spoken) > 1 and not is_elsewhere(self.text, frozenset(spoken)):
            wanted = tongue_of(self.text, lessons.tongues)
        self.language = wanted if wanted in spoken else spoken[0]

    @cached_property
    def looked_at(self) -> Recognised:
        return self.looked_at_all([self.text])[0]

    def looked_at_all(self, texts: Sequence[str]) -> list[Recognised]:
        return recognise(self.lessons, texts, sure=self.options.high, at_once=self.request.at_once)

    @property
    def classification(self) -> Classification:
        return self.looked_at.classification

    @cached_property
    def findings(self) -> list[Finding]:
        return self.lessons.knowledge.search(self.looked_at.row, self.language)

    @cached_property
    def told(self) -> Told | None:
        """What the shop says, where it is asked something."""
        memory = self.goods if self.about_goods else {**self.goods, "past": True}
        return self.ask_shop(self.request, memory, "question") if self.ask_shop else None

    @property
    def taught_so(self) -> bool:
        """Whether the text is an example, word for word."""
        return self.lessons.classifier.exact.get(normal(self.text)) is not None

    @property
    def is_talk(self) -> bool:
        """Whether it is of the weather and the like: none of the assistant's business, and understood."""
        return unmarked(normal(self.text)) in TALK

    @cached_property
    def passage(self) -> Passage | None:
        """The best of the articles by letters and meaning, if it is worth telling. Talk of the weather is near to none,
        though an article may have its words ("qué tiempo hace", "cuánto tiempo tengo")."""
        if self.look is None or not self.lessons.knowledge.facts or self.is_talk:
            return None
        if not any(word.strip(MARKS).isalpha() for word in self.text.split()):  # a number or a code means no article
            return None
        if self.request.at_once:
            raise NotAtOnce
        best = next(iter(self.look(self.text, self.language, 1)), None)
        return best if best and best.score >= known_from(self.options.known) else None

    @cached_property
    def recognised(self) -> Skill | None:
        """The intent, if it is sure enough to act on. What a text forbids is asked about."""
        if self.classification.confidence < self.options.high:
            return None
        skill = self.skill(self.classification.intent)
        if skill and skill.name == HUMAN and self.classification.confidence < SURE_OF_A_HUMAN:
            return None
        if skill and skill.own and self.is_about_else(skill):
            return None
        if skill is None or (self.denied and not any(denied(example) for example in skill.examples)):
            return None
        return skill

    def is_about_else(self, skill: Skill) -> bool:
        """Whether hardly a word of a longer sentence was ever taught of what it is likest to, though they are known words. What
        is taught little, or in another language, tells nothing of that."""
        if self.classification.confidence >= SURE_OF_LITTLE or len(self.text.split()) < SENTENCE:
            return False
        coverage, taught = self.lessons.coverage, len(skill.examples) >= ENOUGH
        return taught and coverage.of(self.text, skill.name) < LITTLE and coverage.known(self.text) >= LITTLE

    @cached_property
    def denied(self) -> bool:
        """Whether the text forbids what it is taken for; not where a part of it asks for just that: "I don't want it any more,
        please cancel my order"."""
        return denied(self.text) and not self.wished_beside

    @property
    def wished_beside(self) -> bool:
        parts = [part for part in clauses(self.text) if not denied(part)]
        wanted, sure = self.classification.intent, self.options.high
        found = (looked.classification for looked in self.looked_at_all(parts)) if parts else ()
        return any(one.intent == wanted and one.confidence >= sure for one in found)

    @cached_property
    def choice(self) -> Choice | None:
        picked = next((content.choice for content in reversed(self.request.contents) if content.choice), None)
        return picked or (choice_for(self.offered, self.text) if self.offered and self.text else None)

    @property
    def stage(self) -> str:
        return str(self.context.get("conversation_stage") or OPEN)

    @cached_property
    def intended(self) -> Skill | None:
        """The intent of a flow that has not begun yet."""
        return self.skill(str(self.context.get("current_intent") or "")) if self.stage == BEGINNING else None

    @cached_property
    def told_last(self) -> Skill | None:
        """The tenant's intent whose reply the last answer was."""
        skill = self.skill(str(self.before)) if self.before and self.stage == OPEN else None
        return skill if skill and skill.own else None

    @cached_property
    def collecting(self) -> Skill | None:
        """The intent whose slots are being asked for."""
        return self.skill(str(self.context.get("current_intent") or "")) if self.stage == COLLECTING else None

    @cached_property
    def awaited(self) -> Mapping[str, Any] | None:
        """The slot that was asked for last."""
        return slots.missing(self.collecting.slots, as_dict(self.context.get("slots"))) if self.collecting else None

    def asked_before(self, slot: Mapping[str, Any] | str) -> int:
        """How often in a row this was asked for: a slot, or what is expected of it."""
        expected = slot if isinstance(slot, str) else f"slot:{slot['name']}"
        return _count(self.asked[1]) if len(self.asked) == 2 and self.asked[0] == expected else 0

    @cached_property
    def wording(self) -> Wording:
        options = self.options
        main = options.languages[0].split("-")[0]
        seed, kind = str(self.request.conversation_id), self.request.channel_kind
        return Wording(self.language, seed, self.turn, options.greeting, main, kind)

    def saying(self, part: str) -> EngineRequest:
        """The request as if ``part`` of its words were all of them."""
        return replace(self.request, contents=(text(part),))

    def skill(self, name: str) -> Skill | None:
        """In the language that is spoken."""
        skill = self.lessons.skills.get(name)
        return skill.spoken(self.language) if skill else None


# A context may have been written by another engine, or edited by staff: what has not our form is ignored.


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _content(value: Any) -> Content | None:
    try:
        return Content.model_validate(value) if value else None
    except ValidationError:
        return None


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def as_dict(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
