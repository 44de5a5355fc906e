"""How many tokens a text is, roughly and rather too many: where a provider does not count, and before it is asked.

Owns the estimate. Must not load a tokeniser: every model has another one.
"""

from __future__ import annotations

import json
import math
import re

from assistant.llm.chat import ChatRequest

WIDE = re.compile(
    r"[\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U0001f300-\U0001faff]"
)
ENTRY = 4  # what the frame of one message costs


def text_tokens(text: str) -> int:
    """A third of a token for each character; one for each of scripts without spaces, and for pictures."""
    wide = len(WIDE.findall(text))
    return wide + math.ceil((len(text) - wide) / 3)


def prompt_tokens(request: ChatRequest) -> int:
    said = sum(
        ENTRY
        + text_tokens(one.text)
        + sum(text_tokens(f"{call.name}{json.dumps(call.arguments)}") for call in one.calls)
        for one in request.messages
    )
    tools = sum(text_tokens(f"{tool.name}{tool.description}{json.dumps(tool.schema)}") for tool in request.tools)
    return said + tools + (text_tokens(json.dumps(request.schema)) if request.schema else 0)
