"""That the bot is at work, shown for as long as it is: the dots in the widget.

Owns the timing. Must not know what the bot does meanwhile.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from messaging.live.frames import TYPING_TTL_S, typing_frame
from messaging.live.hub import conversation_group, hub
from messaging.live.push import push_typing

NOTICE_S = 0.7  # an answer that is quicker needs no dots
AGAIN_S = TYPING_TTL_S - 2.0


@contextmanager
def typing_shown(conversation_id: uuid.UUID) -> Iterator[Callable[[], object]]:
    """While the block runs, and from NOTICE_S on, the widgets of the conversation show that the bot is writing. Call what
    it gives before the answer is shown: no dots are shown after that. Best effort, like every push; never blocks, never
    raises."""
    shown = typing_frame("bot", on=True)
    beat = hub.repeat(conversation_group(conversation_id), shown, after_s=NOTICE_S, every_s=AGAIN_S)
    try:
        yield beat.stop
    finally:
        if beat.stop():
            push_typing(conversation_id, "bot", on=False)
