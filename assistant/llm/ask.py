"""Asks a language model for the tenant in scope: which one, how often, and what it cost.

Owns the journey of one question, from the models that may be asked to the answer. Must not know a provider's wire.
"""

from __future__ import annotations

import json
import random
import re
import time
import uuid
from dataclasses import replace

import structlog

from assistant.llm.answers import answer_before, answer_keep
from assistant.llm.budget import frugal, reserve, settle, settle_failed
from assistant.llm.chat import ChatError, ChatRequest, ChatResult, Failed, Stream
from assistant.llm.choice import abilities, chosen
from assistant.llm.faults import ProviderFault, fault_of
from assistant.llm.gate import asking
from assistant.llm.measures import call_count
from assistant.llm.providers.offers import Offer, offers
from assistant.llm.tokens import prompt_tokens, text_tokens
from assistant.llm.wires import anthropic, openai
from assistant.llm.wires.answered import Answered
from assistant.llm_models import Provider
from channels_app.http.network import deadline
from tenants.scope import current_tenant_id
from tenants.tenant_settings import settings_for
from tenants.work.crew import outside

log = structlog.get_logger(__name__)

WIRES = {Provider.Kind.OPENAI: openai, Provider.Kind.COMPATIBLE: openai, Provider.Kind.ANTHROPIC: anthropic}
MOST = 4  # models asked for one question
#: faults of a model that was not asked at all: the next one is, in its place
NOT_ASKED = frozenset({"budget_exceeded", "price_unknown", "llm_busy", "llm_resting"})
TRIES = 3  # of one model
PAUSE_S = 0.5  # before the second try, where the provider does not say; doubled each time, less a quarter at most
LEAST_S = 0.05  # less is no time to ask in
SHARE = 0.6  # of the time left may be silence, while there is another model to ask
FENCE = re.compile(r"^\s*```(?:json)?\s*\n(.*?)\n?\s*```\s*$", re.S)


def chat(
    request: ChatRequest,
    *,
    purpose: str,
    stream: Stream | None = None,
    intent: str = "",
    language: str = "",
    needs: frozenset[str] = frozenset(),
    model: str = "",
    person: uuid.UUID | None = None,
) -> ChatResult:
    """Ask the model that fits best, and where it gives no answer, those that come after it.

    ``purpose`` names what the answer is for (``answer``, ``summary`` …), ``intent`` and ``language`` what the person
    wants and speaks, as far as known; ``needs`` are capabilities beside those that the request itself needs; ``model``
    asks this one first, by its name or ``provider/name``; else the tenant's ``default_model``. ``stream`` is told each piece of
    the text; after the first piece no other try is made. ``person`` is the contact whom it answers: what was answered to
    them within RESPONSE_CACHE_TTL is answered again (assistant/llm/answers.py).

    Raises ChatError, within ``request.deadline_s`` seconds: ``no_model`` where the tenant has none, NOT_MEANT where all
    are kept for other things, ``no_model_fits`` where none can do it, ``llm_prompt_too_long`` where none of those takes so much, ``budget_exceeded`` where the day's
    money is spent, and else the last one's fault, ``llm_…``.
    """
    ends = time.monotonic() + request.deadline_s
    model = model or settings_for(current_tenant_id()).default_model
    thrifty = frugal()
    line = chosen(
        offers(), request, purpose=purpose, intent=intent, language=language, needs=needs, model=model, frugal=thrifty
    )
    # the money changes which model is asked, and not what is known already
    before = answer_before(line if thrifty else line[:1], request, purpose, person)
    if before is not None:
        offer, kept = before
        call_count(offer, "cached", kept.latency_ms / 1000)
        if stream is not None:
            stream(kept.text)
        return kept
    fault = ProviderFault("llm_timeout")
    told = _Told(stream)
    without: list[Failed] = []
    asked = 0
    for at, offer in enumerate(line):
        began = time.monotonic()
        try:
            result = _asked(offer, request, told, ends, last=at == len(line) - 1 or asked == MOST - 1)
        except ProviderFault as failed:
            log.info("llm_failed", provider=offer.server.name, model=offer.name, code=failed.code, purpose=purpose)
            fault = failed
            without.append(_failed(offer, failed, began))
            if told.first_at is not None:
                raise ChatError("llm_cut", failed=tuple(without)) from None
            asked += failed.code not in NOT_ASKED
            if asked == MOST or ends - time.monotonic() < LEAST_S:
                break
        else:
            answer_keep(offer, request, purpose, person, result)
            return replace(result, failed=tuple(without))
    raise ChatError(fault.code, retryable=fault.again, failed=tuple(without))


