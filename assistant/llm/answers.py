"""Answers of models that are given again to the same person's same question, within RESPONSE_CACHE_TTL seconds.

Owns what makes two questions the same, and which answers are kept. Must not ask a model.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError

from assistant.llm.chat import ChatRequest, ChatResult
from assistant.llm.providers.offers import Offer
from assistant.llm_models import CachedAnswer
from conversations.models import Contact
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, now, retried


def answer_before(
    offers: Sequence[Offer], request: ChatRequest, purpose: str, person: uuid.UUID | None
) -> tuple[Offer, ChatResult] | None:
    """What one of the models, the first that did, answered to this person before, asked the same in every word; it costs nothing.
    None where none was asked so, or where what tools answer may matter."""
    if person is None or not _kept(request):
        return None
    began = time.monotonic()
    asked = {_digest(offer, request, purpose): offer for offer in reversed(offers)}
    fresh = CachedAnswer.objects.filter(contact_id=person, digest__in=asked, expires_at__gt=now())
    rows = {row.digest: row for row in fresh}
    offer, row = next(((asked[one], rows[one]) for one in reversed(asked) if one in rows), (None, None))
    if offer is None or row is None:
        return None
    took_ms = round((time.monotonic() - began) * 1000)
    return offer, ChatResult(
        text=row.answer["text"], stop="stop", model=offer.full_name, latency_ms=took_ms, cached=True
    )


@retried
def answer_keep(offer: Offer, request: ChatRequest, purpose: str, person: uuid.UUID | None, result: ChatResult) -> None:
    """Keep a whole answer. Call outside a transaction."""
    if person is None or not _kept(request) or result.stop != "stop" or result.calls or not result.text:
        return
    place = {"contact_id": person, "digest": _digest(offer, request, purpose)}
    facts = {"answer": {"text": result.text}, "expires_at": now() + timedelta(seconds=_ttl_s())}
    try:
        with atomic():
            # MongoDB has no foreign keys, and a contact may have been erased while the model was asked
            known = Contact.objects.filter(id=person).exists()
            if known and not CachedAnswer.objects.filter(**place).update(**facts):
                CachedAnswer.objects.create(tenant_id=current_tenant_id(), **place, **facts)
    except IntegrityError:
        return  # another process kept one, or the contact has gone: no answer needs it


def _kept(request: ChatRequest) -> bool:
    """Whether the answer depends on what the model is told alone: nothing was called, and nothing can be."""
    called = any(said.role == "tool" or said.calls for said in request.messages)
    return _ttl_s() > 0 and not called and not any(tool.runs for tool in request.tools)


def _ttl_s() -> int:
    return int(settings.ENV["RESPONSE_CACHE_TTL"])


def _digest(offer: Offer, request: ChatRequest, purpose: str) -> str:
    """Of the model, wherever it is served, and of all that it is told; the time it gets makes no other question."""
    server = offer.server
    asked = [
        [server.id, server.kind, server.base_url, server.system_role, server.json_mode, offer.name],
        [purpose, request.max_tokens, offer.max_tokens, request.temperature, offer.temperature, request.schema],
        [[said.role, said.text] for said in request.messages],
        [[tool.name, tool.description, tool.schema] for tool in request.tools],
    ]
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=dict).encode()).hexdigest()
