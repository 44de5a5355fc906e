"""One turn of the built-in assistant: from what was said and remembered to what is answered.

Owns the order in which an answer is looked for, and the memory it keeps in the conversation's context.
Must not touch the database. The wording of a reply is in assistant/builtin/wording.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from pydantic import ValidationError

from assistant import slots
from assistant.builtin.wording import MAX_OFFERED, Wording
from assistant.intents.common import CANCEL, HELP, HUMAN, NO, YES
from assistant.intents.lessons import Lessons
from assistant.intents.skills import Skill
from assistant.intents.training import Classification
from assistant.knowledge import Fact, Finding
from assistant.port import EngineReply, EngineRequest
from channels_app.content.options import choice_for, options
from channels_app.content.types import Choice, Content

NAME = "builtin"
OPEN, COLLECTING, CONFIRMING, HANDED_OVER = "open", "collecting", "confirming", "handover"
BEGINNING = "beginning"  # a flow was chosen for the conversation, and has not begun
OF_PEOPLE = ("email", "phone")  # entities that tell who the person is, where an intent asks for them
SOMETHING_ELSE = "none"  # the payload of "none of these"


@dataclass(frozen=True)
class Options:
    """How sure the assistant must be, as probabilities of being right, and when it gives up.

    ``known`` is the likeness (0 to 1) of a question and a knowledge entry. ``handover_after`` counts
    misunderstandings in a row; 0: never hand over for them.
    """

    high: float = 0.55  # from here on it answers
    medium: float = 0.35  # from here on it asks back
    known: float = 0.38
    handover_after: int = 2
    bot_name: str = "Assistant"
    greeting: str = ""
    languages: tuple[str, ...] = ("en",)


class Dialogue:
    """Answers one request; made for it and thrown away.

    The memory is ``context["assistant"]``: ``turn`` counts the replies, ``missed`` the misunderstandings in
    a row, ``on_yes`` is the payload that a "yes" stands for, ``offered`` the content whose options a typed
    number or title may mean.
    """

    def __init__(self, engine_options: Options, lessons: Lessons, request: EngineRequest):
        self.options = engine_options
        self.lessons = lessons
        self.request = request
        self.context = _dict(request.context)
        memory = _dict(self.context.get("assistant"))
        self.turn, self.missed = _count(memory.get("turn")), _count(memory.get("missed"))
        self.on_yes, self.offered = str(memory.get("on_yes", "")), _content(memory.get("offered"))
        self.filled: dict[str, str] = {name: str(value) for name, value in _dict(self.context.get("slots")).items()}
        self.text = "\n".join(content.text for content in request.contents if content.text).strip()
        self.entities = _dict(self.context.get("entities")) | slots.entities(self.text)
        spoken = [language.split("-")[0] for language in engine_options.languages]
        wanted = request.language.split("-")[0]
        self.language = wanted if wanted in spoken else spoken[0]

    def reply(self) -> EngineReply:
        """The first of these that knows an answer gives it."""
        looked_for: tuple[Callable[[], EngineReply | None], ...] = (
            self.nothing_written,
            self.option_picked,
            self.slot_answered,
            self.offer_answered,
            self.flow_begun,
            self.intent_recognised,
            self.fact_found,
            self.nearly_recognised,
        )
        return next((reply for look in looked_for if (reply := look())), None) or self.not_understood()

    # ------------------------------------------------------------------ where an answer may lie

    def nothing_written(self) -> EngineReply | None:
        """Pictures and the like are acknowledged; an open question is asked again."""
        if self.text:
            return None
        if not self.request.contents:
            return EngineReply(contents=(), context=self.context, engine=NAME)
        contents = [self.wording.sentence(self.request.contents[-1].type, "file")]
        if self.collecting and self.awaited:
            return self.answer(
                [*contents, self.wording.question(self.awaited)],
                self.collecting.name,
                stage=COLLECTING,
                expected=(f"slot:{self.awaited['name']}",),
            )
        return self.answer(contents)

    def option_picked(self) -> EngineReply | None:
        """A button, quick reply or row, or its number or title in writing."""
        return self.resolve(self.choice.value) if self.choice else None

    def slot_answered(self) -> EngineReply | None:
        """What was asked for is there; or the person wants something else; or the question is repeated."""
        skill, awaited = self.collecting, self.awaited
        if not skill or not awaited:
            return None
        filled = slots.fill(skill.slots, self.filled, self.text)
        if awaited["name"] in filled:
            return self.proceed(skill, filled)
        if self.interrupted(skill, awaited):
            return None
        if slots.is_free(awaited):
            return self.proceed(skill, {**filled, awaited["name"]: self.text[: slots.MAX_VALUE]})
        return self.fact_found(then=self.wording.question(awaited)) or self.ask_again(skill, awaited)

    def interrupted(self, skill: Skill, awaited: Mapping[str, Any]) -> bool:
        """Whether the person clearly wants something else than to answer the question."""
        wanted = self.recognised
        if wanted is None or wanted.name == skill.name:
            return False
        return wanted.name in (HUMAN, CANCEL) or (not slots.is_free(awaited) and (wanted.own or wanted.name == HELP))

    def offer_answered(self) -> EngineReply | None:
        """A written yes or no to "Did you mean …?" and "Shall I …?"."""
        said = self.recognised.name if self.recognised and self.on_yes else ""
        if said == YES:
            return self.resolve(self.on_yes)
        return self.say_no() if said == NO else None

    def flow_begun(self) -> EngineReply | None:
        """The conversation's flow leads to its intent, unless the person clearly wants something else."""
        skill, wanted = self.intended, self.recognised
        if skill is None or (wanted and (wanted.own or wanted.name in (HUMAN, CANCEL, HELP))):
            return None
        return self.begin(skill, self.filled)

    def intent_recognised(self) -> EngineReply | None:
        return self.begin(self.recognised) if self.recognised else None

    def fact_found(self, then: Content | None = None) -> EngineReply | None:
        """The knowledge has it. ``then`` is a question to come back to."""
        best = next(iter(self.findings), None)
        return self.tell(best.fact, best.score, then) if best and best.score >= self.options.known else None

    def nearly_recognised(self) -> EngineReply | None:
        """Not sure enough to answer, sure enough to ask back."""
        if self.classification.confidence < self.options.medium:
            return None
        names = self.classification.between(self.options.medium / 2)[: MAX_OFFERED - 1]
        likely = [(self.lessons.skills[name].title, f"intent:{name}") for name in names]
        likely += [
            (f.fact.title, f"knowledge:{f.fact.id}") for f in self.findings[:1] if f.score >= self.options.known / 2
        ]
        question = self.wording.did_you_mean(likely, SOMETHING_ELSE)
        on_yes = likely[0][1] if len(likely) == 1 else ""
        return self.misunderstood([question], stage=CONFIRMING, on_yes=on_yes, expected=tuple(p for _, p in likely))

    def not_understood(self) -> EngineReply:
        """It does not know, says so, and offers a human."""
        return self.misunderstood([self.wording.unknown(HUMAN)], on_yes=HUMAN, expected=(HUMAN,))

    # ------------------------------------------------------------------------ what is done then

    def resolve(self, payload: str) -> EngineReply | None:
        """What a payload of ours means, or None for any other: ``human``, ``none``, ``intent:<name>`` (with
        slots as in ``intent:stock?product=Oak``), ``knowledge:<id>``, or the value of a choice."""
        kind, _, rest = payload.partition(":")
        name, _, given = rest.partition("?")
        if payload == HUMAN:
            return self.hand_over("requested")
        if payload == SOMETHING_ELSE:
            return self.say_no()
        if kind == "intent" and name in self.lessons.skills:
            return self.begin(self.lessons.skills[name], dict(parse_qsl(given)))
        fact = self.lessons.knowledge.fact(name) if kind == "knowledge" else None
        if fact:
            return self.tell(fact, 1.0)
        if self.collecting and self.awaited and payload in {value for _, value in slots.choices(self.awaited)}:
            return self.proceed(self.collecting, {**self.filled, self.awaited["name"]: payload})
        return None

    def begin(self, skill: Skill, given: Mapping[str, str] = MappingProxyType({})) -> EngineReply:
        """Start with an intent; ``given`` are slots that the option stood for."""
        if skill.name == HUMAN:
            return self.hand_over("requested")
        names = {slot["name"] for slot in skill.slots}
        given = {name: value[: slots.MAX_VALUE] for name, value in given.items() if name in names}
        return self.proceed(skill, slots.fill(skill.slots, given, self.text))

    def proceed(self, skill: Skill, filled: Mapping[str, str]) -> EngineReply:
        """Ask for what is still missing, else reply."""
        self.missed, self.filled = 0, dict(filled)
        gap = slots.missing(skill.slots, filled)
        if gap:
            return self.ask(skill, gap)
        if skill.handover:
            return self.hand_over(f"intent:{skill.name}", skill)
        return self.answer(self.said_by(skill), skill.name)

    def ask(self, skill: Skill, slot: Mapping[str, Any]) -> EngineReply:
        return self.answer(
            [self.wording.question(slot)], skill.name, stage=COLLECTING, expected=(f"slot:{slot['name']}",)
        )

    def ask_again(self, skill: Skill, slot: Mapping[str, Any]) -> EngineReply:
        question = self.wording.question(slot, again=True)
        return self.misunderstood([question], skill.name, stage=COLLECTING, expected=(f"slot:{slot['name']}",))

    def tell(self, fact: Fact, score: float, then: Content | None = None) -> EngineReply:
        """The answer of a knowledge entry, and the open question after it, if there was one."""
        self.missed = 0
        if then and self.collecting and self.awaited:
            expected = (f"slot:{self.awaited['name']}",)
            return self.answer(
                [self.wording.fact(fact), then], self.collecting.name, stage=COLLECTING, expected=expected
            )
        return self.answer([self.wording.fact(fact)], "knowledge", confidence=score)

    def say_no(self) -> EngineReply:
        """After "none of these": the count of misunderstandings stands as it was."""
        skill = self.lessons.skills.get(NO)
        return self.answer(self.said_by(skill) if skill else [self.wording.unknown(HUMAN)], NO)

    def misunderstood(self, contents: list[Content], intent: str = "", **rest: Any) -> EngineReply:
        self.missed += 1
        if 0 < self.options.handover_after <= self.missed:
            return self.hand_over("misunderstood")
        return self.answer(contents, intent, confidence=self.classification.confidence, **rest)

    def hand_over(self, reason: str, skill: Skill | None = None) -> EngineReply:
        """To a human. The count begins anew, for the day the bot gets the conversation back."""
        self.missed = 0
        if reason == "misunderstood":
            apology = [self.wording.sentence("misunderstood")]
            return self.answer(apology, stage=HANDED_OVER, handover=reason, confidence=self.classification.confidence)
        skill = skill or self.lessons.skills.get(HUMAN)
        contents = self.said_by(skill) if skill else [self.wording.sentence("handover")]
        return self.answer(contents, skill.name if skill else HUMAN, stage=HANDED_OVER, handover=reason)

    def said_by(self, skill: Skill) -> list[Content]:
        offered = [s for s in self.lessons.skills.values() if s.own] if skill.name == HELP else []
        name = str(self.request.profile.get("name") or "")
        return self.wording.reply(skill, {"name": name, "bot": self.options.bot_name, **self.filled}, offered)

    def answer(
        self,
        contents: list[Content],
        intent: str = "",
        *,
        confidence: float | None = None,
        stage: str = OPEN,
        on_yes: str = "",
        expected: tuple[str, ...] = (),
        handover: str = "",
    ) -> EngineReply:
        """The reply, with what is to be remembered for the next turn."""
        choosable = [content for content in contents if options(content)]
        memory = {"turn": self.turn + 1, "missed": self.missed, "on_yes": on_yes}
        memory |= {"offered": choosable[-1].to_json()} if choosable else {}
        scores = {name: round(score, 4) for name, score in self.classification.scores[:5]} if self.text else {}
        if confidence is None:  # what was picked or asked for is certain
            understood = not self.choice and bool(self.text) and self.recognised and self.recognised.name == intent
            confidence = self.classification.confidence if understood else 1.0
        return EngineReply(
            contents=tuple(contents),
            context={
                **self.context,
                "current_intent": intent or None,
                "entities": self.entities,
                "slots": self.filled,
                "user_profile": self.known_of_them(intent),
                "conversation_stage": stage,
                "assistant": memory,
            },
            intent=intent,
            confidence=round(confidence, 4),
            confidence_scores=scores,
            handover=bool(handover),
            handover_reason=handover,
            next_expected=expected,
            engine=NAME,
        )

    def known_of_them(self, intent: str) -> dict[str, Any]:
        """The person's profile, and what they told of themselves because the intent asked for it."""
        skill = self.lessons.skills.get(intent)
        asked = [slot for slot in skill.slots if slot.get("entity") in OF_PEOPLE] if skill else []
        told = {slot["entity"]: self.filled[slot["name"]] for slot in asked if slot["name"] in self.filled}
        known = {name: value for name, value in self.request.profile.items() if value}
        return {**_dict(self.context.get("user_profile")), **known, **told}

    # --------------------------------------------------------------- what is known about the turn

    @cached_property
    def row(self) -> Any:
        return self.lessons.features.row(self.text)

    @cached_property
    def classification(self) -> Classification:
        return self.lessons.classifier.classify_row(self.text, self.row)

    @cached_property
    def findings(self) -> list[Finding]:
        return self.lessons.knowledge.search(self.row, self.language)

    @cached_property
    def recognised(self) -> Skill | None:
        """The intent, if it is sure enough to act on."""
        sure = self.classification.confidence >= self.options.high
        return self.lessons.skills[self.classification.intent] if sure else None

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
        return (
            self.lessons.skills.get(str(self.context.get("current_intent") or "")) if self.stage == BEGINNING else None
        )

    @cached_property
    def collecting(self) -> Skill | None:
        """The intent whose slots are being asked for."""
        return (
            self.lessons.skills.get(str(self.context.get("current_intent") or "")) if self.stage == COLLECTING else None
        )

    @cached_property
    def awaited(self) -> Mapping[str, Any] | None:
        """The slot that was asked for last."""
        return slots.missing(self.collecting.slots, _dict(self.context.get("slots"))) if self.collecting else None

    @cached_property
    def wording(self) -> Wording:
        return Wording(self.language, str(self.request.conversation_id), self.turn, self.options.greeting)


# A context may have been written by another engine, or by a hand: what is not ours counts as not there.


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _content(value: Any) -> Content | None:
    try:
        return Content.model_validate(value) if value else None
    except ValidationError:
        return None


def _dict(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
