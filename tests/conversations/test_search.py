"""Search over what was said, as a client of the API does it, on whichever engine runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from channels_app.words.folding import folded
from conversations.models import Message
from conversations.search import find
from conversations.search.find import found_page, wanted
from tenants.scope import NoTenantScope, tenant_scope
from tests.factories import ChannelFactory, ConversationFactory, MessageFactory, TenantFactory

pytestmark = pytest.mark.django_db

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEARCH = "/api/v2/chat/messages"


@pytest.fixture
def say(tenant):
    """``say("words", …)`` makes a message, each a minute after the one before."""
    talk = ConversationFactory(tenant=tenant)
    said = []

    def make(text, *, conversation=None, minute=None, **more):
        place = conversation or talk
        at = BEGAN + timedelta(minutes=len(said) if minute is None else minute)
        more = {"seq": len(said) + 1, "text": text, "words": folded(text), "created_at": at} | more
        content = {"type": "text", "text": text}
        said.append(MessageFactory(conversation=place, tenant=place.tenant, content=content, **more))
        return said[-1]

    return make


@pytest.fixture
def search(api, tenant):
    client = api(tenant)

    def ask(query, **more):
        answer = client.get(SEARCH, {"search_query": query, **more})
        assert answer.status_code == 200, answer.content
        return client.data_of(answer)

    return ask


def texts(page):
    return [item["content"]["text"] for item in page["items"]]


def marked(item):
    return [part["text"] for part in item["snippet"] if part["mark"]]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("ÄRGER mit der Lieferung", "ärger"),
        ("ÄRGER mit der Lieferung", "arger"),
        ("Привет, МОСКВА", "москва"),
        ("Un Cafe\u0301 bitte", "café"),
        ("Un café bitte", "CAFE\u0301"),
        ("Ist das die Straße?", "STRASSE"),
        ("Kuća je kod Đorđa", "dorda"),
        ("私の注文はどこですか", "注文"),
        ("私の注文はどこですか", "文"),
        ("私の注文はどこですか", "注文はどこ"),
        ("我的订单在哪里", "订单"),
        ("สวัสดีครับ", "ครับ"),
        ("मेरा ऑर्डर कहाँ है", "ऑर्डर"),
        ("مُحَمَّد هنا", "محمد"),
        ("주문이 어디에 있나요", "주문"),
        ("Where is AC-10042?", "AC-10042"),
        ("Where is AC-10042?", "ac 100"),
        ("Write to ada@example.com", "ada@example.com"),
        ("My order has not arrived", "arrived order"),
        ("My order has not arrived", "order arr"),
        ("My order has not arrived", '"has not"'),
        ("100 % sure", "100"),
        ("it's o'clock", "o'clock"),
        ("漢字x and more", "漢字x"),
    ],
)
def test_a_message_is_found(say, search, text, query):
    say("Nothing of the kind")
    say(text)
    assert texts(search(query)) == [text]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("My order has not arrived", "order giraffe"),
        ("My order has not arrived", '"not has"'),
        ("My order has not arrived", '"order has not arr"'),
        ("My order has not arrived", "rder"),
        ("My order has not arrived", "arr order"),
        ("My order has not arrived", "a"),
        ("AC-10042", "10042-AC"),
        ("注文", "文注"),
        ("My order has not arrived", "%x"),
        ("snake_case", "snake-caseo"),
        ("हिन्दी", "हन्दी"),
        ("がんばる", "かん"),
    ],
)
def test_what_is_not_meant_is_not_found(say, search, text, query):
    say(text)
    assert texts(search(query)) == []


def test_the_end_of_a_long_text_is_found_and_shown(say, search):
    say("word " * 12_000 + "giraffe at the end")
    [found] = search("giraffe")["items"]
    assert marked(found) == ["giraffe"]
    assert sum(len(part["text"]) for part in found["snippet"]) < 300


def test_what_was_meant_is_marked_in_the_text_as_it_was_written(say, search):
    say("Der CAFÉ-Preis, der Cafe\u0301: das Café; 注文はどこ")
    [found] = search("cafe")["items"]
    assert marked(found) == ["CAFÉ", "Cafe\u0301", "Café"]
    assert "".join(part["text"] for part in found["snippet"]) == found["content"]["text"]
    assert marked(search("注文は")["items"][0]) == ["注文は"]


@pytest.mark.parametrize("query", ["!?", '""', "🙂", " . "])
def test_a_question_without_words_is_refused(api, tenant, query):
    answer = api(tenant).get(SEARCH, {"search_query": query})
    assert (answer.status_code, api().error_of(answer)["code"]) == (400, "search_without_words")


def test_too_many_words_are_refused(api, tenant):
    answer = api(tenant).get(SEARCH, {"search_query": "a1 b2 c3 d4 e5 f6 g7 h8 i9 j1 k2 l3 m4 n5 o6 p7 q8"})
    assert (answer.status_code, api().error_of(answer)["code"]) == (400, "search_too_long")


@pytest.mark.parametrize(
    "query", ['a"b OR "x', "NOT order*", "x') & !'", "words:order", "(order", "^order", "order:*", "q\\'"]
)
def test_signs_mean_nothing_to_the_engine(say, search, query):
    say("something else")
    assert texts(search(query)) == []


# ---------------------------------------------------------------------------- tenants


def test_another_tenants_messages_are_not_found(say, search, other_tenant):
    say("A giraffe of theirs", conversation=ConversationFactory(tenant=other_tenant))
    mine = say("My giraffe")
    assert [item["id"] for item in search("giraffe")["items"]] == [str(mine.id)]


def test_tenants_whose_ids_end_alike_are_kept_apart(say, search, tenant):
    """Words are indexed with the end of the tenant's id."""
    alike = TenantFactory(id=UUID(int=tenant.id.int ^ 1 << 100))
    assert alike.id.hex[-12:] == tenant.id.hex[-12:]
    theirs = [say("giraffe of theirs", conversation=ConversationFactory(tenant=alike)) for _ in range(4)]
    mine = say("giraffe of mine", minute=-1)
    page = search("giraffe", page_size=1)
    assert [item["id"] for item in page["items"]] == [str(mine.id)]
    assert search("giraffe", conversation_id=str(theirs[0].conversation_id))["items"] == []


