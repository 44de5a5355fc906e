"""Uploads of visitors and integrators: who may, how much, and that a message takes a file once."""

from __future__ import annotations

import datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from conversations.files.attachments import NEVER
from conversations.files.media_links import attachment_id_for, attachment_id_linked, media_link
from conversations.models import Attachment, Message
from messaging import sweep
from messaging.accept import accept
from messaging.media.fetch import file_process
from messaging.webchat import rules as webchat
from messaging.webchat.uploads import ticket_read, visitor_upload
from tenants.storage.db import new_id, now
from tests.conftest import Api
from tests.factories import ChannelFactory, ConversationFactory
from tests.messaging.media.platform import link_of, path_of, picture, sent

pytestmark = pytest.mark.django_db

SHOP = "https://shop.example.com"


class Page:
    """A visitor's browser."""

    def __init__(self, channel):
        self.client, self.base = Api(), f"/api/v2/webchat/{channel.key}"
        self.headers = {"Origin": SHOP}
        self.token = Api.data_of(self.post("session"))["visitor_token"]

    def post(self, path, body=None, **headers):
        token = {"Authorization": f"Bearer {self.token}"} if hasattr(self, "token") else {}
        return self.client.post(f"{self.base}/{path}", body or {}, headers={**self.headers, **token, **headers})

    def ticket(self, size=10, **described):
        return self.post("files", {"name": "lamp.png", "type": "image/png", "size": size, **described})

    def put(self, ticket, body):
        url = Api.data_of(ticket)["url"]
        return self.client.post(url, body, content_type="application/octet-stream", headers=self.headers)

    def upload(self, body, **described):
        return self.put(self.ticket(**described), body)

    def send(self, file, cid="c1", text=""):
        return self.post("messages", {"t": "send", "cid": cid, "kind": "file", "files": [file], "text": text})


@pytest.fixture
def shop(tenant):
    return ChannelFactory(tenant=tenant, key="ch_01HABC", config={"allowed_origins": [SHOP]})


@pytest.fixture
def page(shop):
    return Page(shop)


def outcome(response):
    return response.status_code, (Api.error_of(response) or {}).get("code", "")


# ------------------------------------------------------------------------------ visitors


def test_a_visitor_sends_a_picture(page, scope, browser):
    stored = Api.data_of(page.upload(picture("JPEG")))
    assert (stored["name"], stored["type"], stored["size_bytes"]) == (
        "lamp.png.jpg",
        "image/jpeg",
        len(picture("JPEG")),
    )
    assert browser.get(path_of(stored["url"])).status_code == 200
    ack = Api.data_of(page.send(stored["file"], text="My lamp"))
    assert (ack["seq"], ack["duplicate"]) == (1, False)
    message = Message.objects.get()
    assert (message.content_type, message.text) == ("image", "My lamp")
    assert message.content["media"]["url"] == f"media:{stored['file']}"
    attachment = Attachment.objects.get()
    assert (attachment.message_id, attachment.due_at) == (message.id, NEVER)
    (frame,) = Api.data_of(page.client.get(f"{page.base}/messages", headers=headers_of(page)))["messages"]
    assert frame["content"]["media"]["url"] == link_of(message)["url"]


def headers_of(page):
    return {**page.headers, "Authorization": f"Bearer {page.token}"}


def test_the_same_message_again_is_the_same_message(page, scope):
    file = Api.data_of(page.upload(picture()))["file"]
    page.send(file)
    assert Api.data_of(page.send(file))["duplicate"] is True
    assert Message.objects.count() == 1


def test_a_file_goes_into_one_message_only(page, scope):
    file = Api.data_of(page.upload(picture()))["file"]
    page.send(file)
    assert outcome(page.send(file, cid="c2")) == (409, "media_used")
    assert Message.objects.count() == 1


