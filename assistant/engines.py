"""Which engine answers for a tenant: the one place where the choice is made.

Must not know how any engine thinks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, get_args

from django.conf import settings

from assistant.builtin.engine import Builtin, options_of
from assistant.llm.providers.given import Purpose
from assistant.llm.providers.offers import Offer, offer_of, offers
from assistant.llm_models import LanguageModel
from assistant.port import Engine
from assistant.products.plain import product_told
from assistant.prompts.models import SystemPrompt
from assistant.prompts.versions import prompt_of_version
from tenants.errors import NotFound
from tenants.scope import tenant_id_if_any
from tenants.storage.memo import Memo

#: tokens that the smallest of some models has room for (0: there are none), and the kinds of their providers
Facts = tuple[int, frozenset[str]]
#: tenant → what its models are asked for → facts of those that are
_models: Memo[dict[str, Facts]] = Memo("language_models", ttl=30 if settings.REDIS_URL else 5)
NONE: Facts = (0, frozenset())

CURRENT, BUILTIN = "current", "builtin"  # what answers people now; the built-in assistant
#: and the language models held to one of them (``name`` or ``provider/name``), or to a version of the prompt
NAMES = rf"^({CURRENT}|{BUILTIN}|model:[^\s\x85\ufeff]{{1,200}}|prompt:[1-9][0-9]{{0,3}})$"


def is_held(name: str) -> bool:
    """Whether the name is of one model or one version of the prompt, which is to answer itself."""
    return name.partition(":")[0] in ("model", "prompt")


def engine_named(name: str, tenant_settings: Mapping[str, Any]) -> Engine:
    """For those who compare engines: CURRENT, BUILTIN, ``model:<name>`` or ``prompt:<version>``, of which nothing else is
    asked than is named. Raises NotFound ``engine_not_found``."""
    builtin = Builtin(options_of(tenant_settings))
    if name == BUILTIN:
        return replace(builtin, shop=product_told)
    if name == CURRENT:
        return engine_for(tenant_settings)
    kind, _, named = name.partition(":")
    if kind == "model" and (only := next((one for one in offers() if one.called(named)), None)):
        return _by_model(builtin, tenant_settings, _facts_of([only]), only=only)
    if kind == "prompt" and has_models() and (version := prompt_of_version(named)):
        return _by_model(builtin, tenant_settings, _facts(), version=version)
    raise NotFound(f"There is no engine that is called {name[:100]}.", code="engine_not_found")


def engine_of_model(row: LanguageModel, tenant_settings: Mapping[str, Any]) -> Engine:
    """As ``model:<name>``, also where it is switched off: for those who compare it before it is asked."""
    only = offer_of(row)
    return _by_model(Builtin(options_of(tenant_settings)), tenant_settings, _facts_of([only]), only=only)


def engine_for(tenant_settings: Mapping[str, Any]) -> Engine:
    """The engine that answers for a tenant with these settings: the operator's, else the tenant in scope's language models with
    the built-in before and behind them, else the built-in.

    The operator's MCP_ENGINE_URL decides for all tenants: no tenant can make us call an address of its own.
    """
    if url := settings.ENV["MCP_ENGINE_URL"]:
        from assistant.engine.remote import engine_at  # gRPC, which the built-in assistant does without

        return engine_at(url)
    builtin = Builtin(options_of(tenant_settings))
    facts = _facts()
    return _by_model(builtin, tenant_settings, facts) if facts[0] else replace(builtin, shop=product_told)


def has_models(purpose: Purpose = "answer") -> bool:
    """Whether the tenant in scope may ask a language model for that; a few seconds old at most."""
    return bool(_facts(purpose)[0])


def models_changed(tenant_id: Any) -> None:
    """Call after a model or its provider was saved or deleted."""
    _models.forget(tenant_id)


def _facts(purpose: Purpose = "answer") -> Facts:
    tenant_id = tenant_id_if_any()
    known = None if tenant_id is None else _models.get(tenant_id, _facts_now)
    return (known or {}).get(purpose, NONE)


def _facts_now() -> dict[str, Facts]:
    found = offers()
    return {purpose: _facts_of([one for one in found if one.is_for(purpose)]) for purpose in get_args(Purpose)}


def _facts_of(asked: Sequence[Offer]) -> Facts:
    return min((one.context_tokens for one in asked), default=0), frozenset(one.server.kind for one in asked)


def _by_model(
    builtin: Builtin,
    tenant_settings: Mapping[str, Any],
    facts: Facts,
    *,
    only: Offer | None = None,
    version: SystemPrompt | None = None,
) -> Engine:
    """``only`` this model is asked; by this ``version`` of the prompt, whichever is active."""
    from assistant.language.asking import ANSWER_TOKENS, Prompting
    from assistant.language.engine import LanguageEngine
    from assistant.language.own_tools import toolbox_of
    from assistant.llm.ask import chat, chat_alone  # the SDKs, which tenants without a model do without
    from assistant.llm.providers.ready import sdks_of

    room, kinds = facts
    prompting = Prompting(
        budget=min(tenant_settings.get("prompt_tokens") or room, max(1000, room - ANSWER_TOKENS)),
        mask=tuple(tenant_settings.get("provider_mask") or ()),
        region=tenant_settings.get("region") or "",
        prompt=tenant_settings.get("system_prompt") or "",
        model=tenant_settings.get("default_model") or "",
        unpaid_to_staff=(tenant_settings.get("llm_budget") or {}).get("hand_over", False),
        version=(version.version, version.text) if version else None,
    )
    asks = partial(chat_alone, only) if only else chat
    return LanguageEngine(builtin, asks, toolbox_of, prompting, partial(sdks_of, kinds))
