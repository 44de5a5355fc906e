"""The built-in assistant: an engine that needs no key and no network.

Owns its options and the door to it. How a conversation goes stands in assistant/builtin/dialogue.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from assistant.builtin.dialogue import Dialogue
from assistant.builtin.turn import NAME, Ask, Look, Options
from assistant.embeddings.encoders import encoder, name_for
from assistant.intents.lessons import lessons
from assistant.knowledge import search
from assistant.port import EngineError, EngineReply, EngineRequest
from assistant.vectors import texts
from tenants.scope import current_tenant_id

__all__ = ["Builtin", "Options", "options_of"]


def options_of(tenant_settings: Mapping[str, Any]) -> Options:
    """What a tenant's settings say about the assistant: its name, greeting, region and languages, and under
    ``assistant`` the numbers of Options."""
    tuned = tenant_settings.get("assistant") or {}
    known = {option.name for option in fields(Options)}
    return Options(
        bot_name=tenant_settings.get("bot_name") or Options.bot_name,
        greeting=tenant_settings.get("greeting") or "",
        region=tenant_settings.get("region") or "",
        languages=tuple(tenant_settings.get("languages") or Options.languages),
        **{name: value for name, value in tuned.items() if name in known},
    )


@dataclass(frozen=True)
class Builtin:
    """Answers from the intents and the knowledge of the tenant in scope; with ``shop`` from its source of products, too.
    ``look``: by what passages of articles are found; None: `passages`."""

    options: Options = field(default_factory=Options)
    shop: Ask | None = None
    look: Look | None = None
    name = NAME
    instant = True

    def prepare(self) -> None:
        """Load, or learn, what the tenant's assistant knows, and the network that questions are compared by."""
        lessons()
        if texts.available():
            encoder(name_for(self.options.languages))

    def respond(self, request: EngineRequest) -> EngineReply:
        """Answer one turn within milliseconds; the first one after a change trains, which takes about a second.

        Raises EngineError when another tenant's scope is open: answering would mix their data.
        """
        if request.tenant_id != current_tenant_id():
            raise EngineError("tenant_mismatch")
        look = (self.look or search.passages) if texts.available() else None
        return Dialogue(self.options, lessons(), request, look, self.shop).reply()
