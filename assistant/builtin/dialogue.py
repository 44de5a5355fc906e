"""One turn of the built-in assistant: from what was said and remembered to what is answered.

Owns the order in which an answer is looked for, and the memory it keeps in the conversation's context.
Must not touch the database. The wording of a reply is in assistant/builtin/wording.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlencode

from pydantic import ValidationError

from assistant import slots
from assistant.builtin.denials import clauses, denied
from assistant.builtin.wishes import parts_of_wish
from assistant.builtin.wording import MAX_OFFERED, Wording
from assistant.intents.common import BACKGROUND, CANCEL, HELP, HUMAN, NO, YES
from assistant.intents.learning.training import Classification, normal
from assistant.intents.lessons import Lessons
from assistant.intents.recognised import LETTERS, MEANING, Recognised, recognise
from assistant.intents.skills import Skill
from assistant.intents.stages import SETTLED
from assistant.knowledge.facts import Fact, Finding
from assistant.knowledge.passages import as_said, passages
from assistant.knowledge.search import Passage, known_from
from assistant.port import EngineReply, EngineRequest, NotAtOnce, Source, Told
from channels_app.content.options import choice_for, options
from channels_app.content.types import Choice, Content

NAME = "builtin"
PRODUCTS = "products"  # what a reply from the shop is called in place of an intent
Look = Callable[[str, str, int], list[Passage]]  # of a question, in a language, so many at most
#: what the shop says to a turn, by what is remembered of products; True: to a product's name alone (assistant/products/plain.py)
Ask = Callable[[EngineRequest, Mapping[str, Any], bool], Told | None]
OPEN, COLLECTING, CONFIRMING, HANDED_OVER = "open", "collecting", "confirming", "handover"
BEGINNING = "beginning"  # a flow was chosen for the conversation, and has not begun
OF_PEOPLE = ("email", "phone")  # entities that tell who the person is, where an intent asks for them
SOMETHING_ELSE = "none"  # the payload of "none of these"
TALK = frozenset(map(normal, BACKGROUND))
PART = 0.8  # how sure it must be of a part of a message; the half of a sentence deceives sooner


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


class Dialogue:
    """Answers one request; made for it and thrown away.

    The memory is ``context["assistant"]``: ``turn`` counts the replies, ``missed`` the misunderstandings in
    a row, ``on_yes`` is the payload that a "yes" stands for, ``offered`` the content whose options a typed
    number or title may mean,
    ``later`` the wishes that come after this one, ``goods`` the products of the last answer about any. What the assistant waited for ends with a
    colleague's word: the next "yes" or "2" is said to them.
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
        self.context = _dict(request.context)
        memory = _dict(self.context.get("assistant"))
        self.turn, self.missed = _count(memory.get("turn")), _count(memory.get("missed"))
        self.on_yes, self.offered = str(memory.get("on_yes", "")), _content(memory.get("offered"))
        self.goods = _dict(memory.get("goods"))
        waiting = self.stage in (COLLECTING, CONFIRMING)
        self.later = [str(one) for one in _list(memory.get("later"))] if waiting else []
        if self.colleague_spoke:
            self.missed, self.on_yes, self.offered = 0, "", None
            self.later = []
            self.context |= {"conversation_stage": OPEN, "current_intent": None} if waiting else {}
        self.filled: dict[str, str] = {name: str(value) for name, value in _dict(self.context.get("slots")).items()}
        self.text = "\n".join(content.text for content in request.contents if content.text).strip()
        self.entities = _dict(self.context.get("entities")) | slots.entities(self.text, engine_options.region)
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
            self.denial_asked_about,
            self.product_known,
            self.product_lacking,
            self.several_recognised,
            self.flow_begun,
            self.intent_recognised,
            self.fact_found,
            self.product_named,
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
        if self.denied and self.classification.intent == skill.name:
            return self.leave()
        filled = self.fill(skill, self.filled)
        if filled != self.filled:  # this one, or one that would have been asked for later
            return self.proceed(skill, filled)
        question = self.wording.question(awaited)
        if not slots.is_free(awaited) and (told := self.product_known(then=question)):
            return told
        if self.interrupted(skill, awaited):
            return None
        if slots.is_free(awaited):
            return self.proceed(skill, {**filled, awaited["name"]: self.text[: slots.MAX_VALUE]})
        return (
            self.fact_found(then=question)
            or self.denial_asked_about()
            or self.product_named()
            or self.ask_again(skill, awaited)
        )

    def interrupted(self, skill: Skill, awaited: Mapping[str, Any]) -> bool:
        """Whether the person clearly wants something else than to answer the question."""
        wanted = self.recognised
        if wanted is None or wanted.name == skill.name:
            return False
        return wanted.name in (HUMAN, CANCEL) or (not slots.is_free(awaited) and (wanted.own or wanted.name == HELP))

    def offer_answered(self) -> EngineReply | None:
        """A written yes or no to "Did you mean …?" and "Shall I …?"."""
        if not self.on_yes:
            return None
        said = self.recognised.name if self.recognised else ""
        if said == YES:
            return self.resolve(self.on_yes)
        if said in (NO, CANCEL) and self.on_yes.startswith("do:"):
            return self.leave()
        if self.denied and self.on_yes.partition(":")[2] == self.classification.intent:
            return self.leave()
        return self.say_no() if said == NO else None

    def flow_begun(self) -> EngineReply | None:
        """The conversation's flow leads to its intent, unless the person clearly wants something else."""
        skill, wanted = self.intended, self.recognised
        if skill is None or (wanted and (wanted.own or wanted.name in (HUMAN, CANCEL, HELP))):
            return None
        return self.begin(skill, self.filled)

    def denial_asked_about(self) -> EngineReply | None:
        """What a text forbids is not begun, but asked about: only they know whether it was under way."""
        if self.recognised or not self.denied or self.classification.confidence < self.options.high:
            return None
        skill = self.skill(self.classification.intent)
        if skill is None or not skill.own:
            return None
        payload = f"intent:{skill.name}"
        question = self.wording.left(skill.title, payload, SOMETHING_ELSE)
        confidence = self.classification.confidence
        return self.answer([question], stage=CONFIRMING, on_yes=payload, expected=(payload,), confidence=confidence)

    def several_recognised(self) -> EngineReply | None:
        """Of several wishes in one message each is answered, in their order. Where the whole is one that was taught, it is
        not taken apart."""
        parts = parts_of_wish(self.text)
        if not parts or self.intended or (self.looked_at.by != MEANING and self.classification.confidence >= SETTLED):
            return None
        wishes: dict[str, str] = {}
        for part, looked in zip(parts, self.looked_at_all(parts), strict=True):
            skill = self.skill(looked.classification.intent)
            if skill is None or looked.classification.confidence < max(self.options.high, PART) or denied(part):
                continue
            if skill.own or skill.name == HUMAN:
                given = slots.fill(skill.slots, {}, part, self.options.region)
                wishes.setdefault(skill.name, f"intent:{skill.name}?{urlencode(given)}")
        if len(wishes) < 2:
            return None
        if HUMAN in wishes:
            return self.hand_over("requested")
        first, *self.later = wishes.values()
        return self.resolve(first)

    def intent_recognised(self) -> EngineReply | None:
        return self.begin(self.recognised) if self.recognised else None

    def fact_found(self, then: Content | None = None) -> EngineReply | None:
        """The knowledge has it. ``then`` is a question to come back to."""
        best = next(iter(self.findings), None)
        if best and best.score >= self.options.known:
            return self.tell(best.fact, best.score, then)
        passage = self.passage
        return self.tell(told_of(passage), passage.score, then) if passage else None

    def product_known(self, then: Content | None = None) -> EngineReply | None:
        """The shop has what is asked about. What was taught word for word comes first, and whatever else was taught of such
        questions after it: "what does … cost" is about the thing, and not about its postage."""
        told = self.told
        if told is None or not told.contents or (self.taught_so and not told.recalled):
            return None
        return self.tell_of(told, then)

    def product_lacking(self) -> EngineReply | None:
        """The shop does not have it, and neither intents nor knowledge are about the thing itself: likeness to "do you have …"
        alone is none."""
        told = self.told
        if told is None or not told.lacks or self.taught_so or self.is_about(told.thing):
            return None
        self.missed = 0
        said = self.wording.or_human(told.lacks, HUMAN)
        return replace(self.answer([said], PRODUCTS, on_yes=HUMAN, expected=(HUMAN,)), unanswered=True)

    def product_named(self) -> EngineReply | None:
        """Nothing but the name of a product."""
        told = self.ask_shop(self.request, self.goods, True) if self.ask_shop else None
        return self.tell_of(told) if told and told.contents else None

    def nearly_recognised(self) -> EngineReply | None:
        """Not sure enough to answer, sure enough to ask back."""
        if self.classification.confidence < self.options.medium:
            return None
        names = self.classification.between(self.options.medium / 2)[: MAX_OFFERED - 1]
        meant = [skill for name in names if (skill := self.skill(name)) and (skill.own or name in (HUMAN, HELP))]
        likely = [(self.wording.title(skill), f"intent:{skill.name}") for skill in meant]
        likely += [
            (f.fact.title, f"knowledge:{f.fact.id}") for f in self.findings[:1] if f.score >= self.options.known / 2
        ]
        if not likely:
            return None
        question = self.wording.did_you_mean(likely, SOMETHING_ELSE)
        on_yes = likely[0][1] if len(likely) == 1 else ""
        return self.misunderstood([question], stage=CONFIRMING, on_yes=on_yes, expected=tuple(p for _, p in likely))

    def not_understood(self) -> EngineReply:
        """It does not know, says so, and offers a human."""
        reply = self.misunderstood([self.wording.unknown(HUMAN)], on_yes=HUMAN, expected=(HUMAN,))
        return replace(reply, unanswered=True)

    # ------------------------------------------------------------------------ what is done then

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
        return self.proceed(skill, self.fill(skill, given))

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
        return self.answer(
            [self.wording.question(slot)], skill.name, stage=COLLECTING, expected=(f"slot:{slot['name']}",)
        )

    def ask_whether(self, skill: Skill) -> EngineReply:
        payload = f"do:{skill.name}"
        question = self.wording.whether(skill, self.filled, payload, SOMETHING_ELSE)
        return self.answer([question], skill.name, stage=CONFIRMING, on_yes=payload, expected=("yes", "no"))

    def ask_again(self, skill: Skill, slot: Mapping[str, Any]) -> EngineReply:
        question = self.wording.question(slot, again=True)
        return self.misunderstood([question], skill.name, stage=COLLECTING, expected=(f"slot:{slot['name']}",))

    def tell(self, fact: Fact, score: float, then: Content | None = None) -> EngineReply:
        """The answer of a knowledge entry, and the open question after it, if there was one."""
        self.missed, fact = 0, self.excerpt(fact)
        if then and self.collecting and self.awaited:
            expected = (f"slot:{self.awaited['name']}",)
            reply = self.answer(
                [self.wording.fact(fact), then], self.collecting.name, stage=COLLECTING, expected=expected
            )
        else:
            reply = self.answer([self.wording.fact(fact)], "knowledge", confidence=score)
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
            return fact
        near = self.look(self.text, self.language, 10) if self.look and self.text and not self.request.at_once else []
        found = next((one.text for one in near if str(one.article_id) == fact.id), parts[0])
        return replace(fact, answer=as_said(found))

    def say_no(self) -> EngineReply:
        """After "none of these": the count of misunderstandings stands as it was."""
        skill = self.skill(NO)
        return self.answer(self.said_by(skill) if skill else [self.wording.unknown(HUMAN)], NO)

    def leave(self) -> EngineReply:
        """What was begun is not done."""
        self.missed = 0
        skill = self.skill(CANCEL)
        return self.answer(self.said_by(skill) if skill else [self.wording.sentence("done")], CANCEL, confidence=1.0)

    def misunderstood(self, contents: list[Content], intent: str = "", **rest: Any) -> EngineReply:
        self.missed += bool(self.options.handover_after)
        if 0 < self.options.handover_after <= self.missed:
            return self.hand_over("misunderstood")
        return self.answer(contents, intent, confidence=self.classification.confidence, **rest)

    def hand_over(self, reason: str, skill: Skill | None = None) -> EngineReply:
        """To a human. The count begins anew, for the day the bot gets the conversation back."""
        self.missed = 0
        if reason == "misunderstood":
            apology = [self.wording.sentence("misunderstood")]
            return self.answer(apology, stage=HANDED_OVER, handover=reason, confidence=self.classification.confidence)
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
            told["chunks"] = [asdict(source_of(finding)) for finding in self.findings]
        if self.__dict__.get("told"):  # the shop was asked
            told["tools"] = [dict(one) for one in self.told.tools] if self.told else []
        return told

    def known_of_them(self, intent: str) -> dict[str, Any]:
        """The person's profile, and what they told of themselves because the intent asked for it."""
        skill = self.lessons.skills.get(intent)
        asked = [slot for slot in skill.slots if slot.get("entity") in OF_PEOPLE] if skill else []
        told = {slot["entity"]: self.filled[slot["name"]] for slot in asked if slot["name"] in self.filled}
        known = {name: value for name, value in self.request.profile.items() if value}
        return {**_dict(self.context.get("user_profile")), **known, **told}

    # --------------------------------------------------------------- what is known about the turn

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
        return self.ask_shop(self.request, self.goods, False) if self.ask_shop else None

    @property
    def taught_so(self) -> bool:
        """Whether the text is an example, word for word."""
        return self.lessons.classifier.exact.get(normal(self.text)) is not None

    @cached_property
    def passage(self) -> Passage | None:
        """The best of the articles by letters and meaning, if it is worth telling. Talk of the weather is near to none,
        though an article may have its words ("qué tiempo hace", "cuánto tiempo tengo")."""
        if self.look is None or not self.text or not self.lessons.knowledge.facts or normal(self.text) in TALK:
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
        if skill is None or (self.denied and not any(denied(example) for example in skill.examples)):
            return None
        return skill

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
    def colleague_spoke(self) -> bool:
        """Since the assistant did."""
        spoken = (one.role for one in reversed(self.request.history) if one.role in ("agent", "bot"))
        return next(spoken, "") == "agent"

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
    def collecting(self) -> Skill | None:
        """The intent whose slots are being asked for."""
        return self.skill(str(self.context.get("current_intent") or "")) if self.stage == COLLECTING else None

    @cached_property
    def awaited(self) -> Mapping[str, Any] | None:
        """The slot that was asked for last."""
        return slots.missing(self.collecting.slots, _dict(self.context.get("slots"))) if self.collecting else None

    @cached_property
    def wording(self) -> Wording:
        options = self.options
        main = options.languages[0].split("-")[0]
        seed, kind = str(self.request.conversation_id), self.request.channel_kind
        return Wording(self.language, seed, self.turn, options.greeting, main, kind)

    def skill(self, name: str) -> Skill | None:
        """In the language that is spoken."""
        skill = self.lessons.skills.get(name)
        return skill.spoken(self.language) if skill else None


def source_of(finding: Finding) -> Source:
    fact = finding.fact
    return Source("article", fact.id, fact.title, fact.source_url, round(finding.score, 4))


def told_of(passage: Passage) -> Fact:
    return Fact(str(passage.article_id), passage.title, (), as_said(passage.text), source_url=passage.url)


# A context may have been written by another engine, or by a hand: what is not ours counts as not there.


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _content(value: Any) -> Content | None:
    try:
        return Content.model_validate(value) if value else None
    except ValidationError:
        return None


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}
