"""What goes on from the answer before: "and on Sunday?", "and when does it come?".

Owns what it is read as. The shapes: assistant/builtin/phrases/following.py and, of deliveries, assistant/builtin/phrases/delivery.py.
"""

from __future__ import annotations

from dataclasses import replace

from assistant import slots
from assistant.builtin.goods import Goods
from assistant.builtin.phrases.delivery import delivery_asked
from assistant.builtin.phrases.following import added, bare, question_before, tells_figure
from assistant.builtin.turn import KNOWLEDGE, OPEN, PRODUCTS
from assistant.port import EngineReply


class Following(Goods):
    """As `Found`, of what went before."""

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
        is_bare = bare(self.text)
        if not more or (not is_bare and self.recognised and self.recognised.own):
            return None
        alone = next(iter(self.findings), None)
        if not is_bare and alone and alone.score >= self.options.known:
            return None
        asked = question_before(self.request.history)
        if not asked:
            return None
        looked = self.looked_at_all([f"{asked} {more}"])[0].classification
        if self.told_last and looked.intent == self.before and looked.confidence >= self.options.medium / 2:
            return self.begin(self.told_last)
        reply = self.read_as(f"{asked} {more}")
        if reply and is_bare and not tells_figure(content.text or "" for content in reply.contents):
            return None
        if reply is None or reply.intent in (self.before, KNOWLEDGE):
            return reply
        other = self.skill(reply.intent) if is_bare else None  # "how much?" of one thing may be what another one tells
        return reply if other and other.own and not other.slots and not other.handover else None
