"""People who write while the service dies: each message is posted until it is accepted.

Owns what is said, on which channel, and what was accepted. Must not look into the service, nor know a platform:
the twin makes and signs what its people say. Who writes on ``web`` does so by the service's own REST API.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

from channels_app.twin.calls import Webhook
from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin
from tests.chaos.servers import wait_until

CONVERSATIONS = 50
MESSAGES = 5
SENDERS = 10
TIMEOUT_S = 10  # of a post
HUNG = -1  # instead of the status of a post that got no answer until then
DAYS = ("", " on Monday", " on Tuesday", " on Wednesday", " on Thursday", " on Friday", " on Saturday", " on Sunday")
#: so many that no person repeats one soon: what comes over and over is a machine's, and is not answered for ever
QUESTIONS = tuple(
    f"{asked}{day}?" for day in DAYS for asked in ("What are your opening hours", "When are you open", "Are you open")
)
RESENT = 0.2  # share of accepted messages that are sent once more
REST = "web"
#: kind → the id of its nth person
PEOPLE = {
    "messenger": "24680135{0:05}",
    "slack": "U0LOAD{0:05}",
    "webhook": "person-{0:05}",
    "whatsapp": "155507{0:05}",
    REST: "visitor-{0:05}",
}


class Load:
    """Everybody writes on one of the ``kinds``, by turns. ``accepted`` are (kind, its id at the platform or the
    sender's own) of the messages that were answered with 2xx; ``answers`` counts posts by status (see `post`).

    ``spread_s``: over about how many seconds a person's messages are spread. ``ports``: of the web servers, each
    post goes to one of those that are there by then; without, to where the twin is told to post. ``api_key``: for REST.
    """

    def __init__(
        self,
        twin: Twin,
        seed: int,
        spread_s: float,
        kinds: Sequence[str] = ("whatsapp",),
        conversations: int = CONVERSATIONS,
        *,
        ports: Sequence[int] = (),
        api_key: str = "",
    ):
        self._twin, self._seed, self._spread_s = twin, seed, spread_s
        self._kinds, self._conversations = tuple(kinds), conversations
        self._ports, self._api_key = ports, api_key
        self._stopped = threading.Event()
        self._senders = ThreadPoolExecutor(conversations)
        self._at_once = threading.Semaphore(SENDERS)
        self._counting = threading.Lock()
        self._futures: list[Future[None]] = []
        self.accepted: list[tuple[str, str]] = []  # list.append is atomic
        self.answers: Counter[int] = Counter()
        self._others: Counter[str] = Counter()

    @property
    def expected(self) -> Counter[str]:
        """How many messages will have been accepted of each kind, once all is said."""
        return Counter({kind: MESSAGES * len(self._numbers(kind)) for kind in self._kinds}) + self._others

    def also(self, kind: str, message_id: str) -> None:
        """A message of the test's own was accepted."""
        self.accepted.append((kind, message_id))
        self._others[kind] += 1

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
        for place in range(MESSAGES):
            self._stopped.wait(chance.uniform(0, 2 * self._spread_s / MESSAGES))
            words = {"from": PEOPLE[kind].format(number), "text": QUESTIONS[place % len(QUESTIONS)]}
            message_id, request = self._say(kind, words, place)
            self._post_until_accepted(request, chance)
            self.accepted.append((kind, message_id))
            if chance.random() < RESENT:
                self._post(chance.choice((request, self._again(kind, request))), chance)

    def _say(self, kind: str, words: Mapping[str, str], place: int) -> tuple[str, Webhook]:
        if kind == REST:
            return rest_message(self._api_key, words["from"], f"{words['from']}-{place}", words["text"])
        platform_id, [webhook] = PLATFORMS[kind].say(self._twin, words)
        return platform_id, webhook

    def _again(self, kind: str, request: Webhook) -> Webhook:
        """Another request with the same message."""
        body = request.body + b" "
        if kind == REST:
            return Webhook(request.url, body, request.headers)
        sign = PLATFORMS[kind].sign
        assert sign is not None
        return Webhook(request.url, body, sign(self._twin.settings[kind], request.url, body))

    def _post_until_accepted(self, request: Webhook, chance: random.Random) -> None:
        while not 200 <= self._post(request, chance) < 300:
            assert not self._stopped.wait(0.5), "stopped before everything was accepted"

    def _post(self, request: Webhook, chance: random.Random) -> int:
        where = urlsplit(request.url)
        netloc = f"127.0.0.1:{chance.choice(self._ports)}" if self._ports else where.netloc
        with self._at_once:
            status, _, _ = post(netloc, where.path, request.body, request.headers)
        with self._counting:
            self.answers[status] += 1
        return status


@contextmanager
def under(load: Load) -> Iterator[None]:
    load.start()
    try:
        yield
    finally:
        load.stop()


def warm(port: int, api_key: str, load: Load) -> None:
    """Wait until the web server has answered a caller: the first one waits for what it learns at its start."""
    message_id, request = rest_message(api_key, "warm", "warm", QUESTIONS[0])
    where = (f"127.0.0.1:{port}", urlsplit(request.url).path, request.body, request.headers)
    wait_until(lambda: post(*where)[0] == 200, 60, "the first message is answered", pause=0.5)
    load.also(REST, message_id)


def rest_message(api_key: str, person: str, message_id: str, text: str) -> tuple[str, Webhook]:
    """Its id and the request; the caller that posts it chooses the server."""
    said = {"user_id": person, "channel": REST, "message_id": message_id, "content": {"type": "text", "text": text}}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {api_key}"}
    return message_id, Webhook("http://127.0.0.1/api/v2/chat/message", json.dumps(said).encode(), headers)


def post(netloc: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body of the answer; 0 when the connection was refused or broke, HUNG when nothing came."""
    connection = http.client.HTTPConnection(netloc, timeout=TIMEOUT_S)
    try:
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    except TimeoutError:
        return HUNG, {}, b""
    except (OSError, http.client.HTTPException):
        return 0, {}, b""
    finally:
        connection.close()
