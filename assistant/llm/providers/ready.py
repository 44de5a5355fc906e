"""Loads the SDKs of the providers that are set up, before a person waits for the first answer.

Owns which of them a process needs: an SDK takes seconds and some 30 MB, which a deployment without language models is spared.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from assistant.llm.ask import WIRES
from assistant.llm_models import LanguageModel, Provider
from tenants.models import Tenant


def sdks_load() -> list[str]:
    """Load what is missing; the kinds of provider that models may be asked of here, by the operator or an active tenant."""
    kinds = {str(provider.kind) for provider in settings.ENV["LLM_PROVIDERS"]}
    # unscoped: a process answers for all tenants
    rows = LanguageModel.objects.unscoped().filter(enabled=True, provider__enabled=True)
    for kind in Provider.Kind:
        if kind not in kinds and rows.filter(provider__kind=kind, tenant__status=Tenant.Status.ACTIVE).exists():
            kinds.add(str(kind))
    sdks_of(kinds)
    return sorted(kinds)


def sdks_of(kinds: Iterable[str]) -> None:
    """Load those of these kinds of provider; nothing is done twice."""
    for wire in {WIRES[Provider.Kind(kind)] for kind in kinds}:
        wire.load()
