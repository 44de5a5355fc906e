"""Which models the tenant in scope may ask: its own providers' and those that the operator gives it.

Owns the form in which a model and its provider are handed on. Must not choose between them, nor ask any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from assistant.llm.providers.given import GivenModel, GivenProvider
from assistant.llm_models import LanguageModel, Provider
from channels_app.http.client import authority
from channels_app.services import outbound_hosts
from tenants.models import Tenant
from tenants.scope import current_tenant_id
from tenants.storage import prepared
from tenants.tenant_settings import settings_for

#: kind → where it is served, unless a provider names another address
ADDRESSES: Mapping[str, str] = {
    Provider.Kind.OPENAI: "https://api.openai.com/v1",
    Provider.Kind.ANTHROPIC: "https://api.anthropic.com",
}

ENABLED = prepared.Select(
    LanguageModel,
    lambda rows: rows.filter(enabled=True, provider__enabled=True).select_related("provider").order_by("rank", "id"),
)


@dataclass(frozen=True)
class Server:
    """A provider as it is asked. ``id`` names it for breaker and limits: no two tenants share one, but for the
    operator's. ``allow_hosts``: what inside the private network may be called for it."""

    id: str
    name: str
    kind: str
    base_url: str
    key: str = field(repr=False)
    allow_hosts: frozenset[str] = frozenset()
    max_tokens_field: str = Provider.MaxTokensField.NEW
    system_role: str = Provider.SystemRole.SYSTEM
    json_mode: str = Provider.JsonMode.SCHEMA
    supports_usage_stream: bool = True
    supports_tools: bool = True
    requests_per_minute: int = 0


@dataclass(frozen=True)
class Offer:
    """A model that may be asked; the fields as LanguageModel has them."""

    server: Server
    name: str
    capabilities: frozenset[str] = frozenset()
    context_tokens: int = 8192
    input_usd: float = 0.0
    output_usd: float = 0.0
    temperature: float | None = None
    max_tokens: int | None = None
    strength: int = 2
    intents: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    rank: int = 100

    @property
    def full_name(self) -> str:
        """What tells it from a model of the same name elsewhere."""
        return f"{self.server.name}/{self.name}"

    @property
    def price_unknown(self) -> bool:
        """A model without a price that its maker serves: nothing is free there."""
        return not (self.input_usd or self.output_usd) and self.server.base_url == ADDRESSES.get(self.server.kind)

    def is_for(self, purpose: str) -> bool:
        """A model that is kept for something is asked for nothing else."""
        return not self.purposes or purpose in self.purposes

    def called(self, name: str) -> bool:
        return name in (self.name, self.full_name)

    def cost_usd(self, input_tokens: int, output_tokens: int) -> float:
        return (input_tokens * self.input_usd + output_tokens * self.output_usd) / 1_000_000


def offers() -> list[Offer]:
    """Of the tenant in scope, without those that its setting ``allowed_models`` leaves out."""
    tenant_id = current_tenant_id()
    found = [offer_of(row) for row in ENABLED.run()]
    if given := settings.ENV["LLM_PROVIDERS"]:
        slug = Tenant.objects.values_list("slug", flat=True).get(id=tenant_id)
        found += [
            _given(provider, model)
            for provider in given
            if not provider.tenants or slug in provider.tenants
            for model in provider.models
        ]
    allowed = settings_for(tenant_id).allowed_models
    return [one for one in found if not allowed or any(one.called(name) for name in allowed)]


def server_of(provider: Provider) -> Server:
    """A tenant's own provider: inside the private network it reaches what the operator lets tenants reach."""
    switches = {name: getattr(provider, name) for name in SWITCHES}
    address = provider.base_url or ADDRESSES[provider.kind]
    return Server(str(provider.id), provider.name, provider.kind, address, provider.key, outbound_hosts(), **switches)


def offer_of(row: LanguageModel) -> Offer:
    return Offer(server_of(row.provider), row.name, **_facts(row, row.defaults))


def _given(provider: GivenProvider, model: GivenModel) -> Offer:
    address = provider.base_url or ADDRESSES[provider.kind]
    switches = {name: getattr(provider, name) for name in SWITCHES}
    server = Server(
        f"given:{provider.name}", provider.name, provider.kind, address, provider.key.get_secret_value(),
        outbound_hosts() | {authority(address)}, **switches,
    )  # fmt: skip
    return Offer(server, model.name, **_facts(model, model.defaults.model_dump(exclude_none=True)))


#: what a provider's row and the operator's setting say in the same words
SWITCHES = (
    "max_tokens_field", "system_role", "json_mode", "supports_usage_stream", "supports_tools", "requests_per_minute",
)  # fmt: skip


def _facts(model: LanguageModel | GivenModel, defaults: Mapping[str, Any]) -> dict[str, Any]:
    names = ("context_tokens", "input_usd", "output_usd", "strength", "rank")
    lists = ("capabilities", "intents", "languages", "purposes")
    return {
        **{name: getattr(model, name) for name in names},
        **{name: frozenset(getattr(model, name)) for name in lists},
        "temperature": defaults.get("temperature"),
        "max_tokens": defaults.get("max_tokens"),
    }
