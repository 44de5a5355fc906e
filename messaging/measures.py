"""What the verbs count, for Prometheus: how long each step takes and what comes of it.

Owns the names; labels have few values, never an id. Must not read rows (chatsvc/observe/row_metrics.py does).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LONG_SECONDS = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)

#: ``with STAGES.labels("accept").time():``; a stage is one of the four verbs
STAGES = Histogram("chatsvc_stage_seconds", "One run of a verb", ["stage"], buckets=SECONDS)
MESSAGES = Counter("chatsvc_messages_total", "Messages accepted from people", ["kind", "repeated"])
DELIVERIES = Counter("chatsvc_deliveries_total", "Tries to send, by channel kind and outcome", ["kind", "outcome"])
WAITED = Histogram(
    "chatsvc_delivery_wait_seconds", "From the message's storing to its sending", ["kind"], buckets=LONG_SECONDS
)
ENGINE = Histogram("chatsvc_engine_seconds", "How long an engine thought", ["engine"], buckets=SECONDS)
REPLIES = Counter("chatsvc_engine_replies_total", "Replies; degraded: the fallback", ["engine", "degraded"])
TOKENS = Counter("chatsvc_engine_tokens_total", "Tokens that models counted", ["engine", "direction"])
COST = Counter("chatsvc_engine_cost_usd_total", "What models cost, US dollars", ["engine"])
LOST_CALLS = Counter("chatsvc_lost_calls_total", "Wake-up calls no broker took; the sweep makes up for them")
BATCHES = Counter("chatsvc_kafka_batches_total", "Batches of events for Kafka; failed: not all arrived", ["outcome"])
BATCH_SECONDS = Histogram("chatsvc_kafka_batch_seconds", "Until a batch was acknowledged or failed", buckets=SECONDS)
STREAMED = Counter("chatsvc_kafka_events_total", "Events that Kafka acknowledged")
PAUSED = Gauge(
    "chatsvc_kafka_paused", "Processes that hold back events since their last batch failed", multiprocess_mode="livesum"
)
CONSUMED = Counter(
    "chatsvc_consumer_events_total", "Events of a consumer group: handled, put aside", ["group", "outcome"]
)
#: the process that has a partition now was the last to write
CONSUMER_LAG = Gauge(
    "chatsvc_consumer_lag", "Records still to be handled", ["group", "topic", "partition"],
    multiprocess_mode="livemostrecent",
)  # fmt: skip
CONSUMER_BEHIND = Gauge(
    "chatsvc_consumer_behind_seconds", "Age of the event handled last while others wait, else 0", ["group"],
    multiprocess_mode="livemax",
)  # fmt: skip
HOUSEKEEPING = Histogram("chatsvc_housekeeping_seconds", "One run of a step of housekeeping", ["step"], buckets=SECONDS)
HOUSEKEEPING_FAILURES = Counter("chatsvc_housekeeping_failures_total", "Runs of a step that failed", ["step"])
PRIVACY = Counter(
    "chatsvc_privacy_operations_total", "Exports and erasures: requested, done, failed", ["operation", "outcome"]
)
SCANS = Counter("chatsvc_file_scans_total", "Files: clean, infected, not_scanned, skipped, away", ["outcome"])
SOCKETS = Gauge("chatsvc_websocket_connections", "Open sockets of web chats and of staff", multiprocess_mode="livesum")

#: the names engines give to their counts → direction
COUNTS = {
    "input_tokens": "input",
    "prompt_tokens": "input",
    "output_tokens": "output",
    "completion_tokens": "output",
}
COSTS = ("cost_usd", "cost")


def engine_count(engine: str, seconds: float, usage: Mapping[str, Any], *, degraded: bool) -> None:
    """Count one reply with its tokens and its cost."""
    ENGINE.labels(engine).observe(seconds)
    REPLIES.labels(engine, str(degraded).lower()).inc()
    if not usage:
        return
    for name, direction in COUNTS.items():
        TOKENS.labels(engine, direction).inc(float(usage.get(name) or 0))
    COST.labels(engine).inc(max((float(usage.get(name) or 0) for name in COSTS), default=0.0))


def batch_count(taken: int, left: int, seconds: float) -> None:
    """Count one batch of events for Kafka, of which ``left`` were not acknowledged and go again."""
    BATCHES.labels("failed" if left else "acknowledged").inc()
    BATCH_SECONDS.observe(seconds)
    STREAMED.inc(taken)
    PAUSED.set(1 if left else 0)


def lag_show(group: str, lags: Mapping[tuple[str, int], int], behind_s: float) -> None:
    """Show how far a member of a consumer group is behind, by (topic, partition)."""
    for (topic, partition), lag in lags.items():
        CONSUMER_LAG.labels(group, topic, str(partition)).set(lag)
    CONSUMER_BEHIND.labels(group).set(behind_s)
