"""The web chat over HTTP: who may begin, as whom, and that repeats store nothing twice."""

from __future__ import annotations

import time

import pytest

from channels_app.selectors import channels_forget
from conversations.models import Conversation, Message, Note
from messaging import webchat
from messaging.control import conversation_end
from tenants import buckets
from tests.conftest import Api
from tests.factories import ChannelFactory

SHOP = "https://shop.example.com"
SECRET = "widget-identity-secret-0001"
CID = "0192f0d0-7b1a-4c3e-9a55-1f0a7a3c9e10"


@pytest.fixture
def channel(tenant):
    return ChannelFactory(
        tenant=tenant, key="ch_01HABC", config={"allowed_origins": [SHOP]}, secrets={"identity_secret": SECRET}
    )


@pytest.fixture
def page(channel):
    return Page(channel)


class Page:
    """A page with the widget: calls with its origin and, once there is a session, its token."""

    def __init__(self, channel, origin=SHOP):
        self.client, self.base, self.token = Api(), f"/api/v2/webchat/{channel.key}", ""
        self.headers = {"Origin": origin} if origin else {}

    def session(self, **body):
        response = self.client.post(f"{self.base}/session", body, headers=self.headers)
        self.token = (Api.data_of(response) or {}).get("visitor_token", "")
        return response

    def begin(self, **body):
        return Api.data_of(self.session(**body))

    def say(self, text, cid=CID, **frame):
        frame = {"t": "send", "cid": cid, "kind": "text", "text": text, **frame}
        return self.client.post(f"{self.base}/messages", frame, headers=self._known())

    def rate(self, **frame):
        return self.client.post(f"{self.base}/messages", {"t": "rate", "cid": "r1", **frame}, headers=self._known())

    def read(self, **query):
        return self.client.get(f"{self.base}/messages", query, headers=self._known())

    def _known(self):
        return {**self.headers, "Authorization": f"Bearer {self.token}"}


def proof(channel, user_id="user-4711", ts=None, secret=SECRET):
    ts = int(time.time()) if ts is None else ts
    return {"user_id": user_id, "ts": ts, "sig": webchat.identity_signature(secret, channel.key, user_id, ts)}


def outcome(response):
    return response.status_code, (Api.error_of(response) or {}).get("code")


# --------------------------------------------------------------------------- sessions


def test_a_session_says_all_a_widget_needs(page, channel):
    data = page.begin(locale="de-DE", page={"url": f"{SHOP}/cart"})
    assert (data["conversation"], data["last_seq"], data["expires_in"]) == (None, 0, 30 * 24 * 3600)
    assert data["socket_url"] == f"/ws/chat/{channel.key}/"
    assert {"title", "color", "bot_name", "locale", "greeting", "position"} <= data["config"].keys()


def test_the_token_goes_on_with_the_same_visitor(page):
    token = page.begin()["visitor_token"]
    page.say("Hello")
    assert page.begin(visitor_token=token)["last_seq"] == 1


def test_logging_out_makes_somebody_new(page):
    token = page.begin()["visitor_token"]
    page.say("Hello")
    assert page.begin(visitor_token=token, identity=None)["conversation"] is None


@pytest.mark.parametrize("origin", ["https://evil.example.com", "http://shop.example.com", "null", ""])
def test_a_foreign_page_is_refused(channel, origin):
    response = Page(channel, origin).session()
    assert outcome(response) == (403, "origin_not_allowed")
    assert "Access-Control-Allow-Origin" not in response


def test_an_unknown_channel_is_not_found(page, channel):
    page.base = "/api/v2/webchat/nothing"
    assert outcome(page.session()) == (404, "channel_not_found")


