"""People who write while the service dies: each webhook is posted until it is accepted.

Owns what is said, on which channel, and what was accepted. Must not look into the service, nor know a platform:
the twin makes and signs what its people say.
"""

from __future__ import annotations

import http.client
import random
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlsplit

from channels_app.twin.platform import Webhook
from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin

CONVERSATIONS = 50
MESSAGES = 5
SENDERS = 10
QUESTIONS = ("What are your opening hours?", "When are you open?", "Are you open on Saturday?")
RESENT = 0.2  # share of accepted webhooks that the platform sends once more
#: kind → the id of its nth person
PEOPLE = {
    "messenger": "24680135{0:05}",
    "slack": "U0LOAD{0:05}",
    "webhook": "person-{0:05}",
    "whatsapp": "155507{0:05}",
}


class Load:
    """Everybody writes on one of the ``kinds``, by turns. ``accepted`` are (kind, platform id) of the messages
    whose webhook was answered with 200; ``tries`` counts posts.

    ``spread_s``: over about how many seconds a person's messages are spread.
    """

    def __init__(
        self,
        twin: Twin,
        seed: int,
        spread_s: float,
        kinds: Sequence[str] = ("whatsapp",),
        conversations: int = CONVERSATIONS,
    ):
        self._twin, self._seed, self._spread_s = twin, seed, spread_s
        self._kinds, self._conversations = tuple(kinds), conversations
        self._stopped = threading.Event()
        self._senders = ThreadPoolExecutor(conversations)
        self._at_once = threading.Semaphore(SENDERS)
        self._futures: list[Future[None]] = []
        self.accepted: list[tuple[str, str]] = []  # list.append is atomic
        self.tries: list[int] = []

    @property
    def expected(self) -> Counter[str]:
        """How many messages will have been accepted of each kind, once all is said."""
        return Counter({kind: MESSAGES * len(self._numbers(kind)) for kind in self._kinds})

    def start(self) -> None:
        people = [(kind, number) for kind in self._kinds for number in self._numbers(kind)]
        self._futures = [self._senders.submit(self._person, kind, number) for kind, number in people]

    def finish(self, timeout: float) -> None:
        """Wait until everything was accepted."""
        for future in self._futures:
            future.result(timeout)

    def stop(self) -> None:
        self._stopped.set()
        self._senders.shutdown()

    def _numbers(self, kind: str) -> range:
        return range(self._kinds.index(kind), self._conversations, len(self._kinds))

    def _person(self, kind: str, number: int) -> None:
        chance = random.Random(self._seed * 1000 + number)
        for _ in range(MESSAGES):
            self._stopped.wait(chance.uniform(0, 2 * self._spread_s / MESSAGES))
            words = {"from": PEOPLE[kind].format(number), "text": chance.choice(QUESTIONS)}
            platform_id, [webhook] = PLATFORMS[kind].say(self._twin, words)
            self._post_until_accepted(webhook)
            self.accepted.append((kind, platform_id))
            if chance.random() < RESENT:
                self._post(chance.choice((webhook, self._again(kind, webhook))))

    def _again(self, kind: str, webhook: Webhook) -> Webhook:
        """Another request with the same message."""
        sign = PLATFORMS[kind].sign
        assert sign is not None
        body = webhook.body + b" "
        return Webhook(webhook.url, body, sign(self._twin.settings[kind], webhook.url, body))

    def _post_until_accepted(self, webhook: Webhook) -> None:
        while self._post(webhook) != 200:
            assert not self._stopped.wait(0.5), "stopped before everything was accepted"

    def _post(self, webhook: Webhook) -> int:
        """The status; 0 when there was no answer."""
        self.tries.append(1)
        where = urlsplit(webhook.url)
        with self._at_once:
            connection = http.client.HTTPConnection(where.netloc, timeout=10)
            try:
                connection.request("POST", where.path, webhook.body, dict(webhook.headers))
                return connection.getresponse().status
            except (OSError, http.client.HTTPException):
                return 0
            finally:
                connection.close()
