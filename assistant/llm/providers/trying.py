"""One question to one model at the wish of staff, and how it went. Must not answer a person."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.llm.ask import chat_with
from assistant.llm.chat import ChatError, ChatRequest, ChatResult, Said
from assistant.llm.providers.offers import offer_of
from assistant.llm.providers.setup import TEST_S
from assistant.llm_models import LanguageModel
from channels_app.http.waiting import asking


@dataclass(frozen=True)
class ModelTried:
    """``result``, or the ``code`` of why there is none, as docs/llm.md lists them."""

    code: str = ""
    result: ChatResult | None = None


def model_try(row: LanguageModel, text: str, *, system: str = "", max_tokens: int = 200) -> ModelTried:
    """Ask this model, switched off or not, and no other; it is paid for, within the day's budget. Raises TooMany ``busy``."""
    said = (*([Said("system", system)] if system else []), Said("user", text))
    with asking(TEST_S):
        try:
            return ModelTried(
                result=chat_with(offer_of(row), ChatRequest(said, max_tokens=max_tokens, deadline_s=TEST_S))
            )
        except ChatError as error:
            return ModelTried(code=error.code)
