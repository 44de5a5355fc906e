"""A REST request that waits for an answer which another thread gives: woken at once, in small numbers, with few looks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from assistant.port import EngineReply
from channels_app.content.types import text
from conversations.models import Conversation
from messaging import tasks
from messaging.api import chat
from messaging.live import answers
from messaging.models import Turn
from messaging.rules.control import conversation_end, hand_back, take_over
from messaging.turns import settling, thinking
from tenants.scope import tenant_scope
from tests.conftest import Api

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/v2/chat/message"
BODY = {"user_id": "u1", "channel": "web", "content": {"type": "text", "text": "hello"}, "message_id": "m1"}
LONG_S = 60.0  # no request is woken by this in a test


class Engine:
    """Thinks until it may go on; says nothing where ``contents`` is empty."""

    name = "test"

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()
        self.contents: tuple[Any, ...] = (text("answer"),)

    def respond(self, request: Any) -> EngineReply:
        self.asked.set()
        assert self.go_on.wait(LONG_S)
        return EngineReply(self.contents, {}, "", 1.0, "test")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: made)
    return made


@pytest.fixture
def key(tenant: Any, web: Any, make_key: Any) -> str:
    return make_key(tenant)[1]


@pytest.fixture
def post(key: str) -> Any:
    def send() -> tuple[int, Any]:
        try:
            answer = Api(key).post(URL, BODY)
            return answer.status_code, Api.data_of(answer)
        finally:
            connections.close_all()

    return send


def test_repeats_are_woken_by_the_answer_and_few_of_them_wait(post, engine, monkeypatch) -> None:
    waiting = threading.Semaphore(0)
    monkeypatch.setattr(chat, "LOOK_S", LONG_S)
    monkeypatch.setattr(chat, "LOOK_MOST_S", LONG_S)
    monkeypatch.setattr(chat, "connection_release", waiting.release)
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(post)
        assert engine.asked.wait(LONG_S)
        repeats = [threads.submit(post) for _ in range(answers.MOST_WAITING)]
        assert all(waiting.acquire(timeout=LONG_S) for _ in repeats)
        further = [threads.submit(post) for _ in range(3)]
        told = [one.result(LONG_S) for one in further]
        engine.go_on.set()
        answered = [one.result(LONG_S) for one in (first, *repeats)]
    assert [(status, data["processing_metadata"]["status"]) for status, data in told] == [(202, "accepted")] * 3
    assert [(status, data["response"]["text"]) for status, data in answered] == [(200, "answer")] * 3
    assert answers._waiting == {}


def test_an_answer_of_another_process_is_found_with_few_looks(post, key, engine, monkeypatch, settings) -> None:
    monkeypatch.setattr(settling, "turn_settled", lambda conversation_id: None)  # as from another process
    settings.ENV = {**settings.ENV, "REQUEST_TIMEOUT_MS": 400}
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(post)
        assert engine.asked.wait(LONG_S)
        with CaptureQueriesContext(connection) as captured:
            answer = Api(key).post(URL, BODY)
        engine.go_on.set()
        assert first.result(LONG_S)[0] == 200
    assert answer.status_code == 202
    looks = [asked for asked in captured.captured_queries if "messaging_turn" in asked["sql"]]
    assert 2 <= len(looks) <= 5
    assert post()[0] == 200


@pytest.mark.parametrize(
    ("status", "while_thinking", "contents"),
    [
        ("silent", lambda conversation: None, ()),
        ("ended", lambda conversation: conversation_end(conversation.id), (text("too late"),)),
    ],
    ids=["silent", "ended"],
)
def test_a_message_without_an_answer_says_why(post, engine, tenant, status, while_thinking, contents) -> None:
    engine.contents = contents
    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(post)
        assert engine.asked.wait(LONG_S)
        with tenant_scope(tenant.id):
            while_thinking(Conversation.objects.get())
        engine.go_on.set()
        code, data = sent.result(LONG_S)
    assert (code, data["response"], data["processing_metadata"]["status"]) == (200, None, status)


def test_a_turn_that_opens_between_two_looks_is_waited_for(key, engine, tenant, monkeypatch) -> None:
    """A human had the conversation when the turns were looked at, and the bot when the conversation was: its answer
    was still to come."""
    engine.go_on.set()
    client = Api(key)
    conversation_id = Api.data_of(client.post(URL, BODY))["conversation_id"]
    with tenant_scope(tenant.id):
        take_over(conversation_id, None)
    second = {**BODY, "message_id": "m2"}
    assert Api.data_of(client.post(URL, second))["processing_metadata"]["status"] == "with_human"

    class HandedBackMeanwhile:
        """The conversations, as the request reads them behind its look at the turns."""

        Owner = Conversation.Owner

        class objects:
            @staticmethod
            def get(**key: Any) -> Conversation:
                monkeypatch.setattr(chat, "Conversation", Conversation)
                hand_back(conversation_id)
                tasks.respond(str(Turn.objects.get(status="waiting").id))
                return Conversation.objects.get(**key)

    monkeypatch.setattr(chat, "Conversation", HandedBackMeanwhile)
    data = Api.data_of(client.post(URL, second))
    assert data["processing_metadata"]["status"] == "answered"
    assert data["response"]["text"] == "answer"
