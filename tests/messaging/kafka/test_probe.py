"""The health page asks a broker that answers; what it says of one that does not is in tests/chatsvc/test_health.py."""

from __future__ import annotations

from chatsvc.web import probes


def test_a_broker_that_answers_is_up(topics: str) -> None:
    told = probes.ask(probes.kafka)
    assert told["status"] == "up", told
    assert told["topics"] >= 1
