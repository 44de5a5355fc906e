"""A process that changes conversations by the service's own rules, so many a second: ``python -m benchmarks.agents.changes``.

Reads the conversations and agents as JSON, writes a line for each change when all are done: when it began and was done (the
machine's monotonic clock), which conversation, and who had it before and after.
"""

from __future__ import annotations

import json
import random
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django

THREADS = 6
WARM_S = 3.0  # what a process does for the first time takes longer: done before the measure begins
QUIET_S = 3.0  # between both, so that nothing of the one is taken for the other's


def main() -> None:
    import chatsvc  # noqa: F401  first: it reads the settings

    django.setup()
    given = json.load(sys.stdin)
    talks, agents = given["talks"], given["agents"]
    rate, seconds = given["rate"], given["seconds"]
    warm = round(rate * WARM_S)
    run(talks[:warm], agents, rate, WARM_S)
    time.sleep(QUIET_S)
    done = run(talks[warm:], agents, rate, seconds)
    time.sleep(QUIET_S)  # a process that ends takes with it what it has gathered and not pushed yet
    for one in done:
        sys.stdout.write(json.dumps(one) + "\n")


def run(talks: Sequence[dict[str, Any]], agents: Mapping[str, Sequence[str]], rate: float, seconds: float) -> list[Any]:
    """One change after the other of ``talks``, which go round; each begins at its time, whatever the others do."""
    began, some = time.monotonic(), random.Random(7)

    def change(number: int) -> dict[str, Any]:
        wait = began + number / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        talk = talks[number % len(talks)]
        return _changed(talk, number % 5 > 2, some.choice(agents[talk["tenant"]]))

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(change, range(round(rate * seconds))))


def _changed(talk: dict[str, Any], hands: bool, agent: str) -> dict[str, Any]:
    from django.db import connection

    from tenants.scope import tenant_scope

    before, began = (talk["holder"], talk["agent"]), time.monotonic()
    try:
        with tenant_scope(uuid.UUID(talk["tenant"])):
            if hands:
                talk["holder"], talk["agent"] = _hands(uuid.UUID(talk["id"]), talk["holder"], agent)
            else:
                _message(talk)
    finally:
        connection.close()  # back into the pool, as after a request
    after = (talk["holder"], talk["agent"])
    return {"id": talk["id"], "began": began, "done": time.monotonic(), "before": before, "after": after}


def _message(talk: Mapping[str, Any]) -> None:
    from channels_app.content.types import text
    from channels_app.contract import InboundMessage, Sender
    from channels_app.selectors import channel_for_id
    from messaging.accept import accept

    sender = Sender(scheme="web", value=talk["person"], name="")
    channel = channel_for_id(uuid.UUID(talk["channel"]))
    assert channel is not None
    accepted = accept(channel, InboundMessage(platform_id="", sender=sender, content=text("Where is my order?")))
    assert str(accepted.conversation.id) == talk["id"]


def _hands(id: uuid.UUID, holder: str, agent: str) -> tuple[str, str | None]:
    """The next one has it: the bot, then the queue, then an agent, then the bot again."""
    from messaging.rules.control import hand_back, hand_over, locked, take_over
    from tenants.models import User
    from tenants.storage.db import atomic

    if holder == "bot":
        with atomic():
            hand_over(locked(id), "asked")
        return "queue", None
    if holder == "queue":
        take_over(id, User.objects.get(id=agent))
        return "staff", agent
    hand_back(id)
    return "bot", None


if __name__ == "__main__":
    main()
