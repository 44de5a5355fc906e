"""Tasks sent as Celery's workers take them, with nothing but a row's id.

Celery's own way of sending (`send_task`) asks anew for each call what is the same for all of them, makes a producer, and
costs more than twice as much. Owns the form of such a call, and the connections that it goes out by; must not know what any
task does.
"""

from __future__ import annotations

import datetime
import json
import os
import uuid
from collections import deque
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
KEPT = 10  # connections that no thread uses; the one used last is used next, so that most processes open one

_idle: deque[Any] = deque()
os.register_at_fork(after_in_child=_idle.clear)  # a socket is one process's


def send(task: str, args: Sequence[str], *, delay_s: float = 0.0, headers: Mapping[str, Any] | None = None) -> None:
    """Raises what the broker's client raises."""
    call_id, queue = str(uuid.uuid4()), _queue(current_app, task)
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=delay_s) if delay_s > 0 else None
    about = {
        **NOTHING, "task": task, "id": call_id, "root_id": call_id, "eta": at and at.isoformat(),
        "argsrepr": repr(args or ()), "origin": anon_nodename(), **(headers or {}),
    }  # fmt: skip
    signals.before_task_publish.send(sender=task, headers=about, routing_key=queue)
    properties = {"correlation_id": call_id, "reply_to": None, "delivery_mode": PERSISTENT}
    _put(queue, f"[{json.dumps(args)}, {{}}, {EMBEDDED}]".encode(), about, properties)


def _put(queue: str, body: bytes, headers: dict[str, Any], properties: dict[str, Any]) -> None:
    """By a connection that no other thread uses meanwhile. One on which something failed is closed."""
    try:
        connection = _idle.pop()
    except IndexError:
        connection = current_app.connection_for_write()
    try:
        channel = connection.default_channel
        message = channel.prepare_message(
            body, content_type="application/json", content_encoding="utf-8", headers=headers, properties=properties
        )
        channel.basic_publish(message, exchange="", routing_key=queue)
    except BaseException:
        connection.release()
        raise
    if len(_idle) < KEPT:
        _idle.append(connection)
    else:
        connection.release()


@cache
def _queue(app: Any, task: str) -> str:
    """Where the settings say that the task's workers listen."""
    return str(app.amqp.router.route({}, task)["queue"].name)
