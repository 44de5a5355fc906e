"""A WhatsApp message from its webhook to its answer, stage by stage in this thread.

Owns the order of the stages: each is the worker's own task, told the row that the stage before named. The worker that
answers sends, too, so the answer's delivery is in its stage. Nothing is sent: the adapter's ``send`` answers at once. Must
not leave work of a message to the sweep.
"""

from __future__ import annotations

import inspect
import itertools
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ClassVar
from unittest.mock import patch

from benchmarks.cpu.counting import Count, counted
from benchmarks.cpu.requests import post
from benchmarks.ground import Ground
from benchmarks.webhooks import signed, webhook

PEOPLE = 50
BATCH = 50  # messages whose events are published together
TRIES = 7  # of one message, to count it
#: tasks of the stages, as a figure names them
STAGES = {"parse": "inbound_us", "respond": "respond_us"}
COUNTED, COUNTS = ("webhook", "inbound", "respond", "publish"), ("statements", "commits")


class Journey:
    """Messages of people who are known after their first one. Each journey has people of its own: of one who was answered
    often within minutes the service counts the answers, which is a statement more."""

    numbers: ClassVar[Iterator[int]] = itertools.count()
    crowds: ClassVar[Iterator[int]] = itertools.count(1555_0200)

    def __init__(self, application: Any, path: str, phone: str):
        self._application, self._path, self._phone = application, path, phone
        self._crowd = next(self.crowds)
        self._woken: list[tuple[str, str, Any]] = []  # task, row, whose work it is
        self._sent = 0

    @classmethod
    @contextmanager
    def on(cls, application: Any, path: str, phone: str) -> Iterator[Journey]:
        """Webhooks to ``path``, of the number whose id is ``phone``; the platform and the pause of a burst are away."""
        from channels_app.adapters.whatsapp import WhatsApp
        from messaging import wake

        made, call = cls(application, path, phone), wake._call
        told = inspect.signature(call)

        @wraps(call)  # its signature as well: the one within another journey looks at it
        def noting(task: str, row_id: Any = None, *more: Any, **options: Any) -> None:
            lane = told.bind(task, row_id, *more, **options).arguments.get("lane")
            made._woken.append((task.rpartition(".")[2], str(row_id), lane))
            call(task, row_id, *more, **options)

        with (
            patch.object(wake, "_call", noting),
            patch.object(WhatsApp, "send", lambda *_: made._taken()),
            patch.object(WhatsApp, "debounce_s", 0.0),
        ):
            yield made

    @classmethod
    def counts(cls, on: Ground) -> dict[str, float]:
        """Statements and commits of one message alone, publishing as its share of a batch; of each stage as well."""
        from chatsvc.wsgi import application

        with cls.on(application, on.whatsapp, on.phone) as journey:
            journey.slice(PEOPLE)  # known people, and nothing waits in the outbox
            stages = journey.counted_stages()
        whole = {f"whatsapp_{what}": sum(stages[f"{stage}_{what}"] for stage in COUNTED) for what in COUNTS}
        return {name: round(count, 2) for name, count in (whole | stages).items()}

    def slice(self, messages: int) -> dict[str, float]:
        """Microseconds of CPU per message, by stage and in all."""
        self._publish()
        rows = _rows()
        spent: dict[str, float] = defaultdict(float)
        for number in itertools.islice(self.numbers, messages):
            request = self._request(number)
            began = time.thread_time()
            self._receive(request)
            spent["webhook_us"] += time.thread_time() - began
            for task, name in STAGES.items():
                call = self._call_of(task)
                began = time.thread_time()
                self._work(task, *call)
                spent[name] += time.thread_time() - began
        began = time.thread_time()
        self._publish()
        spent["publish_us"] = time.thread_time() - began
        self._check(rows, messages)
        each = {name: seconds / messages * 1e6 for name, seconds in spent.items()}
        return {**each, "whatsapp_total_us": sum(each.values())}

    def counted_stages(self) -> dict[str, float]:
        """Of one message, by stage. The median of some: now and then one of them reads anew what a process remembers."""
        rows = _rows()
        tries: dict[str, list[float]] = defaultdict(list)
        for number in itertools.islice(self.numbers, TRIES):
            for stage, count in self._counted_message(number).items():
                tries[f"{stage}_statements"].append(count.statements)
                tries[f"{stage}_commits"].append(count.commits)
        self._publish()
        for number in itertools.islice(self.numbers, BATCH):
            self._counted_message(number)
        with counted() as batch:
            self._publish()
        self._check(rows, TRIES + BATCH)
        each = {"publish_statements": batch.statements / BATCH, "publish_commits": batch.commits / BATCH}
        return {name: statistics.median(counts) for name, counts in tries.items()} | each

    def _counted_message(self, number: int) -> dict[str, Count]:
        counts, request = dict[str, Count](), self._request(number)
        with counted() as counts["webhook"]:
            self._receive(request)
        for task, name in STAGES.items():
            call = self._call_of(task)
            with counted() as counts[name.removesuffix("_us")]:
                self._work(task, *call)
        return counts

    # ------------------------------------------------------------------------------ stages

    def _request(self, number: int) -> tuple[str, bytes, Any]:
        sender = f"{self._crowd}{number % PEOPLE:03d}"
        return signed(self._path, webhook(f"{self._phone}.{number}", sender, self._phone))

    def _receive(self, request: tuple[str, bytes, Any]) -> None:
        path, body, headers = request
        post(self._application, path, body, headers)

    def _call_of(self, stage: str) -> tuple[str, Any]:
        """The row that was told to the workers of this stage, and whose work it is; of what was told before nothing is
        kept."""
        told = [(row_id, lane) for task, row_id, lane in self._woken if task == stage]
        assert told, f"no worker of {stage} was called, only of {sorted({task for task, *_ in self._woken})}"
        self._woken.clear()
        return told[-1]

    def _work(self, stage: str, row_id: str, lane: Any) -> None:
        """As a worker follows a call."""
        from messaging import tasks, wake

        task = getattr(tasks, stage)
        task.push_request(headers=wake.headers_of(lane))
        try:
            task.run(row_id)
        finally:
            task.pop_request()

    def _publish(self) -> None:
        from messaging import tasks

        tasks.publish()
        self._woken.clear()

    def _taken(self) -> Any:
        from channels_app.contract import SendResult

        self._sent += 1
        return SendResult(f"wamid.out.{self._phone}.{time.monotonic_ns()}")

    def _check(self, before: Counter[str], messages: int) -> None:
        """Every stage did its work: the platform took so many answers, and the rows say so."""
        assert self._sent == messages, f"{self._sent} of {messages} answers were sent"
        self._sent = 0
        done, each = _rows() - before, dict.fromkeys(("processed", "answered", "sent"), messages)
        assert done == each, f"{dict(done)}, expected {each}"


def _rows() -> Counter[str]:
    """How many of each stage's rows have come to their end, and how many events have not."""
    from conversations.models import Event
    from messaging.models import Delivery, InboundEvent, Turn

    # unscoped: the benchmark's own rows
    return Counter({
        "processed": InboundEvent.objects.unscoped().filter(status=InboundEvent.Status.PROCESSED).count(),
        "answered": Turn.objects.unscoped().filter(status=Turn.Status.ANSWERED).count(),
        "sent": Delivery.objects.unscoped().filter(status=Delivery.Status.SENT, sent_at__isnull=False).count(),
        "unpublished": Event.objects.unscoped().filter(published_at=None).count(),
    })  # fmt: skip
