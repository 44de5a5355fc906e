"""One turn of the built-in assistant: from what was said and remembered to what is answered.

Owns the order in which an answer is looked for. Must not touch the database. What is known of the turn:
assistant/builtin/turn.py; what can be done: replies.py; the wording: wording.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from assistant import slots
from assistant.builtin.phrases.consents import AGREEABLE, UNLESS, after_yes, sign_of
from assistant.builtin.phrases.delivery import delivery_asked
from assistant.builtin.phrases.denials import begins_with_no, clauses, denied
from assistant.builtin.phrases.following import added, bare, question_before
from assistant.builtin.phrases.person_wanted import person_wanted
from assistant.builtin.phrases.unsure import asks_what, lacks_it
from assistant.builtin.phrases.wishes import parts_of_wish
from assistant.builtin.replies import Replies, told_of
from assistant.builtin.turn import COLLECTING, CONFIRMING, KNOWLEDGE, MARKS, NAME, OPEN, PRODUCTS, SOMETHING_ELSE
from assistant.builtin.wording import MAX_OFFERED
from assistant.intents.common import CANCEL, GOODBYE, HELP, HUMAN, NO, UPSET, YES
from assistant.intents.learning.training import normal
from assistant.intents.recognised import MEANING
from assistant.intents.skills import Skill
from assistant.intents.stages import SETTLED
from assistant.knowledge.search import known_from
from assistant.port import EngineReply
from channels_app.content.types import Content

BESIDE = 0.2  # how much more like the text an article must be that is told while a question is open
SAME = 0.4  # … and one about the very thing that the person has not
FEW = 2  # words that may be a name
PART = 0.8  # how sure it must be of a part of a message; the half of a sentence deceives sooner


class Dialogue(Replies):
    """Answers one request."""

    def reply(self) -> EngineReply:
        """The first of these that knows an answer gives it."""
        looked_for: tuple[Callable[[], EngineReply | None], ...] = (
            self.nothing_written,
            self.option_picked,
            self.person_asked_for,
            self.offer_answered,
            self.slot_answered,
            self.denial_asked_about,
            self.delivery_meant,
            self.product_known,
            self.product_and_more,
            self.product_lacking,
            self.product_called,
            self.question_continued,
            self.several_recognised,
            self.flow_begun,
            self.intent_recognised,
            self.number_alone,
            self.fact_found,
            self.product_named,
            self.nearly_recognised,
        )
        for look in looked_for:
            if reply := look():
                return reply
        return self.not_understood()

    def nothing_written(self) -> EngineReply | None:
        """Pictures and the like are acknowledged; an open question is asked again."""
        if self.text:
            return None
        if not self.request.contents:
            return EngineReply(contents=(), context=self.context, engine=NAME)
        contents = [self.wording.sentence(self.request.contents[-1].type, "file")]
        if self.collecting and self.awaited:
            return self.answer(
                [*contents, self.question(self.awaited)],
                self.collecting.name,
                stage=COLLECTING,
                expected=(f"slot:{self.awaited['name']}",),
            )
        return self.answer(contents)

    def option_picked(self) -> EngineReply | None:
        """A button, quick reply or row, or its number or title in writing."""
        return self.resolve(self.choice.value) if self.choice else None

    def person_asked_for(self) -> EngineReply | None:
        """A wish for a human goes before what stands beside it: "my parcel is late, a human please". Where just these words
        were taught, what they were taught for holds."""
        return self.hand_over("requested") if person_wanted(self.text) and not self.taught_so else None

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
        question = self.question(awaited)
        if not slots.is_free(awaited) and (told := self.product_known(then=question) or self.product_and_more()):
            return told
        if not slots.is_free(awaited) and not self.taught_so and (helped := self.at_a_loss(skill, awaited)):
            return helped
        if self.interrupted(skill, awaited):
            return None
        if slots.is_free(awaited):
            return self.proceed(skill, {**filled, awaited["name"]: self.text[: slots.MAX_VALUE]})
        return (
            self.talked(skill, question)
            or self.denial_asked_about()
            or self.fact_found(then=question, more=BESIDE)
            or self.product_named()
            or self.ask_again(skill, awaited)
        )

    def at_a_loss(self, skill: Skill, awaited: Mapping[str, Any]) -> EngineReply | None:
        """They have not what was asked for, or ask what was meant."""
        if lacks_it(self.text):
            return self.fact_found(then=self.question(awaited), more=SAME) or self.do_without(skill, awaited)
        if not asks_what(self.text):
            return None
        asked = self.question(awaited, again=True)
        return self.answer([asked], skill.name, stage=COLLECTING, expected=(f"slot:{awaited['name']}",))

    def interrupted(self, skill: Skill, awaited: Mapping[str, Any]) -> bool:
        """Whether the person clearly wants something else than to answer the question."""
        wanted = self.recognised
        if wanted is None or wanted.name == skill.name:
            return False
        return wanted.name in (HUMAN, CANCEL) or (not slots.is_free(awaited) and (wanted.own or wanted.name == HELP))

    def talked(self, skill: Skill, then: Content) -> EngineReply | None:
        """Talk beside an open question – thanks, "are you a bot?" – is answered, and the question comes after it. A "no" leaves
        what was begun, a farewell the conversation; who is upset has not been understood."""
        said = self.recognised
        if begins_with_no(self.text, self.language) and not (said and said.own):
            return self.leave()
        if said is None or said.own or said.name == YES:
            return None
        if said.name == NO:
            return self.leave()
        if said.name == GOODBYE:
            return self.begin(said)
        asks: dict[str, Any] = {
            "stage": COLLECTING,
            "expected": (f"slot:{self.awaited['name']}",) if self.awaited else (),
        }
        contents = [*self.said_by(said), then]
        return (
            self.misunderstood(contents, skill.name, **asks)
            if said.name == UPSET
            else self.answer(contents, skill.name, **asks)
        )

    def offer_answered(self) -> EngineReply | None:
        """A written yes or no to "Did you mean …?" and "Shall I …?"."""
        if not self.on_yes or (self.awaited and lacks_it(self.text)):
            return None
        said = sign_of(self.text) or (self.recognised.name if self.recognised else "")
        if (
            self.stage == CONFIRMING
            and begins_with_no(self.text, self.language)
            and not (self.recognised and self.recognised.own)
        ):
            said = NO
        if self.on_yes.startswith("do:"):
            return self.act_answered(said)
        if said == YES:
            return self.resolve(self.on_yes)
        if self.denied and self.on_yes.partition(":")[2] == self.classification.intent:
            return self.leave()
        return self.say_no() if said == NO else None

    def act_answered(self, said: str) -> EngineReply | None:
        """The answer to whether something is really to be done: only a yes that says nothing else, or what is to be done once
        more, has it done. What is merely like a yes is asked again."""
        wanted = self.on_yes.partition(":")[2]
        exact = self.lessons.classifier.exact
        if said in (NO, CANCEL) or (self.denied and wanted == self.classification.intent):
            return self.leave()
        if any(exact.get(normal(part)) in (NO, CANCEL) for part in clauses(self.text)):
            return self.leave()
        rest = "" if sign_of(self.text) == YES else after_yes(self.text, lambda words: exact.get(normal(words)) == YES)
        if rest is not None:
            again = self.looked_at_all([rest])[0].classification if rest else None
            if again is None or exact.get(normal(rest)) in AGREEABLE:
                return self.resolve(self.on_yes)
            if again.intent == wanted and again.confidence >= self.options.high and not UNLESS.search(rest):
                return self.resolve(self.on_yes)
        skill = self.skill(wanted)
        if skill is None or (said != YES and rest is None):
            return None
        asked = self.ask_whether(skill).contents
        return self.misunderstood(list(asked), skill.name, stage=CONFIRMING, on_yes=self.on_yes, expected=("yes", "no"))

    def flow_begun(self) -> EngineReply | None:
        """The conversation's flow leads to its intent, unless the person clearly wants something else."""
        skill, wanted = self.intended, self.recognised
        if skill is None or (wanted and (wanted.own or wanted.name in (HUMAN, CANCEL, HELP))):
            return None
        return self.begin(skill, self.filled)

    def denial_asked_about(self) -> EngineReply | None:
        """What a text forbids is not begun, but asked about: only they know whether it was under way."""
        if self.recognised or not self.denied or self.classification.confidence < self.options.medium:
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

    def fact_found(self, then: Content | None = None, more: float = 0.0) -> EngineReply | None:
        """The knowledge has it. ``then`` is a question to come back to; ``more``: how much surer it must be than elsewhere."""
        best = next(iter(self.findings), None)
        if best and best.score >= self.options.known + more:
            return self.tell(best.fact, best.score, then)
        passage = self.passage
        if passage is None or passage.score < known_from(self.options.known) + more:
            return None
        return self.tell(told_of(passage), passage.score, then)

    def delivery_meant(self) -> EngineReply | None:
        """ "And when does it come?" asks how long delivery takes after an answer about a product, and after one about an order
        the same of that again."""
        if not self.before or self.stage != OPEN or self.taught_so or self.colleague_spoke:
            return None
        if self.about_goods:
            reply = self.read_as(delivery_asked(self.text))
            memory = reply.context["assistant"] if reply else {}
            return reply and replace(reply, context={**reply.context, "assistant": {**memory, "about": PRODUCTS}})
        number = slots.number_given(self.told_last.slots, self.filled) if self.told_last else ""
        return self.read_as(delivery_asked(self.text, number), of=self.told_last) if number else None

    def question_continued(self) -> EngineReply | None:
        """ "And on Sunday?" is the question before, of Sunday; not where it is about something that was taught or written."""
        if (
            not self.before
            or not (self.told_last or self.before == KNOWLEDGE)
            or self.taught_so
            or self.colleague_spoke
        ):
            return None
        more = added(self.text)
        if not more or (self.recognised and self.recognised.own):
            return None
        alone = next(iter(self.findings), None)
        if not bare(self.text) and alone and alone.score >= self.options.known:
            return None
        asked = question_before(self.request.history)
        if not asked:
            return None
        looked = self.looked_at_all([f"{asked} {more}"])[0].classification
        if self.told_last and looked.intent == self.before and looked.confidence >= self.options.medium:
            return self.begin(self.told_last)
        reply = self.read_as(f"{asked} {more}")
        return reply if reply and reply.intent in (self.before, KNOWLEDGE) else None

    def read_as(self, words: str, of: Skill | None = None) -> EngineReply | None:
        """What is said to these words in place of those that were written. None where they are not understood, or as something
        else than ``of``."""
        if not words:
            return None
        reply = Dialogue(self.options, self.lessons, self.saying(words), self.look, self.ask_shop).reply()
        missed = reply.unanswered or reply.context["assistant"]["missed"] > self.missed
        return None if missed or (of and reply.intent != of.name) else reply

    def number_alone(self) -> EngineReply | None:
        """A number that several intents ask for, and nothing else: what it is for is asked. No likeness of letters says."""
        if self.collecting or not slots.NUMBER_ALONE.fullmatch(self.text):
            return None
        ways = []
        for name, known in self.lessons.skills.items():
            skill = self.skill(name) if known.own else None
            given = slots.number_in(skill.slots, self.text, self.options.region) if skill else {}
            if skill and given:
                ways.append((skill.title, f"intent:{name}?{urlencode(given)}"))
        if not ways:
            return None
        question = self.wording.about(self.text.strip(MARKS), ways[: MAX_OFFERED - 1], SOMETHING_ELSE)
        on_yes = ways[0][1] if len(ways) == 1 else ""
        return self.answer([question], stage=CONFIRMING, on_yes=on_yes, expected=tuple(payload for _, payload in ways))

    def product_known(self, then: Content | None = None) -> EngineReply | None:
        """The shop has what is asked about. What was taught word for word comes first, and whatever else was taught of such
        questions after it: "what does … cost" is about the thing, and not about its postage."""
        told = self.told
        if told is None or not told.contents or (self.taught_so and not told.recalled):
            return None
        return self.tell_of(told, then)

    def product_and_more(self) -> EngineReply | None:
        """A question about a product beside something else: the product first, then what is said to the rest, as if it had been
        written alone. Where that is not understood, the product alone."""
        parts = parts_of_wish(self.text) if self.ask_shop and not self.taught_so else []
        asked = ((place, self.ask_shop(self.saying(part), self.goods, False)) for place, part in enumerate(parts))  # type: ignore[misc]
        place, told = next(((place, told) for place, told in asked if told and told.contents), (0, None))
        if told is None:
            return None
        rest = ". ".join(part for other, part in enumerate(parts) if other != place)
        after = Dialogue(self.options, self.lessons, self.saying(rest), self.look, self.ask_shop).reply()
        memory = after.context["assistant"]
        if after.unanswered or memory["missed"] > self.missed or after.handover_reason == "misunderstood":
            return self.tell_of(told, self.question(self.awaited) if self.awaited else None)
        first = self.tell_of(told)
        goods = {"goods": memory.get("goods") or self.goods}
        return replace(
            after,
            contents=(*first.contents, *after.contents),
            context={**after.context, "assistant": {**memory, **goods}},
            sources=(*first.sources, *after.sources),
            why={**after.why, "tools": first.why["tools"]},
        )

    def product_lacking(self) -> EngineReply | None:
        """The shop does not have it, and neither intents nor knowledge are about the thing itself: likeness to "do you have …"
        alone is none."""
        told = self.told
        if told is None or not told.lacks or self.taught_so or self.is_about(told.thing):
            return None
        self.missed = 0
        said = self.wording.or_human(told.lacks, HUMAN)
        return replace(self.answer([said], PRODUCTS, on_yes=HUMAN, expected=(HUMAN,)), unanswered=True)

    def product_called(self) -> EngineReply | None:
        """A product's name, where no letters say that it is anything else: what one or two words mean deceives."""
        if self.ask_shop is None or self.looked_at.by != MEANING or len(self.text.split()) > FEW:
            return None
        return None if self.taught_so or self.collecting else self.product_named()

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
