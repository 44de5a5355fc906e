"""What the built-in assistant can do in a turn: ask, tell, hand over, and remember it for the next one.

Owns the memory it keeps in the conversation's context. Must not choose what is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from assistant import slots
from assistant.builtin.phrases.following import question_before
from assistant.builtin.phrases.same_thing import of_the_same
from assistant.builtin.turn import (
    COLLECTING,
    CONFIRMING,
    HANDED_OVER,
    KNOWLEDGE,
    NAME,
    OPEN,
    PRODUCTS,
    SOMETHING_ELSE,
    Turn,
    as_dict,
)
from assistant.intents.common import CANCEL, HELP, HUMAN, NO
from assistant.intents.recognised import LETTERS
from assistant.intents.skills import Skill
from assistant.knowledge.facts import Fact, Finding
from assistant.knowledge.passages import as_said, passages
from assistant.knowledge.search import Passage, known_from
from assistant.port import EngineReply, NotAtOnce, Source, Told
from channels_app.content.options import options
from channels_app.content.types import Content

OFTEN = 2  # times that something was asked for in a row, from which on the question offers a human
OF_PEOPLE = ("email", "phone")  # entities that tell who the person is, where an intent asks for them


class Replies(Turn):
    """Each gives the whole reply, or None where there is nothing of that name."""

    def resolve(self, payload: str) -> EngineReply | None:
        """What a payload of ours means, or None for any other: ``human``, ``none``, ``intent:<name>`` (with
        slots as in ``intent:stock?product=Oak``), ``do:<name>`` of what was just asked, ``knowledge:<id>``, or the value
        of a choice."""
        kind, _, rest = payload.partition(":")
        name, _, given = rest.partition("?")
        if payload == HUMAN:
            return self.hand_over("requested")
        if payload == SOMETHING_ELSE:
            return self.leave() if self.on_yes.startswith("do:") else self.say_no()
        skill = self.skill(name)
        if kind == "intent" and skill:
            return self.begin(skill, dict(parse_qsl(given)))
        if kind == "do" and skill:  # a button from further up is asked about anew
            return self.proceed(skill, self.filled, agreed=True) if payload == self.on_yes else self.begin(skill)
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
        known = self.of_the_same(skill) if self.filled else {}
        return self.proceed(skill, self.fill(skill, {**known, **given}))

    def of_the_same(self, skill: Skill) -> dict[str, str]:
        """The number that was spoken of, where the text says "it", and has none of its own."""
        if self.colleague_spoke or self.choice or not of_the_same(self.text):
            return {}
        if slots.number_in(skill.slots, self.text, self.options.region):
            return {}
        return {name: self.filled[name] for name in slots.number_names(skill.slots) if self.filled.get(name)}

    def fill(self, skill: Skill, known: Mapping[str, str]) -> dict[str, str]:
        return slots.fill(skill.slots, known, self.text, self.options.region)

    def proceed(self, skill: Skill, filled: Mapping[str, str], agreed: bool = False) -> EngineReply:
        """Ask for what is still missing, then whether it is really to be done, where the intent has that asked; else
        reply."""
        self.missed, self.filled = 0, dict(filled)
        gap = slots.missing(skill.slots, filled)
        if gap:
            return self.ask(skill, gap)
        if skill.confirm and not agreed:
            return self.ask_whether(skill)
        if skill.handover:
            return self.hand_over(f"intent:{skill.name}", skill)
        reply = self.answer(self.said_by(skill), skill.name)
        payload = self.later.pop(0) if self.later else ""
        follows = self.resolve(payload) if payload else None
        return replace(follows, contents=(*reply.contents, *follows.contents)) if follows else reply

    def ask(self, skill: Skill, slot: Mapping[str, Any]) -> EngineReply:
        return self.answer([self.question(slot)], skill.name, stage=COLLECTING, expected=(f"slot:{slot['name']}",))

    def ask_whether(self, skill: Skill) -> EngineReply:
        payload = f"do:{skill.name}"
        question = self.wording.whether(skill, self.filled, payload, SOMETHING_ELSE)
        return self.answer([question], skill.name, stage=CONFIRMING, on_yes=payload, expected=("yes", "no"))

    def ask_again(self, skill: Skill, slot: Mapping[str, Any]) -> EngineReply:
        question = self.question(slot, again=True)
        return self.misunderstood([question], skill.name, stage=COLLECTING, expected=(f"slot:{slot['name']}",))

    def do_without(self, skill: Skill, slot: Mapping[str, Any]) -> EngineReply:
        """The person has not what was asked for: a colleague is offered, and the question stays open. The next time one takes
        over."""
        offer = self.wording.lacking(slot, HUMAN, SOMETHING_ELSE)
        return self.misunderstood(
            [offer], skill.name, stage=COLLECTING, expected=(f"slot:{slot['name']}",), on_yes=HUMAN, apology="handover"
        )

    def question(self, slot: Mapping[str, Any], again: bool = False) -> Content:
        """What is asked for, with the way to a human from the third time on."""
        asked = self.wording.question(slot, again)
        return self.wording.also_human(asked, HUMAN) if self.asked_before(slot) >= OFTEN else asked

    def tell(self, fact: Fact, score: float, then: Content | None = None) -> EngineReply:
        """The answer of a knowledge entry, and the open question after it, if there was one."""
        self.missed, fact = 0, self.excerpt(fact)
        if then and self.collecting and self.awaited:
            expected = (f"slot:{self.awaited['name']}",)
            reply = self.answer(
                [self.wording.fact(fact), then], self.collecting.name, stage=COLLECTING, expected=expected
            )
        else:
            reply = self.answer([self.wording.fact(fact)], KNOWLEDGE, confidence=score)
        return replace(reply, sources=(source_of(Finding(fact, score)),))

    def tell_of(self, told: Told, then: Content | None = None) -> EngineReply:
        """What the shop says, and the open question after it, if there was one."""
        self.missed, self.goods, self.told = 0, dict(told.memory), told
        if then and self.collecting and self.awaited:
            expected = (f"slot:{self.awaited['name']}",)
            reply = self.answer([*told.contents, then], self.collecting.name, stage=COLLECTING, expected=expected)
        else:
            reply = self.answer(list(told.contents), PRODUCTS)
        return replace(reply, sources=told.sources, why={**reply.why, "settled": PRODUCTS})

    def is_about(self, thing: str) -> bool:
        """Whether what was taught or written is about this, and not only a question of the same form."""
        alone = self.looked_at_all([thing])[0]
        same = alone.classification.intent == self.classification.intent
        if same and min(alone.classification.confidence, self.classification.confidence) >= self.options.medium:
            return True
        best = next(iter(self.lessons.knowledge.search(alone.row, self.language)), None)
        if best and best.score >= self.options.known:
            return True
        if self.look is None or not self.lessons.knowledge.facts:
            return False
        if self.request.at_once:
            raise NotAtOnce
        near = self.look(thing, self.language, 1)
        return any(one.score >= known_from(self.options.known) for one in near)

    def excerpt(self, fact: Fact) -> Fact:
        """Of a long article the passage that is nearest to the question, or its beginning."""
        parts = passages(fact.answer)
        if len(parts) < 2:
            return replace(fact, answer=as_said(fact.answer))
        asked = question_before(self.request.history) if self.stage == CONFIRMING else ""  # a yes, or a button
        near = (
            self.look(asked or self.text, self.language, 10)
            if self.look and self.text and not self.request.at_once
            else []
        )
        found = next((one.text for one in near if str(one.article_id) == fact.id), parts[0])
        return replace(fact, answer=as_said(found))

    def say_no(self) -> EngineReply:
        """After "none of these": the count of misunderstandings stands as it was. Was it said to what a text may have meant,
        nothing answers that text."""
        skill = self.skill(NO)
        reply = self.answer(self.said_by(skill) if skill else [self.wording.unknown(HUMAN)], NO)
        return replace(reply, unanswered=self.stage == CONFIRMING)

    def leave(self) -> EngineReply:
        """What was begun is not done."""
        self.missed = 0
        skill = self.skill(CANCEL)
        return self.answer(self.said_by(skill) if skill else [self.wording.sentence("done")], CANCEL, confidence=1.0)

    def misunderstood(
        self, contents: list[Content], intent: str = "", apology: str = "misunderstood", **rest: Any
    ) -> EngineReply:
        """``apology``: the sentence with which a human takes over, where it was one time too many."""
        self.missed += bool(self.options.handover_after)
        if 0 < self.options.handover_after <= self.missed:
            return self.hand_over("misunderstood", apology=apology)
        return self.answer(contents, intent, confidence=self.classification.confidence, **rest)

    def hand_over(self, reason: str, skill: Skill | None = None, apology: str = "misunderstood") -> EngineReply:
        """To a human. The count begins anew, for the day the bot gets the conversation back."""
        self.missed = 0
        if reason == "misunderstood":
            return self.answer(
                [self.wording.sentence(apology)],
                stage=HANDED_OVER,
                handover=reason,
                confidence=self.classification.confidence,
            )
        skill = skill or self.skill(HUMAN)
        contents = self.said_by(skill) if skill else [self.wording.sentence("handover")]
        return self.answer(contents, skill.name if skill else HUMAN, stage=HANDED_OVER, handover=reason)

    def said_by(self, skill: Skill) -> list[Content]:
        offered = [s.spoken(self.language) for s in self.lessons.skills.values() if s.own] if skill.name == HELP else []
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
        memory |= {"goods": self.goods} if self.goods else {}
        memory |= (
            {"asked": [expected[0], self.asked_before(expected[0]) + 1]} if stage == COLLECTING and expected else {}
        )
        memory |= {"later": self.later} if self.later and stage in (COLLECTING, CONFIRMING) else {}
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
            why=self.why(intent),
        )

    def why(self, intent: str) -> dict[str, Any]:
        """For staff who ask why it said so."""
        by = self.looked_at.by if self.text else LETTERS
        told: dict[str, Any] = {"settled": "choice" if self.choice else "knowledge" if intent == "knowledge" else by}
        if self.text:
            told["intents"] = [[name, round(score, 4)] for name, score in self.classification.scores[:5]]
        if "findings" in self.__dict__:  # the knowledge was looked through
            told["chunks"] = [dict(vars(source_of(finding))) for finding in self.findings]
        if self.__dict__.get("told"):  # the shop was asked
            told["tools"] = [dict(one) for one in self.told.tools] if self.told else []
        return told

    def known_of_them(self, intent: str) -> dict[str, Any]:
        """The person's profile, and what they told of themselves because the intent asked for it."""
        skill = self.lessons.skills.get(intent)
        asked = [slot for slot in skill.slots if slot.get("entity") in OF_PEOPLE] if skill else []
        told = {slot["entity"]: self.filled[slot["name"]] for slot in asked if slot["name"] in self.filled}
        known = {name: value for name, value in self.request.profile.items() if value}
        return {**as_dict(self.context.get("user_profile")), **known, **told}


def source_of(finding: Finding) -> Source:
    fact = finding.fact
    return Source("article", fact.id, fact.title, fact.source_url, round(finding.score, 4))


def told_of(passage: Passage) -> Fact:
    said = as_said(passage.text)
    return Fact(str(passage.article_id), passage.title, (), said, language=passage.language, source_url=passage.url)
