"""The time that all hosts agree on, as this process can tell it without asking each time.

Owns what the database's clock said last. Must not be used for times in rows: those are `now`.
"""

from __future__ import annotations

import math
import time

from tenants.storage.db import server_now

FRESH_S = 60.0  # so long an answer is carried on, by time that nothing sets

_answer = (0.0, -math.inf)  # what it said, and when by our steady clock


def shared_now() -> float:
    """Unix seconds by the database's clock, at most a minute out of date about a change of it. On SQLite our own."""
    global _answer
    at, (said, said_at) = time.monotonic(), _answer
    if at - said_at >= FRESH_S:
        said, said_at = _answer = server_now().timestamp(), at
    return said + at - said_at
