"""A tenant's providers and models at the twin, for tests of what asks them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.test import override_settings

from assistant.llm.chat import ChatRequest, Said
from assistant.models import LanguageModel, Provider
from channels_app.http.client import authority
from channels_app.twin.server import Twin
from tenants.models import Tenant


@contextmanager
def reachable(twin: Twin) -> Iterator[None]:
    """The operator lets tenants reach the twin, which lies in the private network."""
    with override_settings(ENV={**settings.ENV, "OUTBOUND_ALLOW_HOSTS": [authority(twin.url)]}):
        yield


def provider(tenant: Tenant, twin: Twin, kind: str = "openai", **facts: Any) -> Provider:
    base = twin.url if kind == "anthropic" else f"{twin.url}/v1"
    given = {"name": kind, "base_url": base, "key": f"sk-of-{tenant.slug}", **facts}
    return Provider.objects.create(tenant=tenant, kind=kind, **given)


def model(of: Provider, name: str = "gpt-twin", **facts: Any) -> LanguageModel:
    able = {
        "capabilities": ["tools", "json", "temperature"],
        "context_tokens": 100_000,
        "input_usd": 1.0,
        "output_usd": 2.0,
    }
    return LanguageModel.objects.create(tenant=of.tenant, provider=of, name=name, **{**able, **facts})


def question(text: str = "Where is my parcel?", *, system: str = "Be brief.", **facts: Any) -> ChatRequest:
    facts.setdefault("deadline_s", 60.0)  # however slow this machine is
    return ChatRequest((Said("system", system), Said("user", text)), **facts)
