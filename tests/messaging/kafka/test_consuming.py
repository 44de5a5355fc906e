"""Reading back: nothing is skipped, nothing blocks, what cannot be handled is put aside (EVT-4)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import dropwhile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection

from conversations.event_schemas import Envelope
from conversations.models import Conversation
from messaging import measures
from messaging.kafka import consume as consume_module
from messaging.kafka import stream as kafka
from messaging.kafka.consume import Consumption, dead_letters_of
from messaging.models import DailyFigure
from messaging.outbox import handlers
from tests.chaos.servers import wait_until
from tests.messaging.kafka.apache import ApacheKafka
from tests.messaging.kafka.conftest import first_of_each, happen, publish_all, unscoped

Read = Callable[[str], list[Any]]
QUICK = (0.01, 0.01)
ROOT = Path(__file__).parents[3]


def counting(envelope: Envelope) -> None:
    handlers.handle("analytics", [envelope])


class Seen:
    """A handler that remembers, and fails as it is told."""

    def __init__(self, fails: Callable[[Envelope], bool] = lambda _: False):
        self.fails = fails
        self.events: list[Envelope] = []
        self.tries = 0

    def __call__(self, envelope: Envelope) -> None:
        self.tries += 1
        if self.fails(envelope):
            raise ConnectionError
        self.events.append(envelope)


def consume(handler: Callable[[Envelope], None], **options: Any) -> Consumption:
    run = Consumption("figures", [kafka.stream_topic()], handler, pauses_s=QUICK, until_end=True, **options)
    run.run()
    return run


def test_everything_is_read_once_and_in_order(topics: str, conversations: list[Conversation]) -> None:
    for conversation in conversations:
        happen(conversation, 3)
    publish_all()
    seen = Seen()
    consume(seen)
    for conversation in conversations:
        assert [event.seq for event in seen.events if event.conversation_id == conversation.id] == [1, 2, 3]
    again = Seen()
    consume(again)
    assert again.events == [], "the offsets were committed"


def test_a_passing_failure_is_tried_again(topics: str, conversations: list[Conversation], read_all: Read) -> None:
    happen(conversations[0])
    publish_all()
    seen = Seen()
    seen.fails = lambda _: seen.tries < 3
    run = consume(seen)
    assert (seen.tries, run.handled, run.put_aside) == (3, 1, 0)


def test_what_fails_again_and_again_is_put_aside_and_can_be_tried_later(
    topics: str, conversations: list[Conversation], read_all: Read
) -> None:
    call_command("kafka_topics", group=["figures"])
    happen(conversations[0], 3)
    publish_all()
    seen = Seen(lambda envelope: envelope.seq == 2)
    run = consume(seen)
    assert ([event.seq for event in seen.events], run.put_aside) == ([1, 3], 1)
    [letter] = read_all(kafka.dead_letter_topic("figures"))
    headers = dict(letter.headers)
    assert (headers["dead-error"], headers["dead-topic"]) == (b"ConnectionError", topics.encode())
    assert headers["event-id"].decode() == str(unscoped().get(seq=2).id)
    still = Seen(lambda _: True)
    dead_letters_of("figures", still, pauses_s=QUICK).run()
    assert len(read_all(kafka.dead_letter_topic("figures"))) == 2, "put aside anew, and not for ever"
    better = Seen()
    dead_letters_of("figures", better, pauses_s=QUICK).run()
    assert [event.seq for event in better.events] == [2]


def test_a_database_that_is_away_puts_nothing_aside(
    topics: str, conversations: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it is: each event is tried until the database is there, and keeps its place."""
    monkeypatch.setattr(consume_module, "SERVER_BACK_S", 0.01)
    happen(conversations[0], 3)
    publish_all()
    away = iter([OperationalError("server closed the connection")] * (3 * len(QUICK)))
    seen: list[int] = []

    def handler(envelope: Envelope) -> None:
        for error in away:
            raise error
        seen.append(envelope.seq)

    run = consume(handler)
    assert (run.handled, run.put_aside) == (3, 0)
    assert seen == [1, 2, 3]


def test_a_member_shows_how_far_it_is_behind(
    topics: str, conversations: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consume_module, "MOST_AT_ONCE", 2)
    happen(conversations[0], 7)
    publish_all()
    shown: list[tuple[float, float]] = []
    show = consume_module.lag_show

    def look(group: str, lags: Any, behind_s: float) -> None:
        show(group, lags, behind_s)
        shown.append((lag_of(topics), measures.CONSUMER_BEHIND.labels("figures")._value.get()))

    monkeypatch.setattr(consume_module, "lag_show", look)
    before = measures.CONSUMED.labels("figures", "handled")._value.get()
    consume(Seen())
    known = dropwhile(lambda look: look[0] == 0, shown)  # a first poll may bring nothing: no end is known yet
    lags = [lag for lag, _ in known]
    assert lags[0] == 5, "seven, of which two were in the first hand"
    assert lags == sorted(lags, reverse=True)
    assert lags[-1] == 0, "who leaves is not behind"
    assert all((behind_s > 0) == (lag > 0) for lag, behind_s in shown)
    assert measures.CONSUMED.labels("figures", "handled")._value.get() - before == 7


