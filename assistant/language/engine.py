"""The engine that answers by a language model, with the built-in assistant before and behind it.

Owns the order: what the person was asked to agree to, what the built-in settles, the prompt, the model and its tools, and the
built-in's answer where no model gives one. Must not know a provider, nor write a row itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from assistant.builtin.engine import Builtin, Options
from assistant.builtin.turn import others_spoke
from assistant.intents.common import CANCEL, GREETING, HELP, HUMAN
from assistant.knowledge.search import passages_of_turn
from assistant.language.agreed import UNSURE, call_agreed, still_wanted
from assistant.language.asking import LEAST_S, Asking, Chat, Prompting
from assistant.language.material import digest_before, earlier_of, material_for
from assistant.language.own_tools import handed_over
from assistant.language.round import Turn
from assistant.llm.chat import ChatError
from assistant.llm.choice import NOT_MEANT
from assistant.port import EngineError, EngineReply, EngineRequest, NotAtOnce
from assistant.products.plain import product_told
from assistant.prompting.builder import Built, Given, cited
from assistant.prompting.masking import Mask
from assistant.prompts.versions import prompt_now
from assistant.tools import confirming
from assistant.tools.arguments import BadArguments
from assistant.tools.toolbox import Toolbox
from channels_app.content.types import MAX_TEXT, Content, text
from channels_app.words.split import split_text
from tenants.scope import current_tenant_id

log = structlog.get_logger(__name__)

NAME = "language_model"
SPARE_S = 0.4  # of the deadline, for what comes after the model
MOST_CONTENTS = 4  # messages of one answer


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
            if error.code == NOT_MEANT:
                own = self._by_builtin(request, turn, self.builtin.options)
                return replace(own, context=_without_question(own.context))
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
            call_agreed(box, turn, asked, made)
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
        asking = Asking(request, self.chat, self.prompting, box, turn, mask, language, first.intent)
        try:
            answer, built = asking.answer(given)
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

    def _asked_again(self, request: EngineRequest, asked: confirming.Asked) -> Content | None:
        """The open question once more, the same; None where its call is not allowed any more."""
        try:
            still_wanted(self.toolbox(request, _turn_of(request)), asked)
        except BadArguments:
            return None
        return confirming.question(asked, self._language(request))

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
        # it counts no misunderstanding, for an outage is none: the conversation stays with the bot
        said = self._by_builtin(request, turn, replace(self.builtin.options, handover_after=0))
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

    def _by_builtin(self, request: EngineRequest, turn: Turn, options: Options) -> EngineReply:
        """The built-in's answer as for a tenant without models: with the shop, which it leaves to the model's tools before,
        unless that would take longer than there is time left."""
        left = turn.ends - time.monotonic()
        asked = replace(request, stream=None, deadline_s=max(left, 0.0), at_once=left < LEAST_S)
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


def _without_question(context: Mapping[str, Any]) -> dict[str, Any]:
    """A question that was answered, or passed over, is not open any more."""
    return {name: value for name, value in context.items() if name != confirming.MEMORY}


def _source(source: Any) -> dict[str, Any]:
    return {"kind": source.kind, "id": source.id, "title": source.title, "url": source.url, "score": source.score}
