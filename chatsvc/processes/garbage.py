"""Garbage in circles is looked for among what a process has made since it stood, and not too often.

A process begins with some 260,000 objects that stay: modules, models, addresses. Python's collector walks them again
and again, 140 ms each time, in the midst of a message; among them it never finds anything (docs/decisions/0053).
Owns when a process stands. Must not be called in the midst of its work: what is garbage then stays.
"""

from __future__ import annotations

import gc

YOUNG = 5_000  # objects more than before, until those are looked through; Python's own 700 are half a message


def stand() -> None:
    """Call once, when all that stays is there, before the first request or task."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(max(YOUNG, gc.get_threshold()[0]))
