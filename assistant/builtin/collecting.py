"""What is said while the built-in assistant asks for something that an intent needs.

Owns whether it is the answer, talk beside it, or another wish.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant import slots
from assistant.builtin.following import Following
from assistant.builtin.phrases.denials import begins_with_no
from assistant.builtin.phrases.unsure import asks_what, lacks_it
from assistant.builtin.turn import COLLECTING
from assistant.intents.common import CANCEL, GOODBYE, HELP, HUMAN, NO, UPSET, YES
from assistant.intents.skills import Skill
from assistant.port import EngineReply
from channels_app.content.types import Content

BESIDE = 0.2  # how much more like the text an article must be that is told while a question is open
SAME = 0.4  # … and one about the very thing that the person has not


class Collecting(Following):
    """As `Found`, of an open question."""

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
