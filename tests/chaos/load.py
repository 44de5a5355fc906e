"""People who write on WhatsApp while the service dies: each webhook is posted until it is accepted.

Owns what is said and what was accepted. Must not look into the service.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import random
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

CONVERSATIONS = 50
MESSAGES = 5
SENDERS = 10
QUESTIONS = ("What are your opening hours?", "When are you open?", "Are you open on Saturday?")
RESENT = 0.2  # share of accepted webhooks that the platform sends once more


class Load:
    """``accepted`` are the platform ids whose webhook was answered with 200; ``tries`` counts posts.

    ``spread_s``: over about how many seconds a person's messages are spread.
    """

    def __init__(self, port: int, access: Mapping[str, Any], seed: int, spread_s: float):
        self._port, self._access, self._seed, self._spread_s = port, access, seed, spread_s
        self._stopped = threading.Event()
        self._senders = ThreadPoolExecutor(CONVERSATIONS)
        self._at_once = threading.Semaphore(SENDERS)
        self._futures: list[Future[None]] = []
        self.accepted: list[str] = []  # list.append is atomic
        self.tries: list[int] = []

    def start(self) -> None:
        self._futures = [self._senders.submit(self._person, number) for number in range(CONVERSATIONS)]

    def finish(self, timeout: float) -> None:
        """Wait until everything was accepted."""
        for future in self._futures:
            future.result(timeout)

    def stop(self) -> None:
        self._stopped.set()
        self._senders.shutdown()

    def _person(self, number: int) -> None:
        chance = random.Random(self._seed * 1000 + number)
        for index in range(MESSAGES):
            self._stopped.wait(chance.uniform(0, 2 * self._spread_s / MESSAGES))
            platform_id = f"wamid.{number}.{index}"
            body = self._body(f"155507{number:05}", platform_id, chance.choice(QUESTIONS))
            self._post_until_accepted(body)
            self.accepted.append(platform_id)
            if chance.random() < RESENT:
                self._post(body + b" " * chance.randint(0, 1))  # the same request, or another one with the same message

    def _post_until_accepted(self, body: bytes) -> None:
        while self._post(body) != 200:
            assert not self._stopped.wait(0.5), "stopped before everything was accepted"

    def _post(self, body: bytes) -> int:
        """The status; 0 when there was no answer."""
        self.tries.append(1)
        signature = hmac.new(self._access["app_secret"].encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"}
        with self._at_once:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
            try:
                connection.request("POST", f"/api/v2/webhooks/whatsapp/{self._access['channel_key']}", body, headers)
                return connection.getresponse().status
            except (OSError, http.client.HTTPException):
                return 0
            finally:
                connection.close()

    def _body(self, person: str, platform_id: str, words: str) -> bytes:
        message = {
            "from": person,
            "id": platform_id,
            "timestamp": str(int(time.time())),
            "type": "text",
            "text": {"body": words},
        }
        number = {"display_phone_number": "15550100001", "phone_number_id": self._access["phone_number_id"]}
        contacts = [{"profile": {"name": "Ana"}, "wa_id": person}]
        value = {"messaging_product": "whatsapp", "metadata": number, "contacts": contacts, "messages": [message]}
        entry = {"id": "3", "changes": [{"field": "messages", "value": value}]}
        return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
