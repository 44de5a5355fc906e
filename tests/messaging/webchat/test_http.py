"""The web chat over HTTP: who may begin, and that repeats store nothing twice."""

from __future__ import annotations

import pytest

from conversations.models import Conversation, Message, Note
from messaging.rules.control import conversation_end
from messaging.webchat import rules as webchat
from tenants.access import buckets
from tests.conftest import Api
from tests.factories import ChannelFactory
from tests.messaging.webchat.clients import SHOP, Page, outcome

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


def test_every_sub_domain_may_be_allowed_at_once(tenant):
    channel = ChannelFactory(tenant=tenant, config={"allowed_origins": ["https://*.example.com"]})
    page = Page(channel, "https://de.shop.example.com")
    response = page.session()
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (200, "https://de.shop.example.com")
    assert outcome(Page(channel, "https://example.com").session()) == (403, "origin_not_allowed")


def test_an_unknown_channel_is_not_found(page, channel):
    page.base = "/api/v2/webchat/nothing"
    assert outcome(page.session()) == (404, "channel_not_found")


def test_new_visitors_are_scarce_per_address_but_known_ones_may_reload(page, settings, monkeypatch):
    settings.REDIS_URL = ""
    monkeypatch.setattr(buckets.time, "monotonic", lambda: 1000.0)
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
