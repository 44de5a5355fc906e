"""What the twin knows and remembers, whichever platform it plays: settings, files, traffic, faults, webhooks to post.

Must not know any platform, nor HTTP.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from channels_app.twin.callbacks import Callbacks
from channels_app.twin.calls import Call, Webhook
from channels_app.twin.faults import Faults
from channels_app.twin.journal import Entry, Journal
from channels_app.twin.llm.mind import Mind


class World:
    """``url`` is the twin's address, ``requests`` the platform calls it got (the last 10,000), ``sent`` what
    people received, ``repeats`` the sends whose reference came before, ``callbacks.log`` the webhooks it posted,
    ``llm`` what its language models say; ``stopping`` is set when the twin ends."""

    url: str

    def __init__(self, log: str | Path | None, seed: int, pauses: Sequence[float]) -> None:
        self.journal = Journal(log)
        self.faults = Faults(seed)
        self.callbacks = Callbacks(pauses)
        self.requests: deque[Call] = deque(maxlen=10_000)
        self.settings: dict[str, dict[str, Any]] = {}
        self.llm = Mind()
        self.stopping = threading.Event()
        self.media: dict[str, tuple[str, bytes]] = {}

    @property
    def sent(self) -> list[Entry]:
        return self.journal.sent()

    @property
    def repeats(self) -> list[Entry]:
        return self.journal.repeats()

    def configure(self, platform: str = "whatsapp", **settings: Any) -> None:
        """Change settings of a platform. Raises ValueError for names it does not know."""
        own = self.settings.get(platform)
        if own is None or (unknown := set(settings) - set(own)):
            raise ValueError(
                f"unknown platform {platform!r}" if own is None else f"unknown settings: {sorted(unknown)}"
            )
        own.update(settings)

    def call_back(self, platform: str, webhooks: Sequence[Webhook]) -> None:
        """Post ``webhooks`` in the background, as the ordered faults bend it."""
        if not webhooks or not self.settings[platform]["webhook_url"]:
            return
        bent, delay = list(webhooks), 0.0
        if self.faults.strike(("duplicate_webhook",)):
            bent = [webhook for webhook in bent for _ in range(2)]
        if len(bent) > 1 and self.faults.strike(("reorder_webhooks",)):
            bent.reverse()
        if late := self.faults.strike(("delay",)):
            delay = late.seconds
        self.callbacks.carry(bent, delay)

    def wait_idle(self, timeout: float = 10.0) -> bool:
        """Wait until every webhook was taken or given up; False when it takes longer (seconds)."""
        return self.callbacks.wait_idle(timeout)