def lag_of(topic: str) -> float:
    """Of the group "figures", over all partitions, as /metrics shows it."""
    [family] = measures.CONSUMER_LAG.collect()
    labels = {"group": "figures", "topic": topic}
    return sum(sample.value for sample in family.samples if labels.items() <= sample.labels.items())


@pytest.mark.parametrize(
    "value", [b"\xff\x00", b"{}", b"[]", b"", b'{"id": 1, "type": "x"}', None],
    ids=["bytes", "empty object", "list", "nothing", "wrong", "tombstone"],
)  # fmt: skip
def test_a_poisoned_record_is_put_aside_at_once(
    topics: str, conversations: list[Conversation], read_all: Read, value: bytes | None
) -> None:
    call_command("kafka_topics", group=["figures"])
    key = str(conversations[0].id).encode()
    kafka.open_producer().send(topics, value=value, key=key).get(timeout=5)
    happen(conversations[0])
    publish_all()
    seen = Seen()
    run = consume(seen)
    assert (seen.tries, run.handled, run.put_aside) == (1, 1, 1)
    assert [letter.value for letter in read_all(kafka.dead_letter_topic("figures"))] == [value]


def test_a_stop_commits_what_was_handled(topics: str, conversations: list[Conversation]) -> None:
    happen(conversations[0], 5)
    publish_all()
    stopped = threading.Event()
    first = Seen()

    def until_the_second(envelope: Envelope) -> None:
        first(envelope)
        envelope.seq == 2 and stopped.set()

    consume(until_the_second, stopped=stopped)
    rest = Seen()
    consume(rest)
    assert [event.seq for event in [*first.events, *rest.events]] == [1, 2, 3, 4, 5]


def test_a_replay_overtakes_nothing(topics: str, conversations: list[Conversation], read_all: Read) -> None:
    happen(conversations[0], 1)
    publish_all()
    happen(conversations[0], 2)
    unscoped().filter(seq=3).update(type="chat.conversation.ended")
    call_command("replay_events", type=["chat.conversation.ended"])
    publish_all()
    assert first_of_each(read_all(topics)) == {str(conversations[0].id): [1, 2, 3]}


def test_replay_by_conversation_and_type(
    topics: str, conversations: list[Conversation], read_all: Read, capsys: pytest.CaptureFixture[str]
) -> None:
    for conversation in conversations:
        happen(conversation, 2)
    publish_all()
    call_command(
        "replay_events", conversation=conversations[1].id, type=["chat.conversation.updated"], since="1h", tenant="acme"
    )
    assert capsys.readouterr().out == "2 events told again.\n"
    records = read_all(topics)
    again = [record for record in records if ("replayed", b"1") in record.headers]
    assert (len(records), len(again)) == (10, 2)
    assert first_of_each(records) == {str(conversation.id): [1, 2] for conversation in conversations}


def test_what_was_handled_and_not_committed_counts_once(
    topics: str, conversations: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(conversations[0], 5)
    publish_all()
    with monkeypatch.context() as dying:
        dying.setattr(Consumption, "_commit", lambda *_: None)
        assert consume(counting).handled == 5
    assert consume(counting).handled == 5, "they came again"
    assert counted() == 5


@pytest.mark.django_db(transaction=True)
def test_a_member_killed_in_the_middle_is_followed_by_another(
    apache: ApacheKafka, topics: str, conversations: list[Conversation], tmp_path: Path
) -> None:
    """Real processes: the first is killed, the second begins where the offsets stand; the marks make it once.
    Needs brokers that notice a dead member: noida-db waits for it for minutes."""
    for conversation in conversations:
        happen(conversation, 15)
    publish_all()
    first = member(tmp_path / "first")
    wait_until(lambda: counted() >= 5, 60, "some events are counted")
    first.send_signal(signal.SIGKILL)
    first.wait(10)
    # What the second alone can count: the first may have been through all of it when it died, and a second that has
    # counted nothing may not yet listen to signals.
    for conversation in conversations:
        happen(conversation, 5)
    publish_all()
    second = member(tmp_path / "second")
    wait_until(lambda: counted() >= 80, 90, "all events are counted")
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0
    assert counted() == 80
    assert "put aside" in (tmp_path / "second").read_text()


def member(output: Path) -> subprocess.Popen[bytes]:
    """A `consume_events` of the analytics handler on this test's database and broker."""
    named = {name: settings.ENV[name] for name in ("KAFKA_TOPIC_PREFIX",)}
    urls = {
        "sqlite": lambda known: f"sqlite:///{known['NAME']}",
        "postgresql": lambda known: f"postgres://{known['USER']}@{known['HOST']}:{known['PORT']}/{known['NAME']}",
    }
    environment = {
        **os.environ,
        **named,
        "KAFKA_BROKERS": settings.ENV["KAFKA_BROKERS"][0],
        "DATABASE_URL": urls[connection.vendor](connection.settings_dict),
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "manage.py", "consume_events", "--group", "figures", "--handler", "analytics"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output.open("wb"), stderr=subprocess.STDOUT)


def counted() -> int:
    # unscoped: the figure of the one tenant there is
    return sum(DailyFigure.objects.unscoped().values_list("value", flat=True))
