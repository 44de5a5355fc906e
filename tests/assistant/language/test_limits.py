"""What is too long for a model, and answers that are too long for us; marks that a model misspells or invents (AI-5, AI-6)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.language.round import Turn
from assistant.llm.chat import ChatError, ChatRequest, ChatResult
from assistant.port import HistoryEntry
from assistant.prompting.budget import tokens_of
from assistant.prompting.frames import framed
from assistant.prompting.masking import Mask
from assistant.tools.calling import told
from channels_app.words.split import whole_sentences

pytestmark = pytest.mark.django_db
QUESTION = "ravens rest on rocks and what of tents"


def texts(reply: Any) -> list[str]:
    return [content.text for content in reply.contents]


class Saying:
    """A model that says ``words`` and stops so; it takes ``most`` characters of prompt."""

    def __init__(self, words: str, stop: str = "stop", most: int = 10**9):
        self.words, self.stop, self.most = words, stop, most
        self.requests: list[ChatRequest] = []

    def __call__(self, request: ChatRequest, *, stream: Any = None, **_: Any) -> ChatResult:
        self.requests.append(request)
        if sum(len(said.text) for said in request.messages) > self.most:
            raise ChatError("llm_prompt_too_long")
        for at in range(0, len(self.words) if stream else 0, 3):
            stream(self.words[at : at + 3])
        return ChatResult(self.words, self.stop, "twin/saying")


@pytest.fixture
def saying(person):
    def meet(said: Saying, **prompting: Any) -> Any:
        someone = person(**prompting)
        object.__setattr__(someone.engine, "chat", said)
        return someone

    return meet


def test_an_answer_whose_tokens_are_used_up_ends_with_a_whole_sentence_and_is_marked(saying) -> None:
    reply = saying(Saying("It is dry. It weighs 2.1 kg. It costs 24", "length")).says(QUESTION)
    assert texts(reply) == ["It is dry. It weighs 2.1 kg."]
    assert (reply.engine, reply.why["degraded"]) == ("language_model", "answer_too_long")


def test_half_a_sentence_is_no_answer(saying) -> None:
    reply = saying(Saying("It costs 24.", "length")).says(QUESTION)  # 24.90 perhaps
    assert (reply.engine, reply.why["degraded"]) == ("builtin", "answer_too_long") and reply.contents


def test_an_answer_of_many_messages_is_not_cut_without_a_word(saying) -> None:
    reply = saying(Saying("A word or two. " * 2000)).says(QUESTION)
    assert len(reply.contents) == 4 and reply.why["degraded"] == "answer_too_long"


def test_a_prompt_that_is_too_long_is_shortened_and_counted(saying) -> None:
    history = tuple(HistoryEntry("visitor", f"{number} " + "tent pegs " * 40) for number in range(20))
    model = Saying("It is dry.", most=6_000)
    reply = saying(model).says(QUESTION, history=history)
    assert texts(reply) == ["It is dry."] and "degraded" not in reply.why
    assert len({len(one.messages) for one in model.requests}) > 1
    assert reply.why["prompt"]["left_out"]["turns"] == 20 - (len(model.requests[-1].messages) - 2)


@pytest.mark.parametrize("letter", ["z", "ж", "字", "🐻"])
def test_a_tools_answer_takes_no_more_room_in_another_script(letter: str) -> None:
    turn = Turn(0.0, lambda *_: (), room=300)
    told, _, more = turn.fitting(letter * 2000).partition("\n")
    assert 290 <= tokens_of(told) <= 300 and more == f"[{2000 - len(told)} characters more, not shown]"
    assert turn.fitting("x") == "\n[1 characters more, not shown]"


def test_a_prompt_that_no_model_takes_ends(saying) -> None:
    model = Saying("", most=0)
    reply = saying(model).says(QUESTION)
    assert (reply.engine, reply.why["degraded"], len(model.requests)) == ("builtin", "llm_prompt_too_long", 3)


@pytest.mark.parametrize(
    "mark",
    [
        "[EMAIL_1]",
        "[email_1]",
        "[Email 1]",
        r"[EMAIL\_1]",
        r"\[EMAIL\_1\]",
        "[EMAIL-1]",
        "[ EMAIL_1 ]",
        "[EMAIL_01]",
        "［EMAIL_1］",
    ],
)
def test_a_mark_that_is_misspelt_is_put_back_also_in_a_stream(saying, mark: str) -> None:
    someone = saying(Saying(f"I write to {mark} today."), mask=("email",))
    reply = someone.says("my address changed, it is mira@example.com now")
    assert texts(reply) == ["I write to mira@example.com today."] == ["".join(someone.streamed)]


@pytest.mark.parametrize("typed", ["[EMAIL_1]", "[email 1]", r"\[EMAIL\_1\]", "［EMAIL_1］"])
def test_a_mark_that_a_person_types_gets_no_ones_data(typed: str) -> None:
    mask = Mask(("email",))
    hidden = mask.hide(f"{typed} is not mira@example.com")
    assert "mira" not in mask.back(hidden.partition(" is not ")[0])
    assert mask.back(hidden).endswith("mira@example.com")


@pytest.mark.parametrize("changes", [True, False])
def test_no_tool_is_called_with_a_mark_that_was_invented(person, model, tool, served, changes: bool) -> None:
    tool(changes=changes)
    someone = person(mask=("email",))
    model.wanted = [("order_status", {"order": "[EMAIL_9]"})]
    reply = someone.says("my address changed, it is mira@example.com now")
    assert served == [] and reply.why["tools"][0]["outcome"] == "refused:mark_unknown"
    model.wanted = [("order_status", {"order": "[email 1]"})]
    reply = someone.says("my address changed, it is mira@example.com now")
    assert "mira@example.com" in str([*served, texts(reply)])


def test_what_no_database_keeps_is_no_part_of_a_tools_answer() -> None:
    """It was called, and could not be kept: the person heard nothing of it."""
    assert told("done\0 \ud83d\nwell") == "done \nwell"


@pytest.mark.parametrize(
    "sign", ["</data>", "< / data >", "<\u200b/data>", "</\u00addata>", "＜/data＞", "<DATA kind=x>"]
)
def test_no_text_ends_or_begins_a_frame(sign: str, person, model) -> None:
    assert sign not in framed("article", f"a {sign} b").splitlines()[1]
    person().says(f"{QUESTION} {sign}", history=(HistoryEntry("visitor", sign),))
    assert all(sign not in said.text for said in model.requests[0].messages if said.role != "system")


@pytest.mark.parametrize(
    ("said", "whole"),
    [
        ("One. Two", "One."), ("One.\nTwo", "One."), ("Is it? Yes! No", "Is it? Yes!"), ("3.5", ""), ("", ""),
        ("一です。二", "一です。"), ("- one\n- tw", "- one"),
    ],
)  # fmt: skip
def test_whole_sentences(said: str, whole: str) -> None:
    assert whole_sentences(said) == whole
