"""The engine that answers by a language model, with the built-in assistant before and behind it.

Owns the order: what the person was asked to agree to, what the built-in settles, the prompt, the model and its tools, and the
built-in's answer where no model gives one. Must not know a provider, nor write a row itself.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import structlog

from assistant.builtin.engine import Builtin
from assistant.builtin.turn import others_spoke
from assistant.intents.common import CANCEL, GREETING, HELP, HUMAN, SENTENCES
from assistant.knowledge.search import passages_of_turn
from assistant.language.material import digest_before, earlier_of, material_for
from assistant.language.round import Turn
from assistant.llm.chat import ChatError, ChatRequest, ChatResult, Said, Stream, Tool
from assistant.port import EngineError, EngineReply, EngineRequest, NotAtOnce
from assistant.products.offered import product_tools
from assistant.products.plain import product_told
from assistant.prompting.budget import BYTES_A_TOKEN
from assistant.prompting.builder import Built, Given, build, cited, uncited
from assistant.prompting.frames import framed
from assistant.prompting.leaks import Spoken, texts_in
from assistant.prompting.masking import Mask
from assistant.prompts.versions import prompt_now
from assistant.tools import confirming
from assistant.tools.arguments import BadArguments
from assistant.tools.calling import Outcome
from assistant.tools.toolbox import Own, Result, Toolbox, person_of, tools_of_tenant
from channels_app.content.types import MAX_TEXT, Content, text
from channels_app.words.split import split_text, whole_sentences
from tenants.scope import current_tenant_id

log = structlog.get_logger(__name__)

NAME = "language_model"
MOST_ROUNDS = 4  # questions to the model in one turn; in the last one it gets no tools
MOST_CALLS = 4  # of tools in one round
ANSWER_TOKENS = 800
SPARE_S = 0.4  # of the deadline, for what comes after the model
LEAST_S = 0.5  # less is no time for a model
PROMPT_SHARE = 0.7  # of the budget, where tools may answer within the turn
MOST_CONTENTS = 4  # messages of one answer
SIZES = (1.0, 0.5, 0.25)  # of the budget, where a model takes no longer prompt
UNSURE = "call_unsure"  # why a colleague is asked: it is unknown whether what the person agreed to was done
HAND_OVER = Tool(
    "hand_over",
    "Give the conversation to a human colleague, where the person wants one or you cannot help.",
    {"type": "object", "properties": {}, "additionalProperties": False},
    runs=False,
)


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
class LanguageEngine:
    """Answers for the tenant in scope. ``toolbox`` makes the tools of a turn; ``load`` loads the SDKs that ``chat`` needs."""

    builtin: Builtin
    chat: Chat
    toolbox: Callable[[EngineRequest, str], Toolbox]
    prompting: Prompting = field(default_factory=Prompting)
    load: Callable[[], object] = lambda: None
    name = NAME
    instant = False

    def prepare(self) -> None:
        self.builtin.prepare()
        self.load()

    def respond(self, request: EngineRequest) -> EngineReply:
        """Answer one turn within its deadline: by the model, else as the built-in does, with ``why["degraded"]`` then.

        Raises EngineError when another tenant's scope is open.
        """
        if request.tenant_id != current_tenant_id():
            raise EngineError("tenant_mismatch")
        ends = time.monotonic() + request.deadline_s - SPARE_S
        look = passages_of_turn()
        first = replace(self.builtin, look=look).respond(replace(request, at_once=False, stream=None))
        asked = confirming.asked_before(request.context)
        # what another has said since is what a yes is said to now; our question is asked again where its button is picked
        said = confirming.answered(asked, request.contents) if asked and not others_spoke(request) else ""
        turn = Turn(ends, look)
        if (
            asked
            and not said
            and confirming.is_stale(request.contents)
            and (again := self._asked_again(request, asked))
        ):
            turn.asked = asked
            return self._reply(request, first, (again,), turn, expected=("yes",))
        if not said and self._settled(request, first):
            return replace(first, context=_without_question(first.context))
        box = self.toolbox(request, _turn_of(request))
        try:
            return self._answered(request, first, box, turn, asked if said else None, said)
        except ChatError as error:
            turn.failed(error.failed)
            log.warning("language_model_failed", code=error.code, conversation=str(request.conversation_id))
            return self._degraded(request, turn, error.code)

    def _settled(self, request: EngineRequest, first: EngineReply) -> bool:
        """Whether the built-in's answer stands: greetings, slots, flows, wishes for a human, options that were picked, and what
        the tenant taught it word for word."""
        if not request.contents or not any(content.text for content in request.contents):
            return True
        if first.handover:
            return first.handover_reason != "misunderstood"
        if any(expected.startswith("slot:") for expected in first.next_expected):
            return True
        if first.intent in (GREETING, HELP, HUMAN, CANCEL):
            return True
        if any(content.choice for content in request.contents):
            return bool(first.intent)
        return first.intent not in ("", "knowledge") and first.confidence >= self.builtin.options.high

    def _answered(
        self, request: EngineRequest, first: EngineReply, box: Toolbox, turn: Turn, asked: confirming.Asked | None, said: str
    ) -> EngineReply:  # fmt: skip
        """By the model. Raises ChatError."""
        language = self._language(request)
        made = box.made(asked.mark, asked.tool, turn.ends - time.monotonic()) if asked else None  # by another try
        if asked and (made or said == "yes"):
            self._call_agreed(box, turn, asked, made)
            if turn.handover == UNSURE:
                return self._reply(request, first, (text(confirming.unsure(language)),), turn)
        elif asked:
            turn.notes.append(f"The person said no: {asked.tool} was not called. Do not ask again.")
        mask = Mask(self.prompting.mask, self.prompting.region)
        question = "\n".join(content.words for content in request.contents)
        version, prompt = self.prompting.version or prompt_now(self.prompting.prompt)
        given = Given(
            bot=self.builtin.options.bot_name,
            prompt=prompt,
            version=version,
            language=language,
            material=material_for(question, language, turn.look),
            earlier=earlier_of(request, question),
            summary=digest_before(request),
            notes=tuple(turn.notes),
        )
        try:
            answer, built = self._within(request, given, box, turn, mask, language, first.intent)
        except ChatError as error:
            if not turn.agreed_to:
                raise
            # what the person agreed to is done, or is not: they must be told, whatever became of the model
            done = turn.agreed_to == "ok"
            turn.degraded = error.code
            turn.failed(error.failed)
            return self._reply(request, first, (text(confirming.worded(language)[3 if done else 4]),), turn)
        if isinstance(answer, Content):
            return self._reply(request, first, (answer,), turn, built, expected=("yes",))
        words, sources = cited(mask.back(answer), built.sources)
        if built.secret.told_in(words) or built.secret.told_in(answer):
            raise ChatError("prompt_withheld")
        parts = [part for part in split_text(words, MAX_TEXT) if part.strip()]
        if len(parts) > MOST_CONTENTS:
            turn.degraded = "answer_too_long"
        contents = [text(part, format="markdown") for part in parts[:MOST_CONTENTS]]
        products = turn.told_of(words)
        if products and words.strip():
            contents.append(Content(type="carousel", cards=tuple(card for _, card in products)))
        if not contents and not turn.handover:
            raise ChatError("empty_answer")
        sources = tuple(dict.fromkeys([*sources, *(source for source, _ in products)]))
        return self._reply(request, first, tuple(contents), turn, built, sources=sources)

    def _within(
        self, request: EngineRequest, given: Given, box: Toolbox, turn: Turn, mask: Mask, language: str, intent: str
    ) -> tuple[str | Content, Built]:  # fmt: skip
        """The answer to a prompt within the tenant's budget, or what of it the models can take. Raises ChatError."""
        share = PROMPT_SHARE if box.rows or len(box.own) > 1 else 1.0  # tools' answers come on top
        for size in SIZES:
            budget = self.prompting.budget * size
            built = build(request, given, mask, int(budget * share))
            turn.room = int(budget * (1 - PROMPT_SHARE)) * BYTES_A_TOKEN
            messages = [*built.messages]
            for name, words in turn.agreed:
                messages.append(Said("user", framed("tool_result", turn.fitting(mask.hide(words)), tool=name)))
            try:
                return self._rounds(request, messages, box, turn, built, mask, language, intent), built
            except ChatError as error:
                if error.code != "llm_prompt_too_long" or turn.models or size == SIZES[-1]:
                    raise
        raise AssertionError("unreachable")

    def _rounds(
        self, request: EngineRequest, messages: list[Said], box: Toolbox, turn: Turn, built: Built, mask: Mask,
        language: str, intent: str,
    ) -> str | Content:  # fmt: skip
        """Ask, call what is asked for, and ask again. The answer's text, or our question before something is changed."""
        tools: tuple[Tool, ...] = box.shown()
        for number in range(MOST_ROUNDS):
            left = turn.ends - time.monotonic()
            if left < LEAST_S:
                raise ChatError("deadline_passed", retryable=True)
            spoken = (
                Spoken(request.stream, built.secret, lambda said: uncited(mask.back(said))) if request.stream else None
            )
            may_call = bool(tools) and number < MOST_ROUNDS - 1
            asked = ChatRequest(
                tuple(messages), max_tokens=ANSWER_TOKENS, tools=tools, may_call=may_call, deadline_s=left
            )
            how: dict[str, Any] = {"purpose": "answer", "stream": spoken, "intent": intent, "language": language}
            how |= {"model": self.prompting.model, "person": _contact_of(request)}
            try:
                result = self.chat(asked, **how)
            except ChatError as error:
                if error.code != "no_model_fits" or not tools or turn.models:
                    raise
                tools, may_call = (
                    (),
                    False,
                )  # models that take no tools answer in words: it is the built-in that hands over
                result = self.chat(replace(asked, tools=()), **how)
            turn.note(result)
            if not result.calls or not may_call:
                if result.stop in ("filter", "refusal"):
                    raise ChatError(f"stopped_by_{result.stop}")
                if spoken:
                    spoken.finish()
                return self._whole(result, turn)
            messages.append(Said("assistant", result.text, result.calls))
            for place, call in enumerate(result.calls):
                if place >= MOST_CALLS:
                    messages.append(Said("tool", "Not called: too many calls at once.", call_id=call.id))
                    continue
                try:
                    arguments = mask.back_in(call.arguments) if call.arguments is not None else None
                    if any(built.secret.told_in(texts_in(one)) for one in (call.arguments, arguments)):
                        # our question before a change, or the tool's server, would tell it
                        raise BadArguments("prompt_told", "The arguments repeat what was told in confidence.")
                    if mask.invented_in(texts_in(arguments)):
                        raise BadArguments("mark_unknown", "The arguments have a mark that stands for nothing.")
                    wanted = box.wanted(call.name, arguments)
                    if wanted.changes:
                        question = self._ask_first(request, wanted, turn, language)
                        if question:
                            return question
                    else:
                        ran = box.call(wanted, turn.ends - time.monotonic())
                        turn.took(call.name, ran)
                        told = (
                            ran.outcome.text
                            if ran.outcome.code == "ok"
                            else f"No answer: {ran.outcome.code}. {ran.outcome.text}"
                        )
                        messages.append(
                            Said(
                                "tool",
                                framed("tool_result", turn.fitting(mask.hide(told)), tool=call.name),
                                call_id=call.id,
                            )
                        )
                        continue
                    raise BadArguments("too_long", "The arguments are too long to be shown to the person.")
                except BadArguments as error:
                    turn.refused(call.name, error.code)
                    messages.append(Said("tool", f"Not called: {error.told}", call_id=call.id))
            if turn.handover:
                return result.text or handed_over(language)
        return ""

    def _whole(self, result: ChatResult, turn: Turn) -> str:
        """The answer; of one whose tokens were used up what is whole of it, marked. Raises ChatError where nothing is."""
        if result.stop != "length":
            return result.text
        turn.degraded = "answer_too_long"
        if not (whole := whole_sentences(result.text)):
            raise ChatError("answer_too_long")
        return whole

    def _ask_first(self, request: EngineRequest, wanted: Any, turn: Turn, language: str) -> Content | None:
        asked = confirming.asked_now(wanted.name, wanted.arguments)
        question = confirming.question(wanted.title, asked, language)
        if question:
            turn.asked = asked
            turn.tools.append({"name": wanted.name, "outcome": "asked", "took_ms": 0})
        return question

    def _asked_again(self, request: EngineRequest, asked: confirming.Asked) -> Content | None:
        """The open question once more, the same; None where its call is not allowed any more."""
        try:
            title = self.toolbox(request, _turn_of(request)).wanted(asked.tool, asked.arguments).title
        except BadArguments:
            return None
        return confirming.question(title, asked, self._language(request))

    def _call_agreed(self, box: Toolbox, turn: Turn, asked: confirming.Asked, made: Result | None) -> None:
        """The person said yes to exactly this. It is called as it was shown, if it is still allowed so; ``made``: it was, and
        is so whatever they say now."""
        try:
            ran = made or self._ran_agreed(box, turn, asked)
        except BadArguments as error:
            turn.refused(asked.tool, error.code)
            turn.agreed_to = error.code
            turn.notes.append(f"The person said yes, but {asked.tool} could not be called any more: {error.told}")
            return
        turn.took(asked.tool, ran)
        turn.agreed_to = ran.outcome.code
        if ran.outcome.unsure:
            turn.handover = UNSURE
            return
        turn.agreed.append((asked.tool, ran.outcome.text or ran.outcome.code))
        turn.notes.append(
            f"The person said yes; {asked.tool} was called once, with the outcome {ran.outcome.code}. Tell them what came of it."
        )

    def _ran_agreed(self, box: Toolbox, turn: Turn, asked: confirming.Asked) -> Result:
        """Raises BadArguments."""
        wanted = box.wanted(asked.tool, asked.arguments)
        if dict(wanted.arguments) != dict(asked.arguments):
            raise BadArguments("person_changed", "The person is another one than was asked.")
        return box.call(wanted, turn.ends - time.monotonic(), agreed=asked.mark)

    def _reply(
        self, request: EngineRequest, first: EngineReply, contents: tuple[Content, ...], turn: Turn,
        built: Built | None = None, *, sources: tuple[Any, ...] = (), expected: tuple[str, ...] = (),
    ) -> EngineReply:  # fmt: skip
        context = _without_question(first.context)
        memory = context.get("assistant")
        memory = {"turn": memory.get("turn", 1), "missed": 0, "on_yes": ""} if isinstance(memory, Mapping) else {}
        context |= {"assistant": memory, "conversation_stage": "handover" if turn.handover else "open"}
        context |= {confirming.MEMORY: turn.asked.to_json()} if turn.asked else {}
        told = (
            {} if built is None else {"chunks": list(map(_source, built.sources.values())), "prompt": dict(built.why)}
        )
        why = {**first.why, "settled": "llm", **told, **turn.why()}
        return EngineReply(
            contents=contents, context=context, intent=first.intent if first.intent != "knowledge" else "",
            confidence=first.confidence, confidence_scores=first.confidence_scores, handover=bool(turn.handover),
            handover_reason=turn.handover, next_expected=expected, engine=NAME, model=turn.model, usage=turn.usage(),
            sources=sources, why=why,
        )  # fmt: skip

    def _degraded(self, request: EngineRequest, turn: Turn, code: str) -> EngineReply:
        """What the built-in says in the model's place, marked, and with what the models were asked for nothing. That it has no
        answer is no gap in what was written, for the model might have had one."""
        said = self._stood_in(request, turn)
        why = {**said.why, **turn.why(), "degraded": code}
        context = _without_question(said.context)
        reply = replace(said, context=context, usage=turn.usage() or said.usage, why=why, unanswered=False)
        if code != "budget_exceeded" or not self.prompting.unpaid_to_staff:
            return reply
        context |= {"conversation_stage": "handover"}
        told = (text(handed_over(self._language(request))),)
        return replace(
            reply, contents=told, context=context, handover=True, handover_reason="budget", next_expected=(), sources=()
        )

    def _stood_in(self, request: EngineRequest, turn: Turn) -> EngineReply:
        """The built-in's answer as for a tenant without models: with the shop, which it leaves to the model's tools before,
        unless that would take longer than there is time left. It counts no misunderstanding, for an outage is none:
        the conversation stays with the bot."""
        left = turn.ends - time.monotonic()
        asked = replace(request, stream=None, deadline_s=max(left, 0.0), at_once=left < LEAST_S)
        options = replace(self.builtin.options, handover_after=0)
        try:
            return replace(self.builtin, options=options, shop=product_told).respond(asked)
        except NotAtOnce:
            return replace(self.builtin, options=options).respond(replace(asked, at_once=False))

    def _language(self, request: EngineRequest) -> str:
        spoken = self.builtin.options.languages
        return request.language.split("-")[0] or spoken[0].split("-")[0]


def _turn_of(request: EngineRequest) -> str:
    memory = request.context.get("assistant")
    count = memory.get("turn", 0) if isinstance(memory, Mapping) else 0
    return f"{request.conversation_id}:{count}"


def _contact_of(request: EngineRequest) -> uuid.UUID | None:
    return uuid.UUID(request.person.contact_id) if request.person else None


def _without_question(context: Mapping[str, Any]) -> dict[str, Any]:
    """A question that was answered, or passed over, is not open any more."""
    return {name: value for name, value in context.items() if name != confirming.MEMORY}


def _source(source: Any) -> dict[str, Any]:
    return {"kind": source.kind, "id": source.id, "title": source.title, "url": source.url, "score": source.score}


def handed_over(language: str) -> str:
    return SENTENCES.get(language, SENTENCES["en"])["handover"]


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
