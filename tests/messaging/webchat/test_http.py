"""The web chat over HTTP: who may begin, and that repeats store nothing twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations.models import Conversation, Message, Note
from messaging.rules.control import conversation_end
from messaging.webchat import rules as webchat
from messaging.webchat.frames import SessionRequest
from tenants.access import buckets
from tenants.storage.db import now
from tenants.tenant_settings import invalidate
from tests.conftest import Api
from tests.factories import ChannelFactory
from tests.messaging.webchat.clients import SHOP, Page, outcome

# --------------------------------------------------------------------------- sessions


def test_a_session_says_all_a_widget_needs(page, channel):
    data = page.begin()
    assert (data["conversation"], data["last_seq"], data["expires_in"]) == (None, 0, 30 * 24 * 3600)
    assert data["socket_url"] == f"/ws/chat/{channel.key}/"
    assert {"title", "color", "bot_name", "locale", "greeting", "position"} <= data["config"].keys()


def test_a_session_asks_for_nothing_that_is_not_read():
    assert set(SessionRequest.model_fields) == {"visitor_token", "identity", "profile"}


def test_what_the_channel_is_configured_to_show_is_told(tenant):
    look = {
        "title": "Ask us", "subtitle": "We like questions", "color": "#112233", "greeting": "Hello!", "locale": "de",
        "position": "left", "launcher_text": "Help", "pages": "path", "privacy_url": "https://shop.example.com/privacy",
        "starters": [{"title": "Track", "payload": "track"}], "pre_chat": [],
        "translations": {
            "de": {
                "title": "Fragen", "subtitle": "Nur zu", "greeting": "Hallo!", "launcher_text": "Hilfe",
                "privacy_url": "https://shop.example.com/datenschutz", "starters": [{"title": "Wo ist sie?"}],
                "triggers": ["Noch Fragen?"],
            },
            "fr": {"subtitle": "Allez-y"},
        },
        "triggers": [{"text": "Any questions?", "after_s": 5, "path": "/cart*", "on_exit": False}], "triggers_a_day": 2,
    }  # fmt: skip
    channel = ChannelFactory(tenant=tenant, config={**look, "allowed_origins": [SHOP]})
    told = Page(channel).begin()["config"]
    german = told["translations"]["de"]
    assert german["triggers"] == [{"text": "Noch Fragen?", "after_s": 5, "path": "/cart*", "on_exit": False}]
    assert {**told, "translations": {**told["translations"], "de": {**german, "triggers": ["Noch Fragen?"]}}} == {
        **look,
        "bot_name": "Assistant",
        "uploads": True,
    }


def test_the_token_goes_on_with_the_same_visitor(page):
    token = page.begin()["visitor_token"]
    page.say("Hello")
    assert page.begin(visitor_token=token)["last_seq"] == 1


@pytest.mark.parametrize(
    ("hours", "rated", "asks", "told"),
    [(23, None, True, True), (25, None, True, False), (1, 4, True, False), (1, None, False, False)],
    ids=["in a day", "later", "rated", "not asked"],
)
def test_a_visitor_is_told_which_conversation_is_to_be_rated(page, scope, hours, rated, asks, told):
    page.begin()
    page.say("Hello")
    assert page.begin(visitor_token=page.token)["unrated"] is None  # it goes on
    conversation = Conversation.objects.get()
    conversation_end(conversation.id)
    at = now() - timedelta(hours=hours)
    Conversation.objects.filter(id=conversation.id).update(ended_at=at, satisfaction=rated)
    scope.settings = {"csat_enabled": asks}
    scope.save()
    invalidate(scope.id)
    answer = page.begin(visitor_token=page.token)
    assert (answer["conversation"], answer["unrated"]) == (None, str(conversation.id) if told else None)


def test_logging_out_makes_a_new_visitor(page):
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


def test_an_app_talks_without_an_origin_where_the_channel_lets_it(tenant):
    channel = ChannelFactory(tenant=tenant, config={"allowed_origins": [SHOP], "without_origin": True})
    app = Page(channel, "")
    response = app.session()
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response
    assert app.say("Hello").status_code == 200
    for origin in ("https://evil.example.com", "null"):  # a page is still asked
        assert outcome(Page(channel, origin).session()) == (403, "origin_not_allowed")


@pytest.mark.parametrize("origins", [["*"], [SHOP]], ids=["every site", "one site"])
def test_no_origin_is_none_of_the_allowed_ones(tenant, origins):
    channel = ChannelFactory(tenant=tenant, config={"allowed_origins": origins})
    assert outcome(Page(channel, "").session()) == (403, "origin_not_allowed")


def test_an_unknown_channel_is_not_found(page, channel):
    page.base = "/api/v2/webchat/nothing"
    assert outcome(page.session()) == (404, "channel_not_found")


@pytest.fixture
def two_an_hour(settings, monkeypatch):
    """Visitors of one address who may begin to write; the clock stands still."""
    settings.REDIS_URL = ""
    settings.ENV = {**settings.ENV, "WEBCHAT_VISITORS_PER_ADDRESS": 2}
    monkeypatch.setattr(buckets.time, "monotonic", lambda: 1000.0)


def test_who_looks_at_a_page_uses_up_nothing(page, two_an_hour):
    assert [page.session().status_code for _ in range(5)] == [200] * 5
    assert page.say("Hello").status_code == 200


def test_new_visitors_who_write_are_scarce_per_address_but_known_ones_go_on(page, channel, two_an_hour):
    page.begin()
    assert [page.say("Hello", cid=f"c{number}").status_code for number in range(5)] == [200] * 5
    second, third = Page(channel), Page(channel)
    second.begin()
    third.begin()
    assert second.say("Hello").status_code == 200
    refused = third.say("Hello")
    assert outcome(refused) == (429, "too_many_visitors")
    assert int(refused["Retry-After"]) == 1800
    assert refused["Access-Control-Allow-Origin"] == SHOP
    assert page.say("Still here", cid="c9").status_code == 200
    third.client.defaults["REMOTE_ADDR"] = "198.51.100.7"
    assert third.say("Hello").status_code == 200


def test_answers_to_the_form_count_as_writing(tenant, two_an_hour):
    form = [{"name": "name", "label": "Name"}]
    channel = ChannelFactory(tenant=tenant, config={"allowed_origins": [SHOP], "pre_chat": form})
    answers = [Page(channel).session(profile={"name": "Ada"}) for _ in range(3)]
    assert [outcome(answer)[0] for answer in answers] == [200, 200, 429]


def test_a_user_the_site_vouches_for_is_never_one_too_many(channel, two_an_hour, proof):
    pages = [Page(channel) for _ in range(3)]
    [page.begin(identity=proof(f"user-{number}")) for number, page in enumerate(pages)]
    assert [page.say("Hello").status_code for page in pages] == [200] * 3


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
        ({"text": "word " * 820}, "too_long"),
        ({"text": "a" * 9000}, "validation_error"),
        ({"text": "hi", "kind": "file", "files": ["f_1"]}, "validation_error"),
        ({"text": "hi", "kind": "action"}, "validation_error"),
        ({"text": "hi", "cid": "agent:1"}, "validation_error"),
        ({"text": "hi", "t": "dance"}, "validation_error"),
    ],
    ids=[
        "invisible",
        "4001 characters",
        "too many words",
        "far too long",
        "file",
        "action without value",
        "foreign id",
        "unknown type",
    ],
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
    stored = Message.objects.get()
    assert (frame["t"], frame["seq"], "1234" in str(frame)) == ("del", 1, False)
    assert (frame["conversation"], frame["of"]) == (str(stored.conversation_id), str(stored.id))


def test_after_the_end_the_next_message_begins_anew(page, scope):
    token = page.begin()["visitor_token"]
    page.say("Hello")
    conversation_end(Conversation.objects.get().id)
    (closed,) = Api.data_of(page.read(after=1))["messages"]
    assert (closed["state"], closed["csat"]) == ("closed", True)
    assert page.begin(visitor_token=token)["conversation"] is None
    assert Api.data_of(page.say("Again", cid="c2"))["seq"] == 1


def test_who_has_rated_before_the_end_is_not_asked_at_it(page, scope):
    page.begin()
    page.say("Hello")
    asked = Conversation.objects.get().id
    page.rate(conversation=str(asked), score=4)
    conversation_end(asked)
    (closed,) = Api.data_of(page.read(after=1))["messages"]
    assert (closed["state"], closed["csat"]) == ("closed", False)


def test_a_rating_is_kept(page, scope):
    page.begin()
    page.say("Hello")
    asked = str(Conversation.objects.get().id)
    for _ in range(2):
        assert Api.data_of(page.rate(conversation=asked, score=4, comment="Nice")) == {"t": "ack", "cid": "r1"}
    assert (Conversation.objects.get().satisfaction, Note.objects.count()) == (4, 1)
    assert outcome(page.rate(conversation=asked, score=6)) == (400, "validation_error")
    assert outcome(page.rate(score=5)) == (400, "validation_error")


def test_a_late_rating_is_of_the_conversation_that_asked_for_it(page, scope):
    page.begin()
    asked = Api.data_of(page.say("Hello"))["conversation"]
    conversation_end(asked)
    page.say("Again", cid="c2")
    assert page.rate(conversation=asked, score=1).status_code == 200
    assert list(Conversation.objects.order_by("created_at").values_list("satisfaction", flat=True)) == [1, None]


def test_no_visitor_rates_or_reads_the_conversation_of_another(page, channel, scope):
    page.begin()
    foreign = Api.data_of(page.say("Hello"))["conversation"]
    other = Page(channel)
    other.begin()
    assert outcome(other.rate(conversation=foreign, score=1)) == (404, "conversation_not_found")
    assert outcome(other.post({"t": "read", "conversation": foreign, "seq": 1})) == (404, "conversation_not_found")
    assert Conversation.objects.values_list("satisfaction", "visitor_read_seq").get() == (None, 0)


def test_a_visitor_who_floods_is_told_to_wait(page, settings, monkeypatch):
    settings.REDIS_URL = ""
    monkeypatch.setattr(buckets.time, "monotonic", lambda: 1000.0)
    page.begin()
    answers = [page.say("Hello", cid=f"c{number}") for number in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]


# --------------------------------------------------------------------- another visitor's


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


@pytest.mark.parametrize(
    ("said", "named", "language"),
    [
        ("hey", "de-AT", "de"), ("Mensch", "de", "de"), ("cancelar pedido", "es", "es"), ("hab ne frage", "de", "de"),
        ("hola", "en", "es"), ("wo ist es", "en", "de"), ("Where is my order, please?", "de", "en"), ("czesc", "pl", "pl"),
    ],
)  # fmt: skip
def test_the_language_that_a_client_names_stands_unless_the_words_clearly_tell_another(
    page, tenant, scope, said, named, language
):
    """The widget names the one it is shown in: "hey" was answered in the tenant's first language (AI-11)."""
    tenant.settings = {"languages": ["en", "de", "es", "fr", "pt"]}
    tenant.save()
    page.begin()
    page.say(said, lang=named)
    assert Message.objects.get(role="visitor").language == language
    action = {
        "t": "send",
        "cid": "c2",
        "kind": "action",
        "action": {"id": "a", "value": "track"},
        "text": "OK",
        "lang": named,
    }
    assert page.post(action).status_code == 200
    assert Message.objects.get(text="OK").language == named[:2]
