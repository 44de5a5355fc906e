"""Where the twin's language models are asked. Both providers list their models at the same address: what a caller proves
itself with tells them apart."""

from __future__ import annotations

from channels_app.twin.calls import Answer, Call
from channels_app.twin.llm import anthropic, openai
from channels_app.twin.platform import Route
from channels_app.twin.world import World


def models(twin: World, call: Call) -> Answer:
    return (anthropic if "anthropic-version" in call.headers else openai).models(twin, call)


ROUTES = (
    *openai.ROUTES,
    Route("POST", r"/v1/messages", anthropic.messages),
    Route("GET", r"/v1/models", models),
)
