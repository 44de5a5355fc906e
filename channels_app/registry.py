"""Which kinds of channel exist: one line each. What is particular to one stands in its adapter."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from channels_app.adapters.base import Adapter

KINDS: dict[str, str] = {
    "messenger": "channels_app.adapters.messenger.Messenger",
    "slack": "channels_app.adapters.slack.Slack",
    "sms": "channels_app.adapters.sms.Sms",
    "voice": "channels_app.adapters.voice.Voice",
    "teams": "channels_app.adapters.teams.Teams",
    "web": "channels_app.adapters.web.Web",
    "webhook": "channels_app.adapters.webhook.Webhook",
    "whatsapp": "channels_app.adapters.whatsapp.WhatsApp",
}


@cache
def adapter_for(kind: str) -> Adapter:
    """The adapter of a kind. Raises KeyError for an unknown kind."""
    module, name = KINDS[kind].rsplit(".", 1)
    return getattr(import_module(module), name)()


def platform_of(kind: str) -> str:
    """What staff read of the platform; of a kind that there is no more, its name."""
    return adapter_for(kind).platform or adapter_for(kind).label if kind in KINDS else kind


def icon_of(kind: str) -> str:
    return adapter_for(kind).icon if kind in KINDS else Adapter.icon
