"""What the built-in assistant says about products of the shop.

Owns when the shop's answer is the turn's. What is taken for a question about a product: assistant/products/plain.py.
"""

from __future__ import annotations

from dataclasses import replace

from assistant.builtin.found import Found
from assistant.builtin.phrases.wishes import parts_of_wish
from assistant.builtin.turn import PRODUCTS
from assistant.intents.common import HUMAN
from assistant.intents.recognised import LETTERS
from assistant.port import EngineReply
from channels_app.content.types import Content
from channels_app.words.folding import unmarked

FEW = 5  # words that may be a name, and what stands around it: "the Birk one", "et des sacs à dos"


class Goods(Found):
    """As `Found`, of products."""

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
        asked = ((place, self.ask_shop(self.saying(part), self.goods, "question")) for place, part in enumerate(parts))  # type: ignore[misc]
        place, told = next(((place, told) for place, told in asked if told and told.contents), (0, None))
        if told is None:
            return None
        rest = ". ".join(part for other, part in enumerate(parts) if other != place)
        after = type(self)(self.options, self.lessons, self.saying(rest), self.look, self.ask_shop).reply()
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
        """A product's name, where no letters say that it is anything else: what a few words mean deceives."""
        if self.ask_shop is None or self.looked_at.by == LETTERS or len(self.text.split()) > FEW:
            return None
        return None if self.taught_so or self.collecting else self.product_named()

    def fact_found(self, then: Content | None = None, more: float = 0.0) -> EngineReply | None:
        """A product that the text names and the article does not comes before it: "is the Lino waterproof?" is about no jacket."""
        reply = super().fact_found(then, more)
        if reply is None or self.ask_shop is None or self.taught_so:
            return reply
        told = self.ask_shop(self.request, self.goods, "mention")
        fact = (
            self.lessons.knowledge.fact(reply.sources[0].id) if reply.sources else None
        )  # none where it only asks back
        said = unmarked(" ".join(words for words, _ in fact.documents()).casefold()) if fact else ""
        return reply if told is None or not told.contents or told.thing.casefold() in said else self.tell_of(told, then)

    def goods_noted(self, reply: EngineReply) -> EngineReply:
        """The reply with what its cards show remembered: "how much is it?" after a recommendation is of these."""
        cards = [card.title for content in reply.contents for card in content.cards or ()]
        if not cards or reply.intent == PRODUCTS or self.ask_shop is None:
            return reply
        told = self.ask_shop(self.saying(", ".join(cards)), {}, "mention")
        if told is None or not told.memory:
            return reply
        memory = reply.context["assistant"] | {"goods": dict(told.memory), "about": PRODUCTS}
        return replace(reply, context={**reply.context, "assistant": memory})

    def product_named(self) -> EngineReply | None:
        """Nothing but the name of a product."""
        told = self.ask_shop(self.request, self.goods, "name") if self.ask_shop else None
        return self.tell_of(told) if told and told.contents else None