def test_without_a_scope_nothing_is_looked_for(say):
    say("A giraffe")
    with pytest.raises(NoTenantScope):
        found_page(wanted("giraffe"), size=5, cursor=None, shape=list)


def test_anothers_cursor_is_refused(say, search, api, other_tenant):
    [say("giraffe") for _ in range(3)]
    cursor = search("giraffe", page_size=1)["next_cursor"]
    for client, given in ((api(other_tenant), cursor), (api(other_tenant), "nonsense")):
        answer = client.get(SEARCH, {"search_query": "giraffe", "cursor": given})
        assert (answer.status_code, client.error_of(answer)["code"]) == (400, "invalid_cursor")


def test_it_takes_the_permission_to_read_messages(api, tenant):
    assert api(tenant, "conversations:read").get(SEARCH, {"search_query": "x1"}).status_code == 403
    assert api().get(SEARCH, {"search_query": "x1"}).status_code == 401


# ------------------------------------------------------------------------------ pages


def test_pages_give_each_once_and_the_newest_first(say, search):
    wanted_ids = [str(say(f"giraffe {number}").id) for number in range(7)][::-1]
    found, cursor = [], ""
    for _ in range(4):
        page = search("giraffe", page_size=2, **({"cursor": cursor} if cursor else {}))
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert (found, cursor) == (wanted_ids, None)


def test_filters_narrow_what_is_found(say, search, tenant):
    sms = ConversationFactory(tenant=tenant, channel=ChannelFactory(tenant=tenant, kind="sms"))
    first, by_sms = say("giraffe one"), say("giraffe two", conversation=sms)
    answer = say("giraffe three", role="bot", direction="outbound")

    def ids(**more):
        return [item["id"] for item in search("giraffe", **more)["items"]]

    assert ids(channel="sms") == [str(by_sms.id)]
    assert ids(conversation_id=str(first.conversation_id)) == [str(answer.id), str(first.id)]
    assert ids(role="bot") == [str(answer.id)]
    assert ids(user_id=sms.identity.value) == [str(by_sms.id)]
    assert ids(end_date="2026-03-01T12:00:30Z") == [str(first.id)]
    assert ids(start_date="2026-03-01T12:01:30Z") == [str(answer.id)]


def test_a_page_ends_its_work_and_says_where_to_go_on(say, search, monkeypatch):
    monkeypatch.setattr(find, "MOST", 4)
    monkeypatch.setattr(find, "STEP", 3)
    first = say("giraffe", role="bot", direction="outbound")
    [say("giraffe") for _ in range(6)]
    page = search("giraffe", role="bot", page_size=1)
    assert (page["items"], page["has_next"]) == ([], True)
    page = search("giraffe", role="bot", page_size=1, cursor=page["next_cursor"])
    assert [item["id"] for item in page["items"]] == [str(first.id)]


def test_messages_are_in_order_whenever_they_were_indexed(say, search):
    say("giraffe late", minute=5)
    say("giraffe early", minute=1)
    assert texts(search("giraffe")) == ["giraffe late", "giraffe early"]


# --------------------------------------------------------------------------- kept right


def test_the_present_text_is_found_and_a_former_one_is_not(say, search, scope):
    message = say("A zebra")
    Message.objects.filter(id=message.id).update(
        text="A giraffe", words=folded("A giraffe"), content={"type": "text", "text": "A giraffe"}
    )
    assert (texts(search("zebra")), texts(search("giraffe"))) == ([], ["A giraffe"])


@pytest.mark.parametrize("text", ["", "A lion"])
def test_an_index_that_is_behind_gives_nothing_away(say, search, scope, text):
    """A release from before the index changes a text beside this one."""
    message = say("A zebra")
    Message.objects.filter(id=message.id).update(text=text)
    assert texts(search("zebra")) == []


def test_what_is_deleted_is_not_found(say, search, scope):
    message = say("A giraffe")
    Message.objects.filter(id=message.id).update(deleted_at=BEGAN)
    assert texts(search("giraffe")) == []


def test_a_row_that_goes_leaves_the_others_found(say, search, scope):
    gone, kept = say("A giraffe that goes"), say("A giraffe that stays")
    gone.delete()
    assert texts(search("giraffe")) == [kept.text]


def test_rows_written_together_are_found(say, search, scope):
    with tenant_scope(scope.id):
        base = say("first")
        Message.objects.bulk_create(
            Message(
                tenant=scope, conversation=base.conversation, identity=base.identity, channel=base.channel, seq=100 + number,
                direction="inbound", role="visitor", content_type="text", content={"type": "text", "text": "giraffe"},
                text="giraffe", words=folded("giraffe"),
            )
            for number in range(30)
        )  # fmt: skip
    assert len(search("giraffe", page_size=100)["items"]) == 30
