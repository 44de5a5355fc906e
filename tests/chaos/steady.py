"""People who go on writing until they are told to stop, each message until it is accepted.

Owns how they write and what they were answered, with the seconds it took. Must not look into the service.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from channels_app.twin.calls import Webhook
from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin
from tests.chaos.load import PEOPLE, QUESTIONS, REST, rest_message

HANG_S = 40.0  # far beyond any deadline of the service: what takes so long would not have ended
AGAIN_S = 0.4  # after a refusal
#: between two messages of one person. On a channel longer than an answer takes on a busy machine: what is said
#: before it makes it void, and is answered together with what came before
PAUSE_S = {REST: 0.5}
LONG_PAUSE_S = 8.0


@dataclass(frozen=True)
class Told:
    """One answer. ``status`` 0: none came; ``kind``: on which way; ``during``: what was wrong when it was sent;
    ``code``: the beginning of what an error said."""

    kind: str
    status: int
    took_s: float
    during: str
    code: str


class Steady:
    """``people``: kind → how many write on it; every second one of REST does so under an Idempotency-Key."""

    def __init__(self, twin: Twin, port: int, api_key: str, people: Mapping[str, int]):
        self._twin, self._port, self._api_key = twin, port, api_key
        self._who = [(kind, number) for kind, count in people.items() for number in range(count)]
        self._stopped, self._given_up = threading.Event(), threading.Event()
        self._senders = ThreadPoolExecutor(len(self._who))
        self._futures: list[Future[None]] = []
        self.during = "nothing"
        self.told: list[Told] = []  # list.append is atomic
        self.accepted: list[tuple[str, str]] = []

    def start(self) -> None:
        self._futures = [self._senders.submit(self._write, kind, number) for kind, number in self._who]

    def finish(self, timeout: float) -> None:
        """No sender begins another message; returns when all that were begun are accepted."""
        self._stopped.set()
        end = time.monotonic() + timeout
        for future in self._futures:
            future.result(max(0.0, end - time.monotonic()))

    def stop(self) -> None:
        """Also in the midst of a message."""
        self._stopped.set()
        self._given_up.set()
        self._senders.shutdown()

    def statuses(self) -> Counter[int]:
        return Counter(one.status for one in self.told)

    def post(self, kind: str, request: Webhook, headers: Mapping[str, str] = {}) -> int:
        """The status of one post."""
        where, during, started = urlsplit(request.url), self.during, time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=HANG_S)
        status, code = 0, ""
        try:
            connection.request("POST", where.path, request.body, {**request.headers, **headers})
            answer = connection.getresponse()
            status, body = answer.status, answer.read()
            code = "" if status < 400 else body[:200].decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            code = repr(error)
        finally:
            connection.close()
        self.told.append(Told(kind, status, time.monotonic() - started, during, code))
        return status

    def _write(self, kind: str, number: int) -> None:
        place = 0
        while not self._stopped.wait(PAUSE_S.get(kind, LONG_PAUSE_S)):
            person, text = PEOPLE[kind].format(number), QUESTIONS[place % len(QUESTIONS)]
            headers = {}
            if kind == REST:
                message_id, request = rest_message(self._api_key, person, f"{person}-{place}", text)
                headers = {"Idempotency-Key": message_id} if number % 2 else {}
            else:
                message_id, [request] = PLATFORMS[kind].say(self._twin, {"from": person, "text": text})
            while not 200 <= self.post(kind, request, headers) < 300:
                assert not self._given_up.wait(AGAIN_S), "stopped before everything was accepted"
            self.accepted.append((kind, message_id))
            place += 1
