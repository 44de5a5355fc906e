"""A prompt as a model would get it. Must not ask a model, nor store a row."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.port import EngineRequest, HistoryEntry
from assistant.prompting.builder import Built, Given, build
from assistant.prompting.masking import Mask
from channels_app.content.types import text
from tenants.scope import current_tenant_id
from tenants.storage.db import new_id
from tenants.tenant_settings import settings_for


def prompt_previewed(
    prompt: str, message: str, language: str, *, version: int = 0, history: Sequence[HistoryEntry] = ()
) -> Built:
    """The prompt of one message, after what was said before it, within the tenant's budget and without what it hides."""
    tenant_id = current_tenant_id()
    chosen = settings_for(tenant_id)
    question = EngineRequest(tenant_id, new_id(), "", (text(message),), history=tuple(history), language=language)
    given = Given(bot=chosen.bot_name, prompt=prompt, version=version, language=language)
    return build(question, given, Mask(chosen.provider_mask, chosen.region), chosen.prompt_tokens)