def test_another_visitors_file_is_not_there(page, shop, scope):
    file = Api.data_of(page.upload(picture()))["file"]
    other = Page(shop)
    assert outcome(other.send(file)) == (404, "media_not_found")
    assert Attachment.objects.get().message_id is None


def test_a_visitor_cannot_take_a_file_of_the_house(page, api, tenant, scope):
    own = Api.data_of(given(api(tenant), picture()))["id"]
    assert outcome(page.send(own)) == (404, "media_not_found")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"<svg/>", 422, "type_refused"),
        (b"<html>", 422, "type_refused"),
        (b"MZ\x90\0" + bytes(99), 422, "type_refused"),
        (b"", 422, "empty"),
        (picture()[:20], 422, "image_broken"),
        (bytes(2001), 413, "too_large"),
    ],
    ids=["svg", "html called png", "program", "nothing", "broken", "too large"],
)
def test_what_is_not_taken_is_said_with_a_code(page, settings, scope, body, status, code):
    settings.ENV = {**settings.ENV, "MEDIA_MAX_BYTES": 2000}
    assert outcome(page.upload(body)) == (status, code)
    assert not Attachment.objects.exists()


def test_a_file_that_is_too_large_is_refused_before_it_comes(page, settings):
    settings.ENV = {**settings.ENV, "MEDIA_MAX_BYTES": 2000}
    assert outcome(page.ticket(size=2001)) == (413, "too_large")


@pytest.mark.parametrize("described", [{"size": -1}, {"size": "big"}, {"name": "x" * 300}])
def test_a_ticket_needs_a_sensible_description(page, described):
    assert outcome(page.ticket(**described)) == (400, "validation_error")


def test_a_ticket_is_good_for_one_file_on_its_channel_for_a_while(page, shop, tenant, scope, monkeypatch):
    ticket = page.ticket()
    first = Api.data_of(page.put(ticket, picture()))
    assert Api.data_of(page.put(ticket, picture()))["file"] == first["file"]  # sent again: the same
    assert outcome(page.put(ticket, picture("JPEG"))) == (409, "ticket_used")
    signed = Api.data_of(ticket)["url"].rsplit("/", 1)[1]
    other = ChannelFactory(tenant=tenant, config={"allowed_origins": [SHOP]})
    for wrong in (
        f"/api/v2/webchat/{other.key}/files/{signed}",
        f"{page.base}/files/{signed}x",
        f"{page.base}/files/x",
    ):
        answer = page.client.post(wrong, picture(), content_type="application/octet-stream", headers=page.headers)
        assert outcome(answer) == (401, "invalid_ticket")
    monkeypatch.setattr("messaging.webchat.uploads.TICKET_S", -1)
    assert outcome(page.put(ticket, picture())) == (401, "invalid_ticket")


def test_another_site_may_not_upload(page):
    ticket = page.ticket()
    page.headers = {"Origin": "https://evil.example"}
    assert outcome(page.put(ticket, picture())) == (403, "origin_not_allowed")
    assert outcome(page.ticket()) == (403, "origin_not_allowed")


def test_a_ticket_needs_a_visitor_and_is_scarce(page):
    answers = [page.ticket().status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]
    page.token = "forged"
    assert outcome(page.ticket())[0] == 401


@pytest.mark.django_db(transaction=True)
def test_an_upload_that_no_message_took_goes_after_a_day(page, scope, calls, storage):
    page.upload(picture())
    attachment = Attachment.objects.get()
    assert attachment.due_at - now() > datetime.timedelta(hours=23)
    Attachment.objects.update(due_at=now() - datetime.timedelta(seconds=5))
    sweep.sweep()
    assert calls.of("media") == [attachment.id]
    file_process(attachment.id)
    assert not Attachment.objects.exists()
    assert not [path for path in storage.rglob("*") if path.is_file()]


