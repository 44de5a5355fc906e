"""What surrounds the words, on every channel, both ways through the twin (MSG-8): a quote, a form, a file and an edit come
in, and are read by API and engine; a quote and a file go out as the platform has them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels_app.content.surroundings import Quote
from channels_app.content.types import Content, Media, text
from channels_app.registry import KINDS
from channels_app.twin.platforms import messenger, sms, teams
from conversations.models import Attachment, Message
from messaging.rules.agent_replies import agent_reply
from messaging.turns import thinking
from tenants.scope import tenant_scope
from tests.journeys.connected import Connected, work

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLES = sorted(set(KINDS) - {"web", "voice"})  # kinds with a twin on which people write
FORM = json.dumps({"day": "Friday"})
FILES: dict[str, dict[str, Any]] = {
    "messenger": {"message": {"message": {"attachments": [
        {"type": "image", "payload": {"url": "{url}/messenger/media/" + messenger.PHOTO + ".gif"}}]}}},
    "slack": {"message": {"text": "", "subtype": "file_share", "files": [
        {"id": "F0TWINTXT", "name": "a.txt", "mimetype": "text/plain", "size": 6}]}},
    "sms": {"media": sms.MEDIA},
    "teams": {"message": {"attachments": [{"contentType": "application/vnd.microsoft.teams.file.download.info", "name": "a.pdf", "content": {
        "downloadUrl": "{url}/teams/files/" + teams.FILE, "fileType": "pdf"}}]}},
    "webhook": {"message": {"type": "image", "media": {"url": "{url}/integrator/files/picture.gif", "type": "image/gif"}}},
    "whatsapp": {"message": {"type": "image", "image": {"id": "900000000000001", "mime_type": "image/png"}}},
}  # fmt: skip


def quoting(kind: str, said: str) -> dict[str, Any] | None:
    """What a person says who quotes the message ``said``; None where the platform has no quotes."""
    channel, _, ts = said.rpartition(":")
    return {
        "whatsapp": {"message": {"type": "text", "text": {"body": "this one"}, "context": {"id": said}}},
        "messenger": {"message": {"message": {"text": "this one", "reply_to": {"mid": said}}}},
        "slack": {"text": "this one", "thread_ts": ts, "channel": channel},
        "teams": {"message": {"text": f'<quoted messageId="{said}"/> this one'}},
        "webhook": {"event": {"type": "message", "content": {"type": "text", "text": "this one"}, "reply_to": said}},
    }.get(kind)


def form(kind: str) -> dict[str, Any] | None:
    """What a person sends off who has filled in a form; None where the platform has none."""
    flow = {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": FORM}}
    picked = {"day": {"type": "plain_text_input", "value": "Friday"}}
    return {
        "whatsapp": {"message": {"type": "interactive", "interactive": flow}},
        "messenger": {"message": {"messaging_feedback": {"feedback_screens": [{"questions": {"day": {"payload": "Friday"}}}]}}},
        "slack": {"message": {"type": "view_submission", "view": {
            "id": "V1", "hash": "h", "callback_id": "visit", "state": {"values": {"b": picked}}}}},
        "teams": {"message": {"value": {"day": "Friday"}}},
        "webhook": {"message": {"type": "text", "text": "day: Friday", "form": {
            "answers": [{"name": "day", "value": "Friday"}]}}},
    }.get(kind)  # fmt: skip


def edit(kind: str, said: str, line: Connected) -> dict[str, Any] | None:
    """What a person does who corrects the message ``said``; None where the platform has no edits."""
    channel, _, ts = said.rpartition(":")
    user = f"U{line.platform.person[1:]}"
    old, new = ({"user": user, "ts": ts, "text": words} for words in ("red", "blue"))
    return {
        "whatsapp": {"message": {"type": "edit", "edit": {
            "original_message_id": said, "message": {"type": "text", "text": {"body": "blue"}}}}},
        "messenger": {"message": {"message_edit": {"mid": said, "text": "blue", "num_edit": 1}}},
        "slack": {"channel": channel, "message": {
            "subtype": "message_changed", "message": new, "previous_message": old}},
        "teams": {"message": {"type": "messageUpdate", "id": said, "text": "blue",
                              "channelData": {"eventType": "editMessage"}}},
        "webhook": {"event": {"type": "edit", "target": said, "content": {"type": "text", "text": "blue"}}},
    }.get(kind)  # fmt: skip


def native_quote(kind: str, body: dict[str, Any], said: str) -> bool:
    """Whether what the platform got quotes the message ``said`` as the platform's own quotes do."""
    return {
        "whatsapp": lambda: body["context"] == {"message_id": said},
        "messenger": lambda: body["reply_to"] == {"mid": said},
        "teams": lambda: body["entities"] == [{"type": "quotedReply", "quotedReply": {"messageId": said}}],
        "webhook": lambda: body["reply_to"] == said,
        "slack": lambda: body["text"] == "&gt; red\n\nblue",
        "sms": lambda: body["Body"] == "> red\n\nblue",
    }[kind]()


