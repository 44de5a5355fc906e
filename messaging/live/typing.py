"""That the bot is at work, shown for as long as it is: the dots in the widget, and what it has written so far.

Owns the timing and the bounds. Must not know what the bot does meanwhile. Nothing here is kept: the message that is stored
in the end is the answer, and replaces what was shown.
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from channels_app.words.split import shorten
from messaging.live.frames import TYPING_TTL_S, bot_typing_frame, draft_frame
from messaging.live.hub import Beat, conversation_group, hub

NOTICE_S = 0.7  # an answer that is quicker needs no dots
AGAIN_S = TYPING_TTL_S - 2.0
GROWS_EVERY_S = 0.1  # pieces that come faster are shown together
UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
MOST_SHOWN = 4_000  # characters; of a longer text the beginning is shown while it comes about


class Writing:
    """The bot's answer on its way, as the sockets of the conversation see it. A frame holds the whole text so far, so one
    that is lost harms nothing; ``after`` is where the transcript ends, and sockets that were told more take none."""

    def __init__(self, conversation_id: uuid.UUID, after: int):
        self.group, self._after = conversation_group(conversation_id), after
        self._lock = threading.Lock()  # pieces come from whichever thread the engine reads them in
        self._words, self._shown, self._shown_at = "", "", 0.0
        self._text: Beat | None = None
        self._ended = False
        self._dots = hub.repeat(self.group, bot_typing_frame(after, on=True), after_s=NOTICE_S, every_s=AGAIN_S)

    def grow(self, piece: str) -> None:
        """The next piece of the text. From any thread; never blocks, never raises. The first one ends the dots."""
        piece = UNSHOWN.sub("", piece.encode("utf-8", "ignore").decode())  # half a character cannot be sent
        with self._lock:
            if self._ended or not piece or len(self._words) > MOST_SHOWN:
                return
            self._words += piece
            begins = self._text is None
            if begins:
                self._dots.stop()
                self._text = hub.every(self._show, after_s=GROWS_EVERY_S, every_s=GROWS_EVERY_S)
        if begins:
            self._show()

    def end(self) -> bool:
        """Nothing is shown after this. Returns whether anything was."""
        with self._lock:
            self._ended = True
        dots = self._dots.stop()
        if self._text:
            self._text.stop()
        return dots or bool(self._shown)

    def _show(self) -> None:
        """What is new, or the same again before widgets forget it."""
        with self._lock:
            at = time.monotonic()
            new = self._words != self._shown or at - self._shown_at >= AGAIN_S
            if self._ended or not new or not hub.heard(self.group):
                return
            self._shown, self._shown_at = self._words, at
            words = shorten(self._words, MOST_SHOWN)
            hub.push(self.group, draft_frame(words, self._after))


@contextmanager
def writing_shown(conversation_id: uuid.UUID, after: int) -> Iterator[Writing]:
    """While the block runs, and from NOTICE_S on, the widgets of the conversation show that the bot is writing, and the
    text that it is told of. Call ``end`` before the answer is shown: nothing is shown after that. Best effort, like every
    push."""
    writing = Writing(conversation_id, after)
    try:
        yield writing
    finally:
        if writing.end():
            hub.push(writing.group, bot_typing_frame(after, on=False))
