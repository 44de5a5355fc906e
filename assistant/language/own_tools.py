"""What every model may call, whatever the tenant's list: a human."""

from __future__ import annotations

from assistant.intents.common import SENTENCES
from assistant.llm.chat import Tool
from assistant.port import EngineRequest
from assistant.products.offered import product_tools
from assistant.tools.calling import Outcome
from assistant.tools.toolbox import Own, Result, Toolbox, person_of, tools_of_tenant

HAND_OVER = Tool(
    "hand_over",
    "Give the conversation to a human colleague, where the person wants one or you cannot help.",
    {"type": "object", "properties": {}, "additionalProperties": False},
    runs=False,
)


def toolbox_of(request: EngineRequest, turn: str) -> Toolbox:
    """The tools of a turn, as the tenant in scope lists them."""
    rows = tools_of_tenant()
    person = person_of(request.conversation_id) if rows else {}
    return Toolbox(request.conversation_id, turn, rows=rows, own=own_tools() | product_tools(), person=person)


def own_tools() -> dict[str, Own]:
    """What every model may call, whatever the tenant's list: a human."""
    return {
        HAND_OVER.name: Own(
            HAND_OVER, lambda _arguments, _seconds: Result(Outcome("handed_over", "A colleague takes over."))
        )
    }


def handed_over(language: str) -> str:
    return SENTENCES.get(language, SENTENCES["en"])["handover"]