@pytest.mark.django_db(transaction=True)
def test_an_upload_that_died_half_way_leaves_nothing(page, scope, storage, monkeypatch):
    def dies(*args, **options):
        raise SystemExit

    monkeypatch.setattr("messaging.media.uploads.attachment_settle", dies)
    right = ticket_read(webchat.channel_open("ch_01HABC", None), Api.data_of(page.ticket())["url"].rsplit("/", 1)[1])
    with pytest.raises(SystemExit):
        visitor_upload(webchat.channel_open("ch_01HABC", None), right, [picture()])
    row = Attachment.objects.get()
    assert (row.state, row.message_id) == ("remote", None)
    assert [path for path in storage.rglob("*") if path.is_file()]
    Attachment.objects.update(due_at=now())
    file_process(row.id)
    assert not Attachment.objects.exists()
    assert not [path for path in storage.rglob("*") if path.is_file()]


# --------------------------------------------------------------------------- integrators


def given(client, body, name="lamp.png", **fields):
    file = SimpleUploadedFile(name, body, content_type="image/png")
    return client.post("/api/v2/media", {"file": file, **fields}, format="multipart")


@pytest.mark.parametrize("by", ["address", "url"])
def test_an_integrator_uploads_and_sends_it_for_a_user(api, tenant, shop, scope, by):
    client = api(tenant)
    answer = given(client, picture("JPEG"), channel="web")
    stored = Api.data_of(answer)
    assert (answer.status_code, stored["address"], stored["type"]) == (201, f"media:{stored['id']}", "image/jpeg")
    said = {"type": "image", "media": {"url": stored[by], "type": "image/png", "size_bytes": 7}}
    body = {"user_id": "ada", "channel": "web", "content": said, "message_id": "m1"}
    headers = {"Prefer": "respond-async"}
    assert client.post("/api/v2/chat/message", body, headers=headers).status_code == 202
    message = Message.objects.get()
    assert Attachment.objects.get().message_id == message.id
    assert message.content["media"]["url"] == stored["address"]
    assert (message.content["media"]["type"], message.content["media"]["size_bytes"]) == (
        "image/jpeg",
        stored["size_bytes"],
    )
    assert (
        client.post("/api/v2/chat/message", body, headers=headers).status_code == 202
    )  # the same id: the same message
    again = client.post("/api/v2/chat/message", {**body, "message_id": "m2"}, headers=headers)
    assert outcome(again) == (409, "media_used")
    assert Message.objects.count() == 1


def test_a_link_that_ran_out_still_names_its_file_and_a_forged_one_none(settings):
    settings.PUBLIC_URL = "https://chat.example.com"
    file = new_id()
    link = media_link(file, ttl_s=-1)
    assert attachment_id_for(link.rpartition("/")[2]) is None
    assert attachment_id_linked(f"{link}?size=thumb") == file
    assert attachment_id_linked(link[:-1] + ("A" if link[-1] != "A" else "B")) is None
    assert attachment_id_linked(link.replace("chat.example.com", "evil.example.com")) is None


def test_another_tenants_file_is_not_there(api, tenant, other_tenant, shop):
    ChannelFactory(tenant=other_tenant)
    address = Api.data_of(given(api(other_tenant), picture()))["address"]
    content = {"type": "image", "media": {"url": address, "type": "image/png"}}
    answer = api(tenant).post("/api/v2/chat/message", {"user_id": "ada", "channel": "web", "content": content})
    assert outcome(answer) == (404, "media_not_found")


@pytest.mark.parametrize("address", ["media:nonsense", "media:0192f0d0-7b1a-7c3e-9a55-1f0a7a3c9e10", "media:.."])
def test_an_address_of_no_file_is_refused(api, tenant, shop, address):
    content = {"type": "image", "media": {"url": address, "type": "image/png"}}
    answer = api(tenant).post("/api/v2/chat/message", {"user_id": "ada", "channel": "web", "content": content})
    assert outcome(answer) == (404, "media_not_found")


