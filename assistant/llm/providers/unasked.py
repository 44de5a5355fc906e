"""Why a model that is set up is not asked, in the words of staff: the rows and settings that keep it from its questions.

Must not change any of them, nor ask a provider.
"""

from __future__ import annotations

from collections.abc import Iterator

from assistant.llm.providers.offers import offer_of, offers
from assistant.llm_models import LanguageModel
from assistant.models import Intent
from tenants.tenant_settings import settings_for


def unasked(row: LanguageModel) -> str:
    """ "" where it is asked. In the scope of its tenant."""
    return " ".join(_reasons(row))


def _reasons(row: LanguageModel) -> Iterator[str]:
    if not row.enabled:
        yield "It is switched off."
    if not row.provider.enabled:
        yield "Its provider is switched off."
    allowed = settings_for(row.tenant_id).allowed_models
    if allowed and not any(map(offer_of(row).called, allowed)):
        yield "The settings name others that may be asked."
    if row.intents and not Intent.objects.filter(name__in=row.intents, enabled=True).exists():
        yield "It is kept for intents that you do not have."


def unknown(names: list[str]) -> list[str]:
    """Of names of models that settings hold, those that no model has which may be asked."""
    found = offers()
    return [name for name in names if not any(one.called(name) for one in found)]
