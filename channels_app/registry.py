"""Which kinds of channel exist: one line each. Must not hold anything but that."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from channels_app.adapters.base import Adapter

KINDS: dict[str, str] = {
    "web": "channels_app.adapters.web.Web",
    "whatsapp": "channels_app.adapters.whatsapp.WhatsApp",
}


@cache
def adapter_for(kind: str) -> Adapter:
    """The adapter of a kind. Raises KeyError for an unknown kind."""
    module, name = KINDS[kind].rsplit(".", 1)
    return getattr(import_module(module), name)()
