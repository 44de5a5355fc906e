"""Carries webhooks to the service: in the background, in order, again until they are taken.

Owns the queue, its threads and the pauses between tries. Must not know what a webhook says.
"""

from __future__ import annotations

import heapq
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from itertools import count
from typing import Any

from channels_app.twin.calls import Webhook

#: seconds before each further try of a webhook that was not answered with 2xx; then it is given up
PAUSES = (0.2, 0.5, 1.0, 2.0, *[5.0] * 60)
WORKERS = 4


@dataclass(order=True)
class _Errand:
    due: float
    number: int
    webhooks: Sequence[Webhook] = field(compare=False)
    tries: int = field(default=0, compare=False)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class Callbacks:
    """``log`` holds the last tries as {at, label, status, try}; status 0 means no answer."""

    def __init__(self, pauses: Sequence[float] = PAUSES) -> None:
        self.log: deque[dict[str, Any]] = deque(maxlen=1000)
        self._pauses = pauses
        self._changed = threading.Condition()
        self._errands: list[_Errand] = []
        self._numbers = count()
        self._under_way = 0
        self._stopped = False
        self._opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
        self._workers = [threading.Thread(target=self._work, daemon=True) for _ in range(WORKERS)]
        for worker in self._workers:
            worker.start()

    def carry(self, webhooks: Sequence[Webhook], delay: float = 0.0, tries: int = 0) -> None:
        """Post ``webhooks`` one after another, ``delay`` seconds from now."""
        with self._changed:
            heapq.heappush(self._errands, _Errand(time.monotonic() + delay, next(self._numbers), webhooks, tries))
            self._changed.notify_all()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is left to carry; False when that takes longer than ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._errands and not self._under_way, timeout)

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for worker in self._workers:
            worker.join(timeout=1)

    def post(self, webhook: Webhook) -> tuple[int, bytes]:
        """One try, now: (status, body), status 0 when there was no answer."""
        try:
            request = urllib.request.Request(  # noqa: S310  the address is the operator's own setting
                webhook.url, webhook.body or None, dict(webhook.headers), method=webhook.method
            )
            with self._opener.open(request, timeout=10) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, b""
        except (OSError, HTTPException, ValueError):
            return 0, b""

    def _work(self) -> None:
        while errand := self._next():
            for webhook in errand.webhooks:
                self._try(webhook, errand.tries)
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _next(self) -> _Errand | None:
        with self._changed:
            while not self._stopped:
                wait = self._errands[0].due - time.monotonic() if self._errands else None
                if wait is not None and wait <= 0:
                    self._under_way += 1
                    return heapq.heappop(self._errands)
                self._changed.wait(wait)
        return None

    def _try(self, webhook: Webhook, tries: int) -> None:
        if not webhook.wanted():
            return
        status, body = self.post(webhook)
        self.log.append({"at": time.time(), "label": webhook.label, "status": status, "try": tries + 1})
        if not 200 <= status < 300 and tries < len(self._pauses) and not self._stopped:
            self.carry([webhook], self._pauses[tries], tries + 1)
        elif webhook.then and 200 <= status < 300:
            webhook.then(body)
