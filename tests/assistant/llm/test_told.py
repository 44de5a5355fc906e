"""Staff are told in words why a model gave no answer: no code of ours is left without them."""

from __future__ import annotations

import re
from pathlib import Path

from assistant.llm.faults import OTHERS, STATUSES
from assistant.llm.told import WORDS, words_of
from chatsvc.settings import BASE_DIR

RAISED = re.compile(r"""(?:ChatError|ProviderFault)\(\s*"([a-z_]+)\"""")


def raised() -> set[str]:
    files = [*Path(BASE_DIR, "assistant/llm").rglob("*.py"), *Path(BASE_DIR, "assistant/language").rglob("*.py")]
    found = {code for file in files for code in RAISED.findall(file.read_text())}
    return found | {code for code, *_ in (*STATUSES.values(), *OTHERS.values())}


def test_each_code_has_its_words() -> None:
    codes = raised()
    assert {"llm_timeout", "budget_exceeded", "empty_answer"} <= codes
    assert codes - set(WORDS) == set()


def test_a_code_of_others_is_told_as_it_is() -> None:
    assert words_of("their_own") == "There was no answer (their_own)."
