"""One turn of the built-in assistant: from what was said and remembered to what is answered.

Owns the order in which an answer is looked for. Must not touch the database. What is known of the turn:
assistant/builtin/turn.py; what can be done: replies.py; what is looked for: found.py, then goods.py, following.py,
collecting.py and agreeing.py, each of which builds on the one before; the wording: wording.py.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from assistant import slots
from assistant.builtin.agreeing import Agreeing
from assistant.builtin.phrases.consents import sign_of
from assistant.builtin.phrases.denials import denied, said_in
from assistant.builtin.phrases.person_wanted import person_wanted
from assistant.builtin.phrases.signs import WORD, signs_in
from assistant.builtin.phrases.wishes import parts_of_wish
from assistant.builtin.turn import COLLECTING, NAME
from assistant.intents.common import APOLOGY, CANCEL, EITHER_WAY, GOODBYE, GREETING, HELP, HUMAN, NO, THANKS, UPSET, YES
from assistant.intents.learning.training import normal
from assistant.intents.recognised import MEANING
from assistant.intents.stages import SETTLED
from assistant.port import EngineReply
from channels_app.content.types import Content

BESIDE_ELSE = frozenset({APOLOGY, GOODBYE, GREETING, NO, THANKS, UPSET, YES})  # what may stand beside any wish
DONE = frozenset({CANCEL, THANKS, YES})  # after which it asks whether there is anything else
NO_THANKS = frozenset(
    {"no thanks", "no thank you", "nein danke", "no gracias", "non merci", "não obrigado", "não obrigada"}
)
PART = 0.8  # how sure it must be of a part of a message; the half of a sentence deceives sooner
CLEAR = 0.9  # … where the rest of it is not understood


class Dialogue(Agreeing):
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
            self.part_recognised,
            self.number_alone,
            self.fact_found,
            self.product_named,
            self.nearly_recognised,
        )
        for look in looked_for:
            if reply := look():
                return self.goods_noted(reply) if self.ask_shop else reply
        return self.not_understood()

    def nothing_written(self) -> EngineReply | None:
        """Pictures and the like are acknowledged, faces answered; an open question is asked again."""
        if self.text:
            return None if WORD.search(self.text) else self.signs_alone()
        if not self.request.contents:
            return EngineReply(contents=(), context=self.context, engine=NAME)
        return self.beside([self.wording.sentence(self.request.contents[-1].type, "file")])

    def beside(self, contents: list[Content], intent: str = "") -> EngineReply:
        """Said, and an open question asked again: nothing was misunderstood."""
        if not self.collecting or not self.awaited:
            return self.answer(contents, intent)
        asked = [*contents, self.question(self.awaited)]
        expected = (f"slot:{self.awaited['name']}",)
        return self.answer(asked, self.collecting.name, stage=COLLECTING, expected=expected)

    def signs_alone(self) -> EngineReply | None:
        """A face, a heart: a friendly one greets or thanks, a sad one is sorry."""
        signs = signs_in(self.text)
        if not signs or self.taught_so or (self.on_yes and sign_of(self.text)):
            return None
        skill = self.skill(UPSET if signs == "sad" else GREETING if self.turn == 0 else THANKS)
        return self.beside(self.said_by(skill), skill.name) if skill else None

    def option_picked(self) -> EngineReply | None:
        """A button, quick reply or row, or its number or title in writing."""
        return self.resolve(self.choice.value) if self.choice else None

    def person_asked_for(self) -> EngineReply | None:
        """A wish for a human goes before what stands beside it: "my parcel is late, a human please". Where just these words
        were taught, what they were taught for holds."""
        return self.hand_over("requested") if person_wanted(self.text) and not self.taught_so else None

    def flow_begun(self) -> EngineReply | None:
        """The conversation's flow leads to its intent, unless the person clearly wants something else."""
        skill, wanted = self.intended, self.recognised
        if skill is None or (wanted and (wanted.own or wanted.name in (HUMAN, CANCEL, HELP))):
            return None
        return self.begin(skill, self.filled)

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
        """Words that greet as well as bid farewell ("ciao") greet at first; a "no" to "what else can I do?" bids farewell."""
        skill = self.recognised
        if self.turn == 0 and " " not in self.text and normal(self.text) in EITHER_WAY:
            skill = self.skill(GREETING)
        if skill and skill.name == NO and not self.on_yes and (self.before in DONE or normal(self.text) in NO_THANKS):
            skill = self.skill(GOODBYE) or skill
        elif skill and skill.name in BESIDE_ELSE and self.classification.confidence < SETTLED:
            return self.part_recognised() or self.begin(skill)
        return self.begin(skill) if skill else None

    def part_recognised(self) -> EngineReply | None:
        """Of what is not understood as a whole the one part that clearly is: "sorry, are you real?", "I paid 59.90 on 12/11, when
        will it be here"."""
        parts = said_in(self.text)
        looked = (one.classification for one in self.looked_at_all(parts)) if parts else ()
        clear = {
            one.intent for part, one in zip(parts, looked, strict=False) if one.confidence >= CLEAR and not denied(part)
        }
        wanted = [skill for name in clear - BESIDE_ELSE if (skill := self.skill(name))]
        return self.begin(wanted[0]) if len(wanted) == 1 else None