def test_new_visitors_are_scarce_per_address_but_known_ones_may_reload(page):
    token = page.begin()["visitor_token"]
    answers = [page.session() for _ in range(30)]
    assert [answer.status_code for answer in answers] == [200] * 29 + [429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert answers[-1]["Access-Control-Allow-Origin"] == SHOP
    assert page.session(visitor_token=token).status_code == 200


def test_a_page_may_ask_before_it_calls(page):
    response = page.client.options(f"{page.base}/messages", headers=page.headers)
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (204, SHOP)
    assert "authorization" in response["Access-Control-Allow-Headers"]
    refused = page.client.options(f"{page.base}/messages", headers={"Origin": "https://evil.example.com"})
    assert (refused.status_code, refused.has_header("Access-Control-Allow-Origin")) == (403, False)


# --------------------------------------------------------------------------- identity


def test_the_published_vector():
    assert (
        webchat.identity_signature(SECRET, "ch_01HABC", "user-4711", 1763690000)
        == "61849bbf803ad8dd4c245c71509977e85dd3ab5de3799a0eac93bdbe70413d0c"
    )


def test_a_proved_user_is_the_same_person_in_every_browser(page, channel):
    page.begin(identity=proof(channel))
    page.say("Hello")
    assert Page(channel).begin(identity=proof(channel))["last_seq"] == 1
    assert Page(channel).begin(identity=proof(channel, "user-4712"))["last_seq"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"sig": ""},
        {"sig": "0" * 64},
        {"sig": "ü"},
        {"user_id": "user-1"},
        {"ts": int(time.time()) - 1},
        {"ts": 1763690000, "sig": "61849bbf803ad8dd4c245c71509977e85dd3ab5de3799a0eac93bdbe70413d0c"},
    ],
    ids=["no proof", "wrong proof", "not ASCII", "another user", "another time", "years old"],
)
def test_an_unproved_user_is_refused(page, channel, wrong):
    assert outcome(page.session(identity={**proof(channel), **wrong})) == (403, "identity_unproved")


@pytest.mark.parametrize(("age", "status"), [(24 * 3600 - 60, 200), (25 * 3600, 403), (-200, 200), (-400, 403)])
def test_a_proof_holds_a_day(page, channel, age, status):
    assert page.session(identity=proof(channel, ts=int(time.time()) - age)).status_code == status


def test_nobody_can_be_proved_without_a_secret(page, channel):
    channel.secrets = {}
    channel.save()
    channels_forget()
    assert outcome(page.session(identity=proof(channel, secret=""))) == (403, "identity_unproved")


def test_what_was_said_before_the_login_goes_on_after_it(page, channel):
    token = page.begin()["visitor_token"]
    page.say("Hello")
    data = page.begin(visitor_token=token, identity=proof(channel))
    assert data["last_seq"] == 1
    assert Api.data_of(page.say("Hello"))["duplicate"] is True
    assert Page(channel).begin(visitor_token=token)["conversation"] is None


# --------------------------------------------------------------------------- messages


def test_a_message_is_stored_once_however_often_it_is_sent(page, scope):
    page.begin()
    acks = [Api.data_of(page.say("Hello")) for _ in range(3)]
    assert [ack["duplicate"] for ack in acks] == [False, True, True]
    assert {ack["seq"] for ack in acks} == {1}
    assert Message.objects.count() == 1


def test_other_words_under_the_same_cid_are_a_conflict(page, scope):
    page.begin()
    page.say("Hello")
    assert outcome(page.say("Goodbye")) == (409, "cid_conflict")
    assert Message.objects.get().text == "Hello"


def test_a_picked_option_comes_back_as_its_value(page, scope):
    page.begin()
    page.say("Billing", kind="action", action={"id": "qr:1", "value": "billing"})
    assert Message.objects.get().content["choice"] == {"value": "billing", "title": "Billing"}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"text": "\u200b \n"}, "empty_message"),
        ({"text": "a" * 4001}, "too_long"),
        ({"text": "a" * 9000}, "validation_error"),
        ({"text": "hi", "kind": "file", "files": ["f_1"]}, "validation_error"),
        ({"text": "hi", "kind": "action"}, "validation_error"),
        ({"text": "hi", "cid": "agent:1"}, "validation_error"),
        ({"text": "hi", "t": "dance"}, "validation_error"),
    ],
    ids=["invisible", "4001 characters", "far too long", "file", "action without value", "foreign id", "unknown type"],
)
def test_what_cannot_be_stored_is_refused_with_a_code(page, scope, frame, code):
    page.begin()
    assert outcome(page.say(**frame)) == (400, code)
    assert not Message.objects.exists()


