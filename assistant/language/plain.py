"""One plain question to a language model about words that staff have before them: no tools, no history, no answer to a person.

Owns how the words are masked and marked as data, and what an error means to the member of staff. Must not write a row.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from assistant.llm.ask import chat
from assistant.llm.chat import ChatError, ChatRequest, Said
from assistant.llm.choice import NOT_MEANT
from assistant.llm.tokens import text_tokens
from assistant.prompting.frames import RULE, framed
from assistant.prompting.leaks import Secret
from assistant.prompting.masking import Mask
from tenants.errors import Conflict, Unavailable
from tenants.scope import current_tenant_id
from tenants.tenant_settings import settings_for

LONGEST = 8000  # characters that are asked about at once


@dataclass(frozen=True)
class Told:
    """What a model made of the words, whole, with personal data put back; ``model`` as ``provider/name``."""

    text: str
    model: str
    cost_usd: float


def told_plainly(rules: str, words: str, *, kind: str, purpose: str, most: int, language: str = "") -> Told:
    """What the tenant's model for ``purpose`` answers, in ``most`` tokens at most. What the tenant hides from providers is
    hidden; it is paid for as any question. ``kind`` names the words in the prompt.

    Raises Conflict ``no_model`` and ``budget_exceeded``, Unavailable ``model_failed``; also where the answer breaks off.
    """
    chosen, told = settings_for(current_tenant_id()), f"{rules}\n{RULE}"
    mask = Mask(chosen.provider_mask, chosen.region)
    asked = ChatRequest(
        (Said("system", told), Said("user", framed(kind, mask.hide(words)))),
        max_tokens=most, deadline_s=settings.ENV["ENGINE_TIMEOUT_MS"] / 1000,
    )  # fmt: skip
    try:
        result = chat(asked, purpose=purpose, language=language, model=chosen.default_model)
    except ChatError as error:
        if error.code in ("no_model", NOT_MEANT, "no_model_fits"):
            raise Conflict("The tenant has no language model for this.", code="no_model") from None
        if error.code == "budget_exceeded":
            raise Conflict("The day's money for models is spent.", code="budget_exceeded") from None
        raise _failed(error.code) from None
    if result.stop != "stop" or not result.text.strip():
        raise _failed(result.stop)  # half an answer would pass for a whole one
    if Secret(told).told_in(result.text):  # a person's words had it say that, in place of what they say
        raise _failed("prompt_withheld")
    return Told(mask.back(result.text).strip(), result.model, result.cost_usd)


def room_for(words: str) -> int:
    """Tokens for an answer about as long as ``words`` in any language."""
    return 100 + 2 * text_tokens(words)


def _failed(why: str) -> Unavailable:
    return Unavailable(
        "The language model gave no answer.", code="model_failed", details={"reason": why}, retry_after=5
    )
