"""What asking models takes, for Prometheus: how often, how long, how many tokens, how much money.

Owns the names. Labels have few values: tenants name models as they like, so that a process tells MOST_MODELS apart.
"""

from __future__ import annotations

import threading

from prometheus_client import Counter, Histogram

from assistant.llm.providers.offers import Offer

SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
MOST_MODELS = 30
OTHER = "other"
LABELS = ["provider", "model", "outcome"]

CALLS = Counter("chatsvc_llm_calls_total", "Questions to models: answered, cached, or the fault's code", LABELS)
CALL_SECONDS = Histogram("chatsvc_llm_call_seconds", "Until the answer was there, or none", LABELS, buckets=SECONDS)
TOKENS = Counter("chatsvc_llm_tokens_total", "Tokens read and written", [*LABELS, "direction"])
COST = Counter("chatsvc_llm_cost_usd_total", "What it cost, US dollars, by the prices of the models", LABELS)

_told_apart: set[tuple[str, str]] = set()
_lock = threading.Lock()


def call_count(
    offer: Offer, outcome: str, seconds: float, *, input_tokens: int = 0, output_tokens: int = 0, cost_usd: float = 0.0
) -> None:
    """Count one question to one model, with all its tries. ``outcome``: ``answered``, ``cached``, or the code of its fault."""
    labels = (*_named(offer), outcome)
    CALLS.labels(*labels).inc()
    CALL_SECONDS.labels(*labels).observe(seconds)
    for direction, tokens in (("input", input_tokens), ("output", output_tokens)):
        if tokens:
            TOKENS.labels(*labels, direction).inc(tokens)
    if cost_usd:
        COST.labels(*labels).inc(cost_usd)


def _named(offer: Offer) -> tuple[str, str]:
    """The provider's kind and the model, whichever tenant's they are."""
    name = (str(offer.server.kind), offer.name)
    with _lock:
        if name not in _told_apart and len(_told_apart) >= MOST_MODELS:
            return name[0], OTHER
        _told_apart.add(name)
    return name
