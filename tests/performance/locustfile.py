"""People who talk to the bot by REST, as many as Locust is told: ``locust -f tests/performance/locustfile.py --host=…``.

CHATSVC_API_KEY is the key of a tenant. Each person says one thing after the other, and now and then reads the transcript
(``--tags message`` leaves that out). Set ENABLE_RATE_LIMITING=false at the service, or the limits are what is measured.
CHATSVC_PAUSE_S is how long a person thinks, 1 by default.
"""

from __future__ import annotations

import itertools
import os
import uuid

from locust import FastHttpUser, constant, tag, task

SAYINGS = ("What are your opening hours?", "Do you ship to Spain?", "Where is my order?", "Thank you!")


class Person(FastHttpUser):
    wait_time = constant(float(os.environ.get("CHATSVC_PAUSE_S", "1")))

    def on_start(self) -> None:
        self.name = f"locust-{uuid.uuid4().hex}"
        self.said = itertools.count()
        self.conversation = ""
        self.headers = {"Authorization": f"Bearer {os.environ['CHATSVC_API_KEY']}"}

    @tag("message")
    @task(9)
    def say(self) -> None:
        number = next(self.said)
        content = {"type": "text", "text": SAYINGS[number % len(SAYINGS)]}
        said = {"user_id": self.name, "channel": "web", "message_id": f"{self.name}.{number}", "content": content}
        with self.rest("POST", "/api/v2/chat/message", json=said, headers=self.headers) as answer:
            if answer.js and answer.js.get("data"):
                self.conversation = answer.js["data"]["conversation_id"]

    @tag("transcript")
    @task(1)
    def read(self) -> None:
        if self.conversation:
            path = f"/api/v2/chat/conversations/{self.conversation}/messages?limit=50"
            with self.rest("GET", path, headers=self.headers, name="/api/v2/chat/conversations/…/messages"):
                pass