def chat_with(offer: Offer, request: ChatRequest) -> ChatResult:
    """Ask this model and no other, whatever its place among the others; it is paid for as any. Raises ChatError."""
    began = time.monotonic()
    try:
        return _asked(offer, request, _Told(None), began + request.deadline_s, last=True)
    except ProviderFault as fault:
        raise ChatError(fault.code, retryable=fault.again, failed=(_failed(offer, fault, began),)) from None


def chat_alone(offer: Offer, request: ChatRequest, *, needs: frozenset[str] = frozenset(), **_: object) -> ChatResult:
    """`chat` held to this model: for those who compare models, so that nothing is remembered and no other answers."""
    if not needs | ({"tools"} if request.tools else set()) <= abilities(offer):
        raise ChatError("no_model_fits")
    return chat_with(offer, request)


def _failed(offer: Offer, fault: ProviderFault, began: float) -> Failed:
    return Failed(offer.full_name, fault.code, round((time.monotonic() - began) * 1000))


class _Told:
    """The stream, and when it was told its first piece."""

    def __init__(self, stream: Stream | None):
        self._stream, self.wanted = stream, stream is not None
        self.first_at: float | None = None  # by the monotonic clock
        self.pieces: list[str] = []

    def __call__(self, piece: str) -> None:
        if self.first_at is None:
            self.first_at = time.monotonic()
        self.pieces.append(piece)
        if self._stream is not None:
            self._stream(piece)


def _asked(offer: Offer, request: ChatRequest, told: _Told, ends: float, *, last: bool) -> ChatResult:
    """One model, up to TRIES times. Raises ProviderFault."""
    for attempt in range(TRIES):
        left = ends - time.monotonic()
        if left < LEAST_S:
            raise ProviderFault("llm_timeout")
        try:
            return _paid(offer, request, told, left, left if last else left * SHARE)
        except ProviderFault as failed:
            fault = failed
        pause = fault.wait_s if fault.wait_s is not None else PAUSE_S * 2**attempt * random.uniform(0.75, 1)  # noqa: S311
        room = (ends - time.monotonic()) * (1 if last else 1 - SHARE)
        if told.first_at is not None or not fault.again or attempt == TRIES - 1 or pause > room:
            raise fault
        with outside():
            time.sleep(pause)
    raise AssertionError("unreachable")


def _paid(offer: Offer, request: ChatRequest, told: _Told, left: float, silence: float) -> ChatResult:
    """One try, and what it costs counted, whatever comes of it: the provider is paid for each. Raises ProviderFault."""
    held, said = reserve(offer, request), ""
    try:
        with asking(offer.server):
            began = time.monotonic()
            answered = _answered(offer, request, told, left, silence)
            said = answered.text
            result = _result(offer, request, answered, began, told.first_at)
    except ProviderFault as failed:
        settle_failed(held, request, failed.code, said or "".join(told.pieces))
        raise
    settle(held, result)
    return result


def _answered(offer: Offer, request: ChatRequest, told: _Told, left: float, silence: float) -> Answered:
    """One try, within ``left`` seconds. Raises ProviderFault."""
    try:
        with outside(), deadline(left):
            return WIRES[Provider.Kind(offer.server.kind)].ask(offer, request, told if told.wanted else None, silence)
    except Exception as error:  # noqa: BLE001  the SDKs raise what a strange answer makes of their code
        raise fault_of(error) from None


def _result(offer: Offer, request: ChatRequest, answered: Answered, began: float, first_at: float | None) -> ChatResult:
    """Raises ProviderFault where it is none."""
    if not answered.text.strip() and not answered.calls and answered.stop not in ("filter", "refusal"):
        raise ProviderFault("llm_answer_broken", again=answered.stop != "length")
    text = _json_text(answered.text) if request.schema is not None and not answered.calls else answered.text
    estimated = answered.input_tokens is None or answered.output_tokens is None
    said = answered.text + "".join(f"{call.name}{json.dumps(call.arguments)}" for call in answered.calls)
    read = answered.input_tokens if answered.input_tokens is not None else prompt_tokens(request)
    written = answered.output_tokens if answered.output_tokens is not None else text_tokens(said)
    return ChatResult(
        text=text, stop=answered.stop, model=offer.full_name, calls=answered.calls, input_tokens=read,
        output_tokens=written, estimated=estimated, cost_usd=offer.cost_usd(read, written),
        latency_ms=round((time.monotonic() - began) * 1000),
        first_ms=None if first_at is None else round((first_at - began) * 1000),
    )  # fmt: skip


def _json_text(text: str) -> str:
    """The JSON of an answer, without the fence that some models put around it. Raises ProviderFault."""
    found = FENCE.match(text)
    bare = found[1] if found else text
    try:
        json.loads(bare)
    except (ValueError, RecursionError):
        raise ProviderFault("llm_answer_broken", again=True) from None
    return bare