def test_the_transcript_comes_in_pages_from_either_end(page):
    page.begin()
    for number in range(1, 6):
        page.say(f"Message {number}", cid=f"c{number}")

    def shown(**query):
        data = Api.data_of(page.read(**query))
        return [frame["seq"] for frame in data["messages"]], data["last_seq"], data["has_more"]

    assert shown(after=1, limit=2) == ([2, 3], 5, True)
    assert shown(after=3) == ([4, 5], 5, False)
    assert shown(before=6, limit=3) == ([3, 4, 5], 5, True)
    assert shown(before=3) == ([1, 2], 5, False)


def test_a_deleted_message_leaves_its_number_and_not_its_words(page, scope):
    page.begin()
    page.say("my password is 1234")
    Message.objects.update(deleted_at=Message.objects.get().created_at)
    (frame,) = Api.data_of(page.read())["messages"]
    assert (frame["t"], frame["seq"], "1234" in str(frame)) == ("del", 1, False)


def test_after_the_end_the_next_message_begins_anew(page, scope):
    token = page.begin()["visitor_token"]
    page.say("Hello")
    conversation_end(Conversation.objects.get().id)
    (closed,) = Api.data_of(page.read(after=1))["messages"]
    assert (closed["state"], closed["csat"]) == ("closed", True)
    assert page.begin(visitor_token=token)["conversation"] is None
    assert Api.data_of(page.say("Again", cid="c2"))["seq"] == 1


def test_a_rating_is_kept(page, scope):
    page.begin()
    page.say("Hello")
    for _ in range(2):
        assert Api.data_of(page.rate(score=4, comment="Nice")) == {"t": "ack", "cid": "r1"}
    assert (Conversation.objects.get().satisfaction, Note.objects.count()) == (4, 1)
    assert outcome(page.rate(score=6)) == (400, "validation_error")


def test_a_visitor_who_floods_is_told_to_wait(page, settings, monkeypatch):
    settings.REDIS_URL = ""
    monkeypatch.setattr(buckets.time, "monotonic", lambda: 1000.0)
    page.begin()
    answers = [page.say("Hello", cid=f"c{number}") for number in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]


# --------------------------------------------------------------------- somebody else's


@pytest.mark.parametrize("token", ["", "nonsense", "eyJ2IjoiMSJ9:1:1"], ids=["none", "nonsense", "forged"])
def test_without_a_token_there_is_nothing(page, token):
    page.token = token
    assert page.read().status_code == page.say("Hello").status_code == 401


def test_a_token_is_good_for_its_own_channel_only(page, other_tenant, scope):
    other = Page(ChannelFactory(tenant=other_tenant, config={"allowed_origins": [SHOP]}))
    page.begin()
    page.say("Hello")
    other.token = page.token
    assert outcome(other.read()) == (401, "invalid_token")
    assert outcome(other.session(visitor_token=page.token)) == (401, "invalid_token")


def test_a_token_runs_out(page, monkeypatch):
    page.begin()
    monkeypatch.setattr(webchat, "TOKEN_LIFE_S", -1)
    assert outcome(page.read()) == (401, "invalid_token")


def test_read_marks_only_move_forward(page, scope):
    page.begin()
    page.say("One", cid="c1")
    page.say("Two", cid="c2")
    conversation = Conversation.objects.get()
    assert [webchat.read_mark(conversation.id, conversation.tenant_id, seq) for seq in (2, 1, 9)] == [
        True,
        False,
        False,
    ]
    conversation.refresh_from_db()
    assert conversation.visitor_read_seq == 2
