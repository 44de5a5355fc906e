"""Tasks sent as Celery's workers take them, with nothing but a row's id.

Celery's own way of sending (`send_task`) asks anew for each call what is the same for all of them, and costs three times
as much. Owns the form of such a call; must not know what any task does.
"""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from celery import current_app, signals
from celery.utils.nodenames import anon_nodename

#: what a call of ours says of what Celery can do besides
NOTHING: Mapping[str, Any] = {
    "lang": "py", "shadow": None, "expires": None, "group": None, "group_index": None, "retries": 0,
    "timelimit": [None, None], "parent_id": None, "kwargsrepr": "{}", "ignore_result": None,
    "replaced_task_nesting": 0, "stamped_headers": None, "stamps": {},
}  # fmt: skip
EMBEDDED = '{"callbacks": null, "errbacks": null, "chain": null, "chord": null}'
PERSISTENT = 2  # delivery mode, of AMQP


def send(task: str, args: Sequence[str], *, delay_s: float = 0.0, headers: Mapping[str, Any] | None = None) -> None:
    """Raises what the broker's client raises."""
    call_id, queue = str(uuid.uuid4()), _queue(current_app, task)
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=delay_s) if delay_s > 0 else None
    about = {
        **NOTHING, "task": task, "id": call_id, "root_id": call_id, "eta": at and at.isoformat(),
        "argsrepr": repr(args or ()), "origin": anon_nodename(), **(headers or {}),
    }  # fmt: skip
    signals.before_task_publish.send(sender=task, headers=about, routing_key=queue)
    with current_app.producer_pool.acquire(block=True) as producer:
        producer.publish(
            f"[{json.dumps(args)}, {{}}, {EMBEDDED}]", exchange="", routing_key=queue,
            content_type="application/json", content_encoding="utf-8", headers=about, correlation_id=call_id,
            reply_to=None, delivery_mode=PERSISTENT,
        )  # fmt: skip


@cache
def _queue(app: Any, task: str) -> str:
    """Where the settings say that the task's workers listen."""
    return str(app.amqp.router.route({}, task)["queue"].name)
