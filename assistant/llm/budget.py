"""What a tenant's questions to models may cost on a day (UTC), and what they have cost.

Owns the counts, the soft and the hard stop. All processes count in one row: it is moved by conditions that the database
checks, so that two questions at the same moment do not both take the last cent. Must not know a provider.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError
from django.db.models import F

from assistant.llm.chat import ChatRequest, ChatResult
from assistant.llm.faults import ProviderFault
from assistant.llm.measures import call_count
from assistant.llm.providers.offers import Offer
from assistant.llm.tokens import prompt_tokens, text_tokens
from assistant.llm_models import ModelBudget, ModelUse
from conversations.timeline import system_event
from tenants.scope import current_tenant_id
from tenants.storage import prepared
from tenants.storage.db import atomic, key_taken, now, retried
from tenants.tenant_settings import LlmBudget, settings_for

MICRO = 1_000_000  # millionths of a US dollar in one


@dataclass(frozen=True)
class Reserved:
    """What was set aside for a question before it was asked, in millionths of a US dollar; ``began`` by the monotonic
    clock."""

    day: date
    offer: Offer
    micros: int
    began: float


def today() -> date:
    return now().date()


def frugal() -> bool:
    """Whether the tenant in scope has spent as much today that the cheapest model is asked first."""
    soft = _limits().soft_usd
    return soft is not None and spent_micros(today()) >= soft * MICRO


def spent_micros(day: date) -> int:
    """Of the tenant in scope, with what is set aside for questions that are being asked."""
    return int(ModelBudget.objects.filter(day=day).values_list("spent_micros", flat=True).first() or 0)


def reserve(offer: Offer, request: ChatRequest) -> Reserved:
    """Set aside the most that the question can cost, where the day has a hard limit. Raises ProviderFault ``budget_exceeded``
    where that would be passed, and ``price_unknown`` of a model without a price that is served where nothing is free; one that costs
    nothing may always be asked. Without a limit to hold nothing is written while the person waits."""
    began = time.monotonic()
    day, hard = today(), _limits().hard_usd
    micros = round(offer.cost_usd(prompt_tokens(request), request.max_tokens) * MICRO)
    if hard is not None and offer.price_unknown:
        raise ProviderFault("price_unknown")
    if hard is None or not micros:
        return Reserved(day, offer, 0, began)
    # an interrupted process leaves what it has set aside: the day then ends sooner, never later
    if not _move(day, micros, round(hard * MICRO) - micros):
        _tell(day, "hard", hard)
        call_count(offer, "budget_exceeded", time.monotonic() - began)
        raise ProviderFault("budget_exceeded")
    return Reserved(day, offer, micros, began)


def settle(held: Reserved, result: ChatResult) -> None:
    """Put the true cost in place of what was set aside."""
    cost = round(result.cost_usd * MICRO)
    _count(held, "answered", cost, {
        "questions": 1, "input_tokens": result.input_tokens, "output_tokens": result.output_tokens,
        "latency_ms": result.latency_ms,
    })  # fmt: skip


def settle_failed(held: Reserved, request: ChatRequest, fault: str, told: str) -> None:
    """An answer that broke off, came too late or made no sense (``told``: what was read of it) is paid for, as far as we can
    tell; a refusal costs nothing."""
    read = prompt_tokens(request) if told or fault in ("llm_timeout", "llm_cut") else 0
    written = text_tokens(told)
    cost = round(held.offer.cost_usd(read, written) * MICRO)
    _count(held, fault, cost, {"failures": 1, "input_tokens": read, "output_tokens": written})


def _limits() -> LlmBudget:
    return settings_for(current_tenant_id()).llm_budget


def _count(held: Reserved, outcome: str, cost: int, counts: Mapping[str, int]) -> None:
    call_count(
        held.offer, outcome, time.monotonic() - held.began, input_tokens=counts["input_tokens"],
        output_tokens=counts["output_tokens"], cost_usd=cost / MICRO,
    )  # fmt: skip
    _move(held.day, cost - held.micros, None)
    _add(held.day, held.offer.full_name, {**counts, "cost_micros": cost})
    soft = _limits().soft_usd
    if soft is not None and cost and spent_micros(held.day) >= soft * MICRO:
        _tell(held.day, "soft", soft)


def _move(day: date, micros: int, most: int | None) -> bool:
    """Add to the day's sum, where it is ``most`` or less (None: in any case); False where it is more."""
    for _ in range(2):
        where = {"day": day, **({} if most is None else {"spent_micros__lte": most})}
        if prepared.update(ModelBudget, where, {"spent_micros": F("spent_micros") + micros}):
            return True
        if ModelBudget.objects.filter(day=day).exists():
            return False
        _begin(ModelBudget(tenant_id=current_tenant_id(), day=day))
    return False


@retried
def _add(day: date, model: str, counts: Mapping[str, int]) -> None:
    place = {"day": day, "model": model}
    more: dict[str, Any] = {name: F(name) + count for name, count in counts.items() if count}
    if not ModelUse.objects.filter(**place).update(**more):
        _begin(ModelUse(tenant_id=current_tenant_id(), **place))
        ModelUse.objects.filter(**place).update(**more)


def _begin(row: ModelBudget | ModelUse) -> None:
    """Write the day's first row, unless another process was first."""
    try:
        with atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if not key_taken(error):
            raise


def _tell(day: date, stop: str, limit: float | None) -> None:
    """Tell staff, once a day and stop."""
    with atomic():
        if ModelBudget.objects.filter(day=day, **{f"{stop}_told": False}).update(**{f"{stop}_told": True}):
            facts = {"stop": stop, "day": day.isoformat(), "limit_usd": limit}
            system_event(current_tenant_id(), "chat.system.budget_reached", facts)
