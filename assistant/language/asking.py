"""A turn's question to the language models: the prompt, the rounds of tools, the answer's text.

Owns that, and what stops it: the deadline, how often a model may ask for tools, what it may be told and may tell. Must not know a
provider, nor decide whether a model is asked.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from assistant.language.own_tools import handed_over
from assistant.language.round import Turn
from assistant.llm.chat import ChatError, ChatRequest, ChatResult, Said, Stream, ToolCall
from assistant.port import EngineRequest
from assistant.prompting.builder import Built, Given, build, uncited
from assistant.prompting.frames import framed
from assistant.prompting.leaks import Spoken, texts_in
from assistant.prompting.masking import Mask
from assistant.tools import confirming
from assistant.tools.arguments import BadArguments
from assistant.tools.toolbox import Toolbox, Wanted
from channels_app.content.types import Content
from channels_app.words.split import whole_sentences

MOST_ROUNDS = 4  # questions to the model in one turn; in the last one it gets no tools
MOST_CALLS = 4  # of tools in one round
ANSWER_TOKENS = 800
LEAST_S = 0.5  # less is no time for a model
PROMPT_SHARE = 0.7  # of the budget, where tools may answer within the turn
SIZES = (1.0, 0.5, 0.25)  # of the budget, where a model takes no longer prompt


class Chat(Protocol):
    """assistant/llm/ask.py: chat."""

    def __call__(
        self, request: ChatRequest, *, purpose: str, stream: Stream | None = None, intent: str = "", language: str = "",
        needs: frozenset[str] = frozenset(), model: str = "", person: uuid.UUID | None = None,
    ) -> ChatResult: ...  # fmt: skip


@dataclass(frozen=True)
class Prompting:
    """How prompts are made for a tenant: ``budget`` in tokens, ``mask`` what providers do not get."""

    budget: int = 6000
    mask: Sequence[str] = ()
    region: str = ""
    prompt: str = ""  # of the settings, where no version is active
    model: str = ""  # asked first; "" as the models' rows say
    version: tuple[int, str] | None = None  # number and text of the one that is tried, whichever is active
    unpaid_to_staff: bool = False  # a human gets what no model is asked for once the day's money is spent


@dataclass(frozen=True)
class Asking:
    """Of one turn; what happens in it is noted in ``turn``."""

    request: EngineRequest
    chat: Chat
    prompting: Prompting
    box: Toolbox
    turn: Turn
    mask: Mask
    language: str
    intent: str

    def answer(self, given: Given) -> tuple[str | Content, Built]:
        """Its text, or our question before something is changed; to a prompt within the tenant's budget, or what of it the
        models can take. Raises ChatError."""
        share = PROMPT_SHARE if self.box.rows or len(self.box.own) > 1 else 1.0  # tools' answers come on top
        for size in SIZES:
            budget = self.prompting.budget * size
            built = build(self.request, given, self.mask, int(budget * share))
            self.turn.room = int(budget * (1 - PROMPT_SHARE))
            messages = [*built.messages, *(Said("user", self._framed(name, words)) for name, words in self.turn.agreed)]
            try:
                return self._rounds(messages, built), built
            except ChatError as error:
                if error.code != "llm_prompt_too_long" or self.turn.models or size == SIZES[-1]:
                    raise
        raise AssertionError("unreachable")

    def _rounds(self, messages: list[Said], built: Built) -> str | Content:
        """Ask, call what is asked for, and ask again."""
        tools = self.box.shown()
        for number in range(MOST_ROUNDS):
            left = self.turn.ends - time.monotonic()
            if left < LEAST_S:
                raise ChatError("deadline_passed", retryable=True)
            spoken = self._spoken(built)
            may_call = bool(tools) and number < MOST_ROUNDS - 1
            asked = ChatRequest(
                tuple(messages), max_tokens=ANSWER_TOKENS, tools=tools, may_call=may_call, deadline_s=left
            )
            try:
                result = self._said(asked, spoken)
            except ChatError as error:
                if error.code != "no_model_fits" or not tools or self.turn.models:
                    raise
                # models that take no tools answer in words: it is the built-in that hands over
                tools, may_call = (), False
                result = self._said(replace(asked, tools=()), spoken)
            self.turn.note(result)
            if not result.calls or not may_call:
                if result.stop in ("filter", "refusal"):
                    raise ChatError(f"stopped_by_{result.stop}")
                if spoken:
                    spoken.finish()
                return self._whole(result)
            messages.append(Said("assistant", result.text, result.calls))
            for place, call in enumerate(result.calls):
                told = self._called(call, built) if place < MOST_CALLS else "Not called: too many calls at once."
                if isinstance(told, Content):
                    return told
                messages.append(Said("tool", told, call_id=call.id))
            if self.turn.handover:
                return result.text or handed_over(self.language)
        return ""

    def _spoken(self, built: Built) -> Spoken | None:
        """Where the visitor sees the answer grow: nothing secret, and no mark of ours in it."""
        if not self.request.stream:
            return None
        return Spoken(self.request.stream, built.secret, lambda said: uncited(self.mask.back(said)))

    def _said(self, asked: ChatRequest, spoken: Spoken | None) -> ChatResult:
        return self.chat(
            asked, purpose="answer", stream=spoken, intent=self.intent, language=self.language,
            model=self.prompting.model, person=_contact_of(self.request),
        )  # fmt: skip

    def _called(self, call: ToolCall, built: Built) -> str | Content:
        """What comes of a call, or our question before it changes something."""
        try:
            wanted = self._wanted(call, built)
            if wanted.changes:
                return self._question(wanted)
            ran = self.box.call(wanted, self.turn.ends - time.monotonic())
        except BadArguments as error:
            self.turn.refused(call.name, error.code)
            return f"Not called: {error.told}"
        self.turn.took(call.name, ran)
        outcome = ran.outcome
        return self._framed(
            call.name, outcome.text if outcome.code == "ok" else f"No answer: {outcome.code}. {outcome.text}"
        )

    def _wanted(self, call: ToolCall, built: Built) -> Wanted:
        """Raises BadArguments."""
        arguments = self.mask.back_in(call.arguments) if call.arguments is not None else None
        if any(built.secret.told_in(texts_in(one)) for one in (call.arguments, arguments)):
            # our question before a change, or the tool's server, would tell it
            raise BadArguments("prompt_told", "The arguments repeat what was told in confidence.")
        if self.mask.invented_in(texts_in(arguments)):
            raise BadArguments("mark_unknown", "The arguments have a mark that stands for nothing.")
        return self.box.wanted(call.name, arguments)

    def _question(self, wanted: Wanted) -> Content:
        """Raises BadArguments."""
        asked = confirming.asked_now(wanted.name, wanted.title, wanted.arguments)
        question = confirming.question(asked, self.language)
        if question is None:
            raise BadArguments("too_long", "The arguments are too long to be shown to the person.")
        self.turn.asked = asked
        self.turn.tools.append({"name": wanted.name, "outcome": "asked", "took_ms": 0})
        return question

    def _framed(self, tool: str, words: str) -> str:
        return framed("tool_result", self.turn.fitting(self.mask.hide(words)), tool=tool)

    def _whole(self, result: ChatResult) -> str:
        """The answer; of one whose tokens were used up what is whole of it, marked. Raises ChatError where nothing is."""
        if result.stop != "length":
            return result.text
        self.turn.degraded = "answer_too_long"
        if not (whole := whole_sentences(result.text)):
            raise ChatError("answer_too_long")
        return whole


def _contact_of(request: EngineRequest) -> uuid.UUID | None:
    return uuid.UUID(request.person.contact_id) if request.person else None
