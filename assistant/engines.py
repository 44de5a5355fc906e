"""Which engine answers for a tenant: the one place where the choice is made.

Must not know how any engine thinks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from assistant.builtin.engine import Builtin, options_of
from assistant.port import Engine


def engine_for(tenant_settings: Mapping[str, Any]) -> Engine:
    """The engine that answers for a tenant with these settings.

    The operator's MCP_ENGINE_URL decides for all tenants: no tenant can make us call an address of its own.
    """
    if url := settings.ENV["MCP_ENGINE_URL"]:
        from assistant.engine.remote import engine_at  # gRPC, which the built-in assistant does without

        return engine_at(url)
    return Builtin(options_of(tenant_settings))