def test_who_sends_an_upload_as_json_is_told_the_form_that_is_taken(api, tenant):
    response = api(tenant).post("/api/v2/media", {"file": "x"})
    assert "multipart/form-data" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("send", "status", "code"),
    [
        (lambda client: given(client, b"<svg/>"), 422, "type_refused"),
        (lambda client: given(client, bytes(3000)), 413, "too_large"),
        (lambda client: given(client, bytes(300_000)), 413, "too_large"),
        (lambda client: given(client, picture(), channel="fax"), 422, "channel_not_configured"),
        (lambda client: client.post("/api/v2/media", {"x": "y"}, format="multipart"), 400, "validation_error"),
        (lambda client: client.post("/api/v2/media", {"file": "x"}), 415, "unsupported_media_type"),
    ],
    ids=["svg", "too large", "far too large", "channel", "no file", "json"],
)
def test_a_bad_upload_is_refused_with_a_code(api, tenant, shop, settings, send, status, code):
    settings.ENV = {**settings.ENV, "MEDIA_MAX_BYTES": 2000}
    assert outcome(send(api(tenant))) == (status, code)


def test_uploading_needs_its_permission(api, tenant, shop):
    assert given(api(tenant, "messages:read"), picture()).status_code == 403
    assert given(api(), picture()).status_code == 401


def test_an_agent_sends_a_file_of_the_house_but_no_other_persons(api, tenant, shop, page, scope):
    conversation = ConversationFactory(tenant=tenant, channel=shop)
    client, path = api(tenant), f"/api/v2/chat/conversations/{conversation.id}/messages"
    own, theirs = Api.data_of(given(client, picture()))["id"], Api.data_of(page.upload(picture()))["file"]

    def reply(file):
        media = {"url": f"media:{file}", "type": "application/pdf"}
        return client.post(path, {"content": {"type": "image", "media": media}})

    answer = reply(own)
    assert answer.status_code == 201
    assert Api.data_of(answer)["content"]["media"]["type"] == "image/png"
    assert reply(own).status_code == 201  # as often as they like
    assert outcome(reply(theirs)) == (404, "media_not_found")


def test_a_file_that_is_still_with_the_platform_cannot_be_sent_on(channel, files, api, tenant, scope):
    message = accept(channel, sent()).message
    content = {"type": "image", "media": {"url": message.content["media"]["url"], "type": "image/png"}}
    path = f"/api/v2/chat/conversations/{message.conversation_id}/messages"
    assert outcome(api(tenant).post(path, {"content": content})) == (404, "media_not_found")


@pytest.mark.django_db(transaction=True)
def test_an_upload_is_repeated_only_with_the_same_bytes(api, tenant, shop):
    client, headers = api(tenant), {"Idempotency-Key": "k-1"}

    def send(body, name="lamp.txt", **fields):
        file = SimpleUploadedFile(name, body, "text/plain")
        return client.post("/api/v2/media", {"file": file, **fields}, format="multipart", headers=headers)

    first, again = send(b"one and two"), send(b"one and two")
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert Attachment.objects.unscoped().count() == 1
    for other in (send(b"six or nine"), send(b"one and two", name="lump.txt"), send(b"one and two", channel="web")):
        assert (other.status_code, Api.error_of(other)["code"]) == (422, "idempotency_mismatch")


@pytest.mark.parametrize("size", [3_000, 300_000], ids=["in a chunk", "by its length"])
def test_a_large_upload_under_a_key_is_stopped_as_early(api, tenant, shop, settings, size):
    settings.ENV = {**settings.ENV, "MEDIA_MAX_BYTES": 2000}
    file = SimpleUploadedFile("lamp.txt", bytes(size), "text/plain")
    answer = api(tenant).post("/api/v2/media", {"file": file}, format="multipart", headers={"Idempotency-Key": "k"})
    assert (answer.status_code, Api.error_of(answer)["code"]) == (413, "too_large")
