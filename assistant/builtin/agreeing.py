"""A written yes or no to what the built-in assistant asked: "Did you mean …?", "Shall I …?".

Owns what counts as either. The shapes: assistant/builtin/phrases/consents.py and assistant/builtin/phrases/denials.py.
"""

from __future__ import annotations

from assistant.builtin.collecting import Collecting
from assistant.builtin.phrases.consents import AGREEABLE, UNLESS, after_yes, sign_of
from assistant.builtin.phrases.denials import begins_with_no, clauses
from assistant.builtin.phrases.unsure import lacks_it
from assistant.builtin.turn import CONFIRMING
from assistant.intents.common import CANCEL, HUMAN, NO, YES
from assistant.intents.learning.training import normal
from assistant.port import EngineReply


class Agreeing(Collecting):
    """As `Found`, of an open offer."""

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
        *before, asked = self.ask_whether(skill).contents
        asked = self.wording.also_human(asked, HUMAN)  # "yes, but only the lamp" is for a colleague
        return self.misunderstood(
            [*before, asked], skill.name, stage=CONFIRMING, on_yes=self.on_yes, expected=("yes", "no")
        )
