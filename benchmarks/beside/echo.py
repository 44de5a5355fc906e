"""An engine that costs nothing, to tell the journey's cost from the assistant's.

Imported by a process (a worker by ``-I benchmarks.beside.echo``), it answers for the tenants whose bot is called so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.engines import engine_for
from assistant.port import Engine, EngineReply, EngineRequest
from channels_app.content.types import text
from messaging.turns import thinking

ECHO_BOT = "Echo"  # a tenant whose bot has this name gets the echo engine


class Echo:
    name = "echo"
    instant = True

    def respond(self, request: EngineRequest) -> EngineReply:
        return EngineReply(contents=(text(request.contents[-1].text or ""),), engine=self.name)


def _chosen(tenant_settings: Mapping[str, Any]) -> Engine:
    return Echo() if tenant_settings["bot_name"] == ECHO_BOT else engine_for(tenant_settings)


thinking.engine_for = _chosen
