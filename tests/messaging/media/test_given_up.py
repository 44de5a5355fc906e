"""A file that could not be fetched is given up in the open and can be asked for again; a storage of ours that is away
costs it nothing (MSG-4, DEL-2, PIPE-3)."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command

from channels_app.content.types import Content
from channels_app.contract import SendResult
from chatsvc.observe.row_metrics import rows as measured
from conversations.files import attachments
from conversations.models import Attachment, Event, Message
from messaging import tasks
from messaging.accept import accept
from messaging.deliver import deliver
from messaging.media import fetch
from messaging.media.fetch import file_process, files_replay
from messaging.models import Delivery, StaffAlert
from messaging.rules.agent_replies import agent_reply
from tenants.storage.db import now
from tenants.work.leases import MOST_LEASES
from tests.messaging.media.platform import events, picture, received, sent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lost(channel, files, scope):
    """A file that the platform did not give at any try."""
    files.keep(b"", status=503)
    _, waiting = received(channel)
    Attachment.objects.update(due_at=now(), attempts=fetch.TRIES.tries - 1)
    file_process(waiting.id)
    waiting.refresh_from_db()
    return waiting


def test_it_is_told_measured_and_started_again(lost, files, calls):
    assert (lost.state, lost.reason) == ("failed", "http_503")
    told = Event.objects.get(type="chat.system.work_given_up").payload
    assert told == {"work": "files", "row_id": str(lost.id), "reason": "http_503"}
    assert measured()["given_up"]["files"] == 1
    tasks.publish()
    alert = StaffAlert.objects.get()
    assert alert.subject == "Files of people could not be fetched"
    assert "/admin/conversations/attachment/?state__exact=failed" in alert.text
    files.keep(picture())
    calls.all.clear()
    out = StringIO()
    call_command("replay_dead_letters", "--tenant", "acme", "--what", "files", "--all", stdout=out)
    assert "1 files are on their way again" in out.getvalue()
    assert calls.of("media") == [lost.id]
    file_process(lost.id)
    lost.refresh_from_db()
    assert (lost.state, lost.reason) == ("stored", "")
    assert [told["attachment_id"] for told in events("chat.attachment.stored")] == [str(lost.id)]
    assert measured()["given_up"]["files"] == 0


def test_what_is_refused_for_good_is_not_asked_for_again(channel, files, scope):
    files.keep(b"")
    assert received(channel)[1].state == "refused"
    assert files_replay(Attachment.objects.all()) == 0
    assert not Event.objects.filter(type="chat.system.work_given_up").exists()


def test_a_file_of_a_message_that_was_deleted_meanwhile_is_not_fetched_again(lost, files):
    Message.objects.update(deleted_at=now())
    assert files_replay(Attachment.objects.all()) == 1
    before = len(files.seen)
    file_process(lost.id)
    assert (Attachment.objects.get().reason, len(files.seen)) == ("message_deleted", before)


def test_a_storage_that_is_away_for_long_costs_no_file(channel, files, scope, monkeypatch):
    files.keep(picture())
    waiting = Attachment.objects.get(message=accept(channel, sent()).message)
    with monkeypatch.context() as full:
        full.setattr(default_storage, "save", no_space)
        for _ in range(2 * MOST_LEASES):
            Attachment.objects.update(due_at=now())
            file_process(waiting.id)
            waiting.refresh_from_db()
            assert (waiting.state, waiting.attempts, waiting.leases, waiting.claim) == ("remote", 0, 0, None)
            assert timedelta(seconds=30) < waiting.due_at - now() <= timedelta(seconds=60)
    Attachment.objects.update(due_at=now())
    assert file_process(waiting.id).state == "stored"


def test_a_storage_that_is_away_makes_no_dead_letter(channel, stored, monkeypatch):
    message = agent_reply(stored.message.conversation_id, None, Content.model_validate(stored.message.content))
    monkeypatch.setattr(type(channel.adapter), "send", lambda *_: SendResult("wamid.OUT"))
    monkeypatch.setattr(type(channel.adapter), "upload", lambda *_: "901")
    with monkeypatch.context() as away:
        away.setattr(default_storage, "exists", no_space)
        away.setattr("messaging.media.outgoing._takes", lambda limits, mime, size: mime == "image/jpeg")
        assert deliver(message.conversation_id) == 0
        row = Delivery.objects.get()
        assert (row.status, row.attempts, row.error_code) == ("queued", 0, "")
    Delivery.objects.update(due_at=now())
    assert deliver(message.conversation_id) == 1


def test_a_file_that_is_not_there_is_no_trouble_of_the_storage(stored):
    with pytest.raises(FileNotFoundError), attachments.storage_asked():
        raise FileNotFoundError


def no_space(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")
