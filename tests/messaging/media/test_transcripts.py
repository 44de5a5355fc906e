"""Voice messages in words: heard once they are here, and the bot waits for it, but not for ever."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conversations.models import Attachment, Conversation, Message
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.media.fetch import file_process
from messaging.models import Turn
from tenants.storage.db import now
from tests.messaging.media.platform import events, received, sent

pytestmark = pytest.mark.django_db

VOICE = b"OggS\0\2" + bytes(20) + b"\x01\x13OpusHead" + bytes(30)


class Transcriber:
    """``/v1/audio/transcriptions`` on loopback; the last answer stays."""

    def __init__(self):
        self.answers, self.heard = [(200, b'{"text": "Where is\\u0000 my parcel?"}')], []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fake.heard.append((self.path, self.headers["Authorization"], body))
                status, answer = fake.answers.pop(0) if len(fake.answers) > 1 else fake.answers[0]
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def transcriber(settings):
    made = Transcriber()
    url = f"http://127.0.0.1:{made.server.server_port}/v1"
    settings.ENV = {**settings.ENV, "TRANSCRIBE_URL": url, "TRANSCRIBE_API_KEY": "sk-test-0123456789"}
    yield made
    made.server.shutdown()
    made.server.server_close()


def voice(channel, files, id="wamid.1"):
    files.keep(VOICE, mime="audio/ogg")
    return received(channel, "audio/ogg; codecs=opus", "audio", id)


def heard(attachment):
    Attachment.objects.filter(id=attachment.id).update(due_at=now())
    file_process(attachment.id)
    attachment.refresh_from_db()
    return attachment


def test_what_is_said_becomes_the_text_of_the_message(channel, files, scope, transcriber, calls):
    message, stored = voice(channel, files)
    assert calls.of("media")[-1] == stored.id
    waiting = Turn.objects.get()
    assert waiting.due_at - now() > timedelta(seconds=15)
    assert heard(stored).transcript == "Where is my parcel?"
    message.refresh_from_db()
    assert (message.text, message.content["text"], message.content_type) == (
        "Where is my parcel?", "Where is my parcel?", "audio",
    )  # fmt: skip
    ((path, credential, body),) = transcriber.heard
    assert (path, credential) == ("/v1/audio/transcriptions", "Bearer sk-test-0123456789")
    assert VOICE in body
    assert b"whisper-1" in body
    assert Turn.objects.get().due_at <= now()  # the bot answers at once
    assert calls.of("respond")[-1] == waiting.id
    assert [told["message_id"] for told in events("chat.attachment.transcribed")] == [str(message.id)]


def test_it_is_heard_once(channel, files, scope, transcriber):
    _, stored = voice(channel, files)
    heard(stored)
    assert file_process(stored.id) is None
    assert len(transcriber.heard) == 1


def test_a_fault_of_the_transcriber_is_tried_again_then_the_bot_goes_on(channel, files, scope, transcriber, calls):
    transcriber.answers = [(503, b"")]
    message, stored = voice(channel, files)
    for _ in range(3):
        assert heard(stored).transcript == ""
        assert stored.due_at < now() + timedelta(minutes=1)
        assert Turn.objects.get().due_at > now()
    heard(stored)
    assert file_process(stored.id) is None
    assert Turn.objects.get().due_at <= now()
    assert (message.text, len(transcriber.heard)) == ("", 4)


@pytest.mark.parametrize("answer", [(400, b"{}"), (200, b"[]"), (200, b'{"text": ""}'), (200, b"<html>")])
def test_an_odd_answer_harms_nothing(channel, files, scope, transcriber, answer):
    transcriber.answers = [answer]
    _, stored = voice(channel, files)
    assert heard(stored).transcript == ""


def test_a_recording_that_never_comes_is_not_waited_for(channel, files, scope, transcriber):
    files.keep(b"", mime="audio/ogg")
    received(channel, "audio/ogg", "audio")
    assert Turn.objects.get().due_at <= now()


def test_a_second_recording_is_waited_for_as_well(channel, files, scope, transcriber):
    _, first = voice(channel, files)
    _, second = voice(channel, files, "wamid.2")
    heard(first)
    assert Turn.objects.get().due_at > now()
    heard(second)
    assert Turn.objects.get().due_at <= now()


def test_words_that_follow_do_not_make_the_bot_answer_before(channel, files, scope, transcriber, said):
    voice(channel, files)
    accept(channel, said("and hurry", id="wamid.2"))
    turn = Turn.objects.get()
    assert (turn.last_seq, turn.due_at - now() > timedelta(seconds=15)) == (2, True)


def test_a_caller_who_waits_does_not_answer_in_its_place(channel, files, scope, transcriber):
    accepted = accept(channel, sent("audio/ogg", "audio"), Entrance(answer_now=True))
    assert accepted.turn is None
    assert Turn.objects.get().status == "waiting"


def test_without_a_transcriber_nothing_waits_and_nothing_is_heard(channel, files, scope):
    message, stored = voice(channel, files)
    assert Turn.objects.get().due_at - now() < timedelta(seconds=3)
    assert file_process(stored.id) is None
    assert Message.objects.get(id=message.id).text == ""


def test_a_long_recording_is_kept_whole(channel, files, scope, transcriber, calls):
    words = f"{'word ' * 1000}and the end of it"
    transcriber.answers[:] = [(200, json.dumps({"text": words}).encode())]
    message, stored = voice(channel, files)
    heard(stored)
    message.refresh_from_db()
    assert (message.text, message.content["full_text"], message.content["text"][-1]) == (words, words, "…")


def test_spoken_words_that_a_rule_names_call_a_human(channel, files, scope, transcriber, rules):
    """As written ones (MSG-3)."""
    rules(words=["parcel"], hand_over=["profanity"])
    _, stored = voice(channel, files)
    heard(stored)
    conversation = Conversation.objects.get()
    assert (conversation.control_owner, conversation.held_by) == ("human", "queue")
    assert Turn.objects.get().status == "void"