@pytest.fixture(params=PEOPLES)
def line(request, connected) -> Connected:
    return connected(request.param)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the engine was asked, the last question last."""
    questions: list[Any] = []
    real = thinking.engine_for

    class Listening:
        name = "listening"

        def __init__(self, settings: Any) -> None:
            self.engine = real(settings)

        def respond(self, request: Any) -> Any:
            questions.append(request)
            return self.engine.respond(request)

    monkeypatch.setattr(thinking, "engine_for", Listening)
    return questions


def everything(line: Connected, client: Any) -> list[dict[str, Any]]:
    """All messages of the channel, over REST."""
    found = []
    for conversation in client.data_of(client.get("/api/v2/chat/conversations"))["items"]:
        path = f"/api/v2/chat/conversations/{conversation['id']}/messages"
        found += client.data_of(client.get(path))["items"]
    return found


@pytest.mark.parametrize("kind", [kind for kind in PEOPLES if quoting(kind, "")])
def test_a_quote_comes_in(kind, connected, api, asked) -> None:
    line = connected(kind)
    line.ask(**(quoting(kind, line.ask("red or blue?")) or {}))
    first = next(one for one in everything(line, api(line.tenant)) if one["content"]["text"] == "red or blue?")
    quote = next(one for one in everything(line, api(line.tenant)) if one["content"]["text"] == "this one")
    assert quote["reply_to"] == first["id"]
    assert quote["content"]["quote"] == {"message_id": first["id"], "author": "visitor", "text": "red or blue?"}
    assert asked[-1].contents[-1].quote.text == "red or blue?"


@pytest.mark.parametrize("kind", [kind for kind in PEOPLES if form(kind)])
def test_a_form_comes_in(kind, connected, api, asked) -> None:
    line = connected(kind)
    line.ask(**(form(kind) or {}))
    [filled] = line.inbound()
    assert "Friday" in filled.text
    shown = next(one for one in everything(line, api(line.tenant)) if one["direction"] == "inbound")
    assert [one["value"] for one in shown["content"]["form"]["answers"]] == ["Friday"]
    assert asked[-1].contents[-1].form.answers[0].value == "Friday"


def test_a_file_comes_in(line, api) -> None:
    told = json.loads(json.dumps(FILES[line.channel.kind]).replace("{url}", line.twin.url))
    line.ask(**told)
    [shown] = [one for one in everything(line, api(line.tenant)) if one["direction"] == "inbound"]
    assert [one["state"] for one in shown["attachments"]] == ["stored"]
    assert shown["content"]["media"]["url"].startswith("http")
    with tenant_scope(line.tenant.id):
        assert Attachment.objects.get().size > 0


@pytest.mark.parametrize("kind", [kind for kind in PEOPLES if kind != "sms"])
def test_an_edit_comes_in(kind, connected, api) -> None:
    line = connected(kind)
    line.ask(**(edit(kind, line.ask("red"), line) or {}))
    [edited] = line.inbound()
    assert (edited.text, edited.edited_at is not None) == ("blue", True)


def test_a_quote_goes_out(line) -> None:
    said = line.ask("red")
    with tenant_scope(line.tenant.id):
        asked = Message.objects.get(direction="inbound")
        agent_reply(asked.conversation_id, None, text("blue", quote=Quote(message_id=asked.id)))
    work(line.tenant)
    assert native_quote(line.channel.kind, dict(line.twin.sent[-1]["body"]), said)


def test_a_file_goes_out(line) -> None:
    line.ask("red")
    # Slack's files are uploaded by us; the others fetch them, or are told the address
    address = f"{line.twin.url}/messenger/media/{messenger.PHOTO}.gif"
    url = address if line.channel.kind == "slack" else "https://cdn.example.test/a%20list.pdf"
    mime = "application/pdf"
    with tenant_scope(line.tenant.id):
        asked = Message.objects.get(direction="inbound")
        agent_reply(asked.conversation_id, None, Content(type="file", media=Media(url=url, type=mime, name="list.pdf")))
    work(line.tenant)
    assert set(line.deliveries()) <= {"sent", "delivered", "read"}
    assert "list.pdf" in json.dumps(line.twin.sent[-1]["body"]) or "a%20list.pdf" in json.dumps(
        line.twin.sent[-1]["body"]
    )
