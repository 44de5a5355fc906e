"""The demo's assistant converses sensibly in five languages with no language model (AI-3, AI-9)."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.builtin.dialogue import Dialogue
from assistant.builtin.turn import Options
from assistant.port import EngineReply, EngineRequest
from assistant.products.models import ProductSource
from assistant.products.plain import product_told
from channels_app.content.types import text
from chatsvc.demo import GOODS, SETTINGS
from tests.assistant.demo_talks import HEAD, LINES, NAMES, TALKS, section, taken_for

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).parents[2] / "docs" / "demo-talks.md"


@pytest.fixture
def talk(scope: Any, shop: Any) -> Callable[[str, list[str]], list[EngineReply]]:
    """What is answered to a conversation of the demo, its products in place."""
    ProductSource.objects.create(tenant=scope, products=GOODS)
    options = Options(bot_name=SETTINGS["bot_name"], languages=tuple(SETTINGS["languages"]))

    def held(language: str, said: list[str]) -> list[EngineReply]:
        context: dict[str, Any] = {}
        replies = []
        for words in said:
            request = EngineRequest(
                scope.id, uuid.UUID(int=1), "web", (text(words),), context=context, language=language, at_once=True
            )
            replies.append(Dialogue(options, shop, request, None, product_told).reply())
            context = replies[-1].context
        return replies

    return held


@pytest.mark.parametrize("language", TALKS)
def test_a_conversation_in_each_language(talk: Any, language: str) -> None:
    said = [words for words, _ in TALKS[language]]
    replies = talk(language, said)
    seen = [(words, taken_for(reply)) for words, reply in zip(said, replies, strict=True)]
    assert seen == list(TALKS[language])
    shown = section(language, list(zip(said, replies, strict=True)))
    if os.environ.get("DEMO_TALKS") == "write":
        parts = PAGE.read_text().partition(HEAD)[2].split("\n## ")[1:] if PAGE.exists() else []
        known = {part.partition("\n")[0]: part.rstrip() for part in parts} | {NAMES[language]: shown.strip("\n# ")}
        PAGE.write_text(HEAD + "".join(f"\n## {known[name]}\n" for name in NAMES.values() if name in known))
    assert shown.strip() in PAGE.read_text()


@pytest.mark.parametrize(("language", "said", "meant"), LINES)
def test_a_line_is_taken_for_what_it_says(talk: Any, language: str, said: str, meant: str) -> None:
    assert [taken_for(reply) for reply in talk(language, [said])] == [meant]
