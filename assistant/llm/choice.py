"""Which models are asked, and in which order.

Owns the choice by capability, purpose, intent, language, hardness and price. Must not ask any.
"""

from __future__ import annotations

from collections.abc import Sequence

from assistant.llm.chat import ChatError, ChatRequest
from assistant.llm.providers.offers import Offer
from assistant.llm.tokens import prompt_tokens

LONG = 3000  # tokens of a prompt that makes a question harder
MANY_TOOLS = 3
NOT_MEANT = "no_model_meant"  # the tenant wants none to be asked this: no fault of anything


def chosen(
    found: Sequence[Offer],
    request: ChatRequest,
    *,
    purpose: str,
    intent: str,
    language: str,
    needs: frozenset[str],
    model: str = "",
    frugal: bool = False,
) -> list[Offer]:
    """The one to ask first, and those that are asked when it gives no answer.

    First ``model``. Then by rank; of one rank those that are strong enough before those that are not, those kept for
    this intent, language or purpose before those for everything, and the cheaper before the dearer. ``frugal``: by price alone.
    A model whose price is not known may be the dearest.

    Raises ChatError ``no_model``; NOT_MEANT where all are kept for other things; ``no_model_fits``; or ``llm_prompt_too_long``
    where the question is longer than those that could do it take.
    """
    if not found:
        raise ChatError("no_model")
    size, hard = prompt_tokens(request), hardness(request)
    wanted = needs | ({"tools"} if request.tools else set())
    meant = [one for one in found if _serves(one, purpose=purpose, intent=intent, language=language)]
    if not meant:
        raise ChatError(NOT_MEANT)
    able = [one for one in meant if wanted <= abilities(one)]
    if not able:
        raise ChatError("no_model_fits")
    fitting = [
        one
        for one in able
        if size + min(request.max_tokens, one.max_tokens or request.max_tokens) <= one.context_tokens
    ]
    if not fitting:
        raise ChatError("llm_prompt_too_long")

    def order(one: Offer) -> tuple[object, ...]:
        kept = bool(one.intents) + bool(one.languages) + bool(one.purposes)
        short = max(0, hard - one.strength)
        price = one.price_unknown, one.cost_usd(size, request.max_tokens)
        if frugal:
            return price, one.rank
        return not (model and one.called(model)), one.rank, short, -kept, price

    return sorted(fitting, key=order)


def abilities(offer: Offer) -> frozenset[str]:
    """What the model can do where it is served."""
    return offer.capabilities if offer.server.supports_tools else offer.capabilities - {"tools"}


def hardness(request: ChatRequest) -> int:
    """1 to 3: how much a question asks of a model. Long prompts, several tools and an answer by schema make it harder."""
    signs = (prompt_tokens(request) > LONG) + (len(request.tools) >= MANY_TOOLS) + (request.schema is not None)
    return min(3, 1 + signs)


def _serves(offer: Offer, *, purpose: str, intent: str, language: str) -> bool:
    """A model that is kept for something is asked for nothing else."""
    return (
        offer.is_for(purpose)
        and (not offer.intents or intent in offer.intents)
        and (not offer.languages or language.partition("-")[0] in offer.languages)
    )
