"""What one platform of the twin is made of: routes, a voice for its people, its way to refuse.

Owns these shapes. Must not know any platform, nor use the adapters' code: a mistake made twice would
hide itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from channels_app.twin.calls import Answer, Call, Webhook
from channels_app.twin.world import World

Handler = Callable[[World, Call], Answer]


@dataclass(frozen=True)
class Route:
    method: str
    pattern: str
    handler: Handler

    def match(self, call: Call) -> dict[str, str] | None:
        found = re.fullmatch(self.pattern, call.path) if call.method == self.method else None
        return None if found is None else found.groupdict()


@dataclass(frozen=True)
class Platform:
    """One file below platforms/ defines one.

    ``settings`` are the defaults of what ``configure`` changes. ``is_send`` tells a message from other
    calls, so that a fault hits what it is meant for. ``refuse`` answers a fault (429, 500 or
    refuse_token) in the platform's words. ``say`` turns a person's words, ``{"from", "text" | "message"}``,
    into (platform message id, webhooks). ``show`` makes of a message's body what the page displays:
    ``{"text", "choices": [{"title", "message"}]}``, where message is what ``say`` takes when a person
    picks the choice. ``handshake`` gives the check of the webhook address and the answer it must get.
    ``channel`` is the configuration of a channel that speaks with this platform: field → value, in which
    ``{url}`` and ``{host}`` stand for the twin's address and ``{name}`` for one of the settings. ``person`` is a person to
    speak as. ``sign`` gives the headers that prove a body posted to an address; None where a key that only
    the running twin has does it.
    ``media`` are files that exist from the start: id → (MIME type, bytes).
    """

    kind: str
    settings: Mapping[str, Any]
    routes: Sequence[Route]
    is_send: Callable[[Call], bool]
    refuse: Callable[[str], Answer]
    say: Callable[[World, Mapping[str, Any]], tuple[str, list[Webhook]]]
    show: Callable[[Mapping[str, Any]], dict[str, Any]]
    channel: Mapping[str, Any] = field(default_factory=dict)
    person: str = ""
    sign: Callable[[Mapping[str, Any], str, bytes], dict[str, str]] | None = None
    handshake: Callable[[Mapping[str, Any]], tuple[Webhook, bytes]] | None = None
    media: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)

    def channel_config(self, url: str) -> dict[str, Any]:
        """What to tell a channel of the service that shall speak with a twin at ``url``."""
        parts = {"url": url, "host": urlsplit(url).netloc, **self.settings}
        return {name: _filled(value, parts) for name, value in self.channel.items()}

    def settings_for(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The other way round: the settings that make this platform fit a channel's configuration."""
        named = {name: value[1:-1] for name, value in self.channel.items() if isinstance(value, str)}
        return {
            setting: config[name] for name, setting in named.items() if setting in self.settings and config.get(name)
        }


def _filled(value: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(value, (list, tuple)):
        return [_filled(one, parts) for one in value]
    return value.format(**parts) if isinstance(value, str) else value
