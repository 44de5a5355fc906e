"""What a message costs as the database grows: ``python -m benchmarks.past.growth``.

The same calls at every size, in this process and one at a time; a ratio is of the medians, to the smallest size.
PostgreSQL and SQLite each in turn, in servers and files of their own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from benchmarks.past.crowd import in_haste
from benchmarks.past.engines import on_engines, say

SIZES = (10_000, 100_000, 1_000_000)
REGULARS = 12  # people who write again and again, spread over the whole past


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="messages, ascending")
    parser.add_argument("--calls", type=int, default=60, help="of each kind at each size (default: 60)")
    parser.add_argument("--plans", action="store_true", help="show how PostgreSQL ran the statements at the last size")
    on_engines(parser, measure, "benchmarks.past.growth")


def measure(given: argparse.Namespace) -> None:
    from django.db import connection

    place = Place()
    found: list[dict[str, tuple[float, int]]] = []
    for size in given.sizes:
        started = time.perf_counter()
        with in_haste():
            place.crowd.grow(size)
        say(f"{connection.vendor}: {place.crowd.messages:,} messages there, {time.perf_counter() - started:.0f} s")
        found.append(costs(place.calls(), given.calls))
    say(table(connection.vendor, given.sizes, found))
    if given.plans and connection.vendor == "postgresql":
        show_plans(place.calls())


class Place:
    """The crowd, and a person at the big tenant's API. Its bot only echoes."""

    def __init__(self) -> None:
        from django.test import Client

        from benchmarks.beside.echo import ECHO_BOT
        from benchmarks.ground import APP_SECRET
        from benchmarks.past.crowd import TENANTS, Crowd
        from channels_app.models import Channel
        from tenants.access.api_keys import api_key_create
        from tenants.models import Tenant

        tenants = [
            Tenant.objects.create(name=f"Shop {n}", slug=f"shop{n}", settings={"bot_name": ECHO_BOT})
            for n in range(TENANTS)
        ]
        # unscoped: the benchmark's own rows
        channels = [Channel.objects.unscoped().create(tenant=tenant, kind="web", name="Web") for tenant in tenants]
        self.phone = Channel.objects.unscoped().create(
            tenant=tenants[0], kind="whatsapp", name="WhatsApp", config={"phone_number_id": "400000000000001"},
            secrets={"access_token": "token-0123456789", "app_secret": APP_SECRET, "verify_token": "verify-0123456789"},
        )  # fmt: skip
        self.crowd = Crowd(tenants, channels)
        key = api_key_create(tenant=tenants[0], name="growth", scopes=["*"])[1]
        self.client = Client(headers={"Authorization": f"Bearer {key}", "Host": "localhost"})
        self.numbers = itertools.count()

    def calls(self) -> dict[str, Callable[[], object]]:
        from benchmarks.webhooks import signed, webhook
        from conversations.models import Conversation, Message
        from messaging import publish, sweep
        from messaging.models import Delivery, InboundEvent
        from messaging.sends.due import lane_head
        from tenants.scope import tenant_scope
        from tenants.storage.db import new_id
        from tenants.work import leases

        # unscoped: nothing parses here what the webhook takes in, and the sweep is to find nothing
        InboundEvent.objects.unscoped().filter(status="received").update(status="processed")
        base, crowd = "/api/v2/chat/conversations", self.crowd
        transcript = f"{base}/{crowd.huge}/messages"
        # unscoped: the benchmark's own rows
        last_seq = Conversation.objects.unscoped().values_list("last_seq", flat=True).get(id=crowd.huge)
        deep = self._deep(base)

        def accept() -> None:
            person = crowd.talking(next(self.numbers) % REGULARS / REGULARS)
            self._post({"user_id": person, "channel": "web", "content": {"type": "text", "text": "Where is it?"}})

        def first_word() -> None:
            self._post({"user_id": uuid.uuid4().hex, "channel": "web", "content": {"type": "text", "text": "Hello"}})

        def receipt() -> None:
            path = f"/api/v2/webhooks/whatsapp/{self.phone.key}"
            path, body, headers = signed(path, webhook(next(self.numbers)))
            assert self.client.post(path, body, content_type="application/json", headers=headers).status_code == 200

        def claim() -> Delivery | None:
            with tenant_scope(crowd.tenants[0].id):
                head = lane_head(crowd.huge)
                assert head is not None
                Delivery.objects.filter(id=head.id).update(due_at=head.created_at)
                return leases.claim(head, timedelta(minutes=1))

        with tenant_scope(crowd.tenants[0].id):
            if not Delivery.objects.filter(conversation_id=crowd.huge, status__in=Delivery.UNFINISHED).exists():
                last = Message.objects.filter(conversation_id=crowd.huge).order_by("seq").last()
                assert last is not None
                Delivery.objects.filter(message=last).delete()
                Delivery.objects.create(
                    id=new_id(), tenant=crowd.tenants[0], message=last, conversation_id=crowd.huge,
                    channel_id=last.channel_id, seq=last.seq,
                )  # fmt: skip

        def one_batch() -> int:
            accept()
            return publish.publish_events()

        return {
            "nothing: the channel's row by key": self.phone.refresh_from_db,
            "conversations, newest page": lambda: self._get(base),
            "conversations, a page in the middle": lambda: self._get(base, cursor=deep),
            "conversations of one user": lambda: self._get(base, user_id=crowd.talking(0.5)),
            "search: a word of most": lambda: self._get(base, search="order"),
            "search: a word of a few": lambda: self._get(base, search="Person 399"),
            "search: a word of none": lambda: self._get(base, search="giraffe"),
            "huge transcript, newest page": lambda: self._get(transcript, before=last_seq + 1),
            "huge transcript, a page in the middle": lambda: self._get(transcript, after=last_seq // 2),
            "accept and answer by REST": accept,
            "the first message of a new person": first_word,
            "accept a webhook": receipt,
            "delivery: head of the lane, claim": claim,
            "sweep, nothing overdue": sweep.sweep,
            "accept, answer, publish": one_batch,
        }

    def _deep(self, base: str) -> str:
        """The cursor after half of the tenant's conversations, found as a client finds it."""
        cursors: list[str] = []
        page = self._get(base, page_size=20)
        while page["next_cursor"]:
            cursors.append(page["next_cursor"])
            page = self._get(base, page_size=20, cursor=page["next_cursor"])
        return cursors[len(cursors) // 2]

    def _get(self, path: str, **query: Any) -> Any:
        answer = self.client.get(path, query)
        assert answer.status_code == 200, answer.content
        return json.loads(answer.content)["data"]

    def _post(self, body: dict[str, object]) -> None:
        answer = self.client.post("/api/v2/chat/message", json.dumps(body), content_type="application/json")
        assert answer.status_code == 200, answer.content


def costs(calls: dict[str, Callable[[], object]], times: int) -> dict[str, tuple[float, int]]:
    """Median milliseconds and number of statements of each call; the calls take turns."""
    took: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(times + 3):  # the first ones warm up
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            took[name] += [(time.perf_counter() - started) * 1000] if number > 2 else []
    return {name: (statistics.median(took[name]), len(statements(call))) for name, call in calls.items()}


def statements(call: Callable[[], object]) -> list[tuple[str, Any]]:
    """What a call asks of the database, but for the frames of transactions."""
    from django.db import connection

    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        call()
    return asked


def table(engine: str, sizes: Sequence[int], found: Sequence[dict[str, tuple[float, int]]]) -> str:
    heads = [f"{size:,} ms" if n == 0 else f"{size:,} ms | ratio" for n, size in enumerate(sizes)]
    columns = 2 * len(sizes)
    rows = [f"| {engine} | {' | '.join(heads)} | statements |", f"|---|{'---:|' * columns}"]
    for name, (first, asked) in found[0].items():
        cells = [f"{first:.2f}"]
        for later in found[1:]:
            cells += [f"{later[name][0]:.2f}", f"{later[name][0] / first:.2f}"]
        last = found[-1][name][1]
        cells.append(str(asked) if asked == last else f"{asked} to {last}")
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def show_plans(calls: dict[str, Callable[[], object]]) -> None:
    from django.db import connection

    for name, call in calls.items():
        for sql, params in statements(call):
            with connection.cursor() as cursor:
                explain = "EXPLAIN (ANALYZE, BUFFERS) " if sql.startswith("SELECT") else "EXPLAIN "
                cursor.execute(explain + sql, params)
                plan = "\n    ".join(row[0] for row in cursor.fetchall())
            say(f"{name}\n  {sql[:1000]}\n    {plan}")


if __name__ == "__main__":
    main()
