"""What surrounds a message (MSG-8): quotes, forms, what a person came from, shared contacts and long texts come in from
the platform, are stored, and reach the API, the events, the engine and the console; quotes go out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.content.surroundings import Quote, Quoted
from channels_app.content.types import Content, text
from channels_app.contract import InboundMessage, Sender, SendResult
from channels_app.models import Channel
from conversations.models import Contact, Event, Message
from messaging.accept import accept
from messaging.deliver import deliver
from messaging.live.frames import message_frame
from messaging.models import Turn
from messaging.respond import respond
from messaging.rules.agent_replies import agent_reply
from messaging.turns import thinking
from messaging.webchat.frames import SendFrame
from messaging.webchat.rules import Visitor, say
from tenants.errors import Invalid
from tenants.storage.db import now
from tests.admin.conftest import url
from tests.factories import ChannelFactory, MembershipFactory, RoleFactory, UserFactory
from tests.messaging.arrivals import arrives, whatsapp_body

pytestmark = pytest.mark.django_db(transaction=True)

FORM = {"guest": "Rita Sol", "day": "Friday", "party": 4, "flow_token": "t-1"}
PRODUCT = {"id": "wamid.A", "referred_product": {"catalog_id": "55", "product_retailer_id": "TENT-3"}}
AD = {"source_type": "ad", "source_id": "4711", "headline": "Tents half price", "ctwa_clid": "CLID"}
CARD = {
    "vcard": "BEGIN:VCARD\nFN:Ivo Reis\nTEL:+15550109999\nEND:VCARD",
    "phones": [{"phone": "+15550109999"}],
}


class Engine:
    name = "test"

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.says: tuple[Content, ...] = (text("answer"),)

    def respond(self, request: Any) -> EngineReply:
        self.asked.append(request)
        return EngineReply(contents=self.says, engine="test")

    @property
    def saw(self) -> Content:
        """The last message that it was asked about."""
        return self.asked[-1].contents[-1]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: made)
    return made


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the platform was given; it takes everything."""
    from channels_app.adapters.whatsapp import WhatsApp

    given: list[Any] = []

    def send(self: Any, payload: Any, config: Any, http: Any) -> SendResult:
        given.append(payload.json)
        return SendResult(f"wamid.OUT{len(given)}")

    monkeypatch.setattr(WhatsApp, "send", send)
    return given


def says(channel: Channel, id: str, words: str = "hello", **parts: Any) -> Message:
    arrives(channel, whatsapp_body(id=id, **({"type": "text", "text": {"body": words}} | parts)))
    return Message.objects.get(platform_message_id=id)


def answered() -> None:
    """The turn that waits is thought about now, and what came of it is sent."""
    Turn.objects.filter(status=Turn.Status.WAITING).update(due_at=now())
    for turn in Turn.objects.filter(status=Turn.Status.WAITING):
        respond(turn.id)
        deliver(turn.conversation_id)


def shown(api: Any, message: Message) -> dict[str, Any]:
    page = api.data_of(api.get(f"/api/v2/chat/conversations/{message.conversation_id}/messages"))
    return next(item for item in page["items"] if item["id"] == str(message.id))


def told(message: Message) -> dict[str, Any]:
    events = Event.objects.filter(type__in=("chat.message.received", "chat.message.sent"))
    return next(event.payload for event in events if event.payload["message_id"] == str(message.id))


@pytest.fixture
def console(client: Any, tenant: Any) -> Callable[[Message], str]:
    user = UserFactory()
    MembershipFactory(tenant=tenant, user=user, role=RoleFactory(tenant=tenant, permissions=["*"]))
    client.force_login(user)

    def page(message: Message) -> str:
        return client.get(url(type(message.conversation), "change", message.conversation_id)).content.decode()

    return page


# ------------------------------------------------------------------------------- quotes in


def test_what_a_person_quotes_reaches_everybody(scope, whatsapp, engine, sent, api, console) -> None:
    first = says(whatsapp, "wamid.A", "red or blue?")
    second = says(whatsapp, "wamid.B", "this one", context={"from": "15550100001", "id": "wamid.A"})
    quote = {"message_id": str(first.id), "author": "visitor", "text": "red or blue?"}
    assert second.reply_to == first.id
    row = shown(api(scope), second)
    assert (row["reply_to"], row["content"]["quote"]) == (str(first.id), quote)
    assert (told(second)["reply_to"], told(second)["carries"]) == (str(first.id), ["quote"])
    answered()
    assert engine.saw.quote == Quote(message_id=first.id, author="visitor", text="red or blue?")
    assert 'class="chat-quoted"' in console(second)


def test_all_that_a_person_quotes_reaches_everybody(scope, whatsapp, engine, sent, api, console) -> None:
    """Teams lets a person quote several messages; one of them we do not have."""
    first, second = says(whatsapp, "wamid.A", "red?"), says(whatsapp, "wamid.B", "blue?")
    strange = Quoted(author="Helper", text="green?")
    quote = Quote(further=(Quoted(), strange))
    who = Sender(first.identity.scheme, first.identity.value, scope=first.identity.scope)
    both = InboundMessage(
        "wamid.C", who, text("both", quote=quote), reply_to="wamid.A", also_quoted=("wamid.B", "wamid.X")
    )
    message = accept(whatsapp, both).message
    known = {"message_id": str(second.id), "author": "visitor", "text": "blue?"}
    kept = shown(api(scope), message)["content"]["quote"]
    assert (kept["message_id"], kept["further"]) == (str(first.id), [known, {"author": "Helper", "text": "green?"}])
    page = console(message)
    assert [words in page for words in ("red?", "blue?", "green?")] == [True, True, True]
    answered()
    assert [one.text for one in engine.saw.quote.further] == ["blue?", "green?"]


def test_what_a_person_takes_back_is_in_no_further_quote_either(scope, whatsapp) -> None:
    says(whatsapp, "wamid.A", "red?")
    taken = says(whatsapp, "wamid.B", "my secret")
    who = Sender(taken.identity.scheme, taken.identity.value, scope=taken.identity.scope)
    both = InboundMessage(
        "wamid.C", who, text("both", quote=Quote(further=(Quoted(),))), reply_to="wamid.A", also_quoted=("wamid.B",)
    )
    quoting = accept(whatsapp, both).message
    assert quoting.content["quote"]["further"][0]["text"] == "my secret"
    arrives(whatsapp, whatsapp_body(id="wamid.D", type="revoke", revoke={"original_message_id": "wamid.B"}))
    quoting.refresh_from_db()
    assert (quoting.content["quote"]["text"], quoting.content["quote"]["further"][0]["text"]) == ("red?", "")
    rows = [*Message.objects.values("content", "metadata", "text"), *Event.objects.values("payload")]
    assert not [row for row in rows if "secret" in str(row)]


def test_a_caller_quotes_one(scope, whatsapp, api) -> None:
    first = says(whatsapp, "wamid.A", "red?")
    quote = {"message_id": str(first.id), "further": [{"text": "made up"}]}
    body = {"content": {"type": "text", "text": "x", "quote": quote}}
    answer = api(scope).post(f"/api/v2/chat/conversations/{first.conversation_id}/messages", body)
    assert (answer.status_code, "quotes_one" in answer.content.decode()) == (400, True)


def test_our_own_words_are_known_by_the_id_that_the_platform_gave_them(scope, whatsapp, engine, sent) -> None:
    says(whatsapp, "wamid.A")
    answered()
    quoting = says(whatsapp, "wamid.B", "that?", context={"id": "wamid.OUT1"})
    ours = Message.objects.get(direction="outbound")
    assert quoting.reply_to == ours.id
    assert quoting.content["quote"] == {"message_id": str(ours.id), "author": "bot", "text": "answer"}


def test_a_quote_of_a_message_that_we_do_not_have_is_told(scope, whatsapp, console) -> None:
    quoting = says(whatsapp, "wamid.B", "this one", context={"id": "wamid.of-before"})
    assert (quoting.reply_to, quoting.content["quote"]) == (None, {"author": "", "text": ""})
    assert "A message that is not here" in console(quoting)


@pytest.mark.parametrize(
    ("mark", "how", "words"),
    [("forwarded", "yes", ">Forwarded<"), ("frequently_forwarded", "often", ">Forwarded many times<")],
)
def test_that_another_one_wrote_it_is_read_by_everybody(
    scope, whatsapp, engine, sent, api, console, mark: str, how: str, words: str
) -> None:
    passed_on = says(whatsapp, "wamid.A", "look", context={mark: True})
    assert shown(api(scope), passed_on)["content"]["forwarded"] == how
    around = api(scope).get(f"/api/v2/chat/messages/{passed_on.id}/surroundings")
    assert around.json()["data"]["forwarded"] == how
    assert told(passed_on)["carries"] == ["forwarded"]
    answered()
    assert engine.saw.forwarded == how
    assert words in console(passed_on)


def test_a_message_that_quotes_nothing_says_nothing_of_it(scope, whatsapp) -> None:
    plain = says(whatsapp, "wamid.A")
    assert plain.content == {"type": "text", "text": "hello", "format": "plain"}
    assert {"reply_to", "carries", "origin"}.isdisjoint(told(plain))


def test_an_edit_keeps_what_surrounds_the_words(scope, whatsapp) -> None:
    says(whatsapp, "wamid.A", "red or blue?")
    says(whatsapp, "wamid.B", "thiss one", context={"id": "wamid.A"})
    changed = {"original_message_id": "wamid.B", "message": {"type": "text", "text": {"body": "this one"}}}
    arrives(whatsapp, whatsapp_body(id="wamid.C", type="edit", edit=changed))
    edited = Message.objects.get(platform_message_id="wamid.B")
    assert (edited.text, edited.content["quote"]["text"]) == ("this one", "red or blue?")


def test_what_a_person_takes_back_is_in_no_quote_either(scope, whatsapp) -> None:
    says(whatsapp, "wamid.A", "my secret")
    says(whatsapp, "wamid.B", "that was it", context={"id": "wamid.A"})
    arrives(whatsapp, whatsapp_body(id="wamid.C", type="revoke", revoke={"original_message_id": "wamid.A"}))
    assert not [row for row in Message.objects.values("content", "metadata", "text") if "secret" in str(row)]
    assert says(whatsapp, "wamid.D", "?", context={"id": "wamid.A"}).content["quote"]["text"] == ""


def test_the_words_of_another_person_are_not_kept_in_a_quote(scope, whatsapp) -> None:
    other = says(whatsapp, "wamid.A", "mine alone", **{"from": "15550107702"})
    quoting = says(whatsapp, "wamid.B", "what?", context={"id": "wamid.A"})
    assert quoting.content["quote"] == {"message_id": str(other.id), "author": "visitor", "text": ""}


def test_the_same_message_again_is_a_repeat_whatever_is_known_of_its_quote_by_then(
    scope, whatsapp, api, engine
) -> None:
    ChannelFactory(tenant=scope, kind="web", name="Website")
    client = api(scope)
    first = client.data_of(client.post("/api/v2/chat/message", {
        "user_id": "ana", "channel": "web", "content": {"type": "text", "text": "red or blue?"}}))  # fmt: skip
    asked = Message.objects.get(text="red or blue?")
    body = {
        "user_id": "ana", "channel": "web", "message_id": "m-2", "conversation_id": first["conversation_id"],
        "content": {"type": "text", "text": "this one", "quote": {"message_id": str(asked.id)}},
    }  # fmt: skip
    answers = [client.post("/api/v2/chat/message", body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    stored = Message.objects.get(client_message_id="m-2")
    assert (stored.reply_to, stored.content["quote"]["text"]) == (asked.id, "red or blue?")


@pytest.mark.parametrize("quote", [{}, {"message_id": "0192f0d0-7b1a-7c3e-9a55-1f0a7a3c9e10"}])
def test_a_caller_cannot_quote_what_is_not_this_persons(quote, scope, whatsapp, api) -> None:
    ChannelFactory(tenant=scope, kind="web", name="Website")
    body = {"user_id": "ana", "channel": "web", "content": {"type": "text", "text": "this one", "quote": quote}}
    client = api(scope)
    refused = client.post("/api/v2/chat/message", body)
    assert (refused.status_code, client.error_of(refused)["code"]) == (400, "quote_unknown")
    assert not Message.objects.exists()


# ------------------------------------------------------------------------------ quotes out


def test_staff_answer_with_a_quote(scope, whatsapp, sent) -> None:
    asked = says(whatsapp, "wamid.B", "red or blue?")
    reply = agent_reply(asked.conversation_id, None, text("blue", quote=Quote(message_id=asked.id)))
    deliver(asked.conversation_id)
    assert (sent[-1]["context"], sent[-1]["text"]["body"]) == ({"message_id": "wamid.B"}, "blue")
    assert (reply.reply_to, reply.content["quote"]["text"]) == (asked.id, "red or blue?")


def test_staff_quote_what_we_said(scope, whatsapp, sent) -> None:
    asked = says(whatsapp, "wamid.B")
    ours = agent_reply(asked.conversation_id, None, text("we open at nine"))
    deliver(asked.conversation_id)
    agent_reply(asked.conversation_id, None, text("I meant ten", quote=Quote(message_id=ours.id)))
    deliver(asked.conversation_id)
    assert sent[-1]["context"] == {"message_id": "wamid.OUT1"}


def test_a_quote_of_marked_words_is_words(scope, whatsapp, sent) -> None:
    asked = says(whatsapp, "wamid.B")
    marked = "**Red** or [blue](https://shop.example/blue):\n- `R1`\n- _B2_ " + "**and more** " * 40
    ours = agent_reply(asked.conversation_id, None, text(marked, format="markdown"))
    deliver(asked.conversation_id)
    quoting = agent_reply(asked.conversation_id, None, text("These", quote=Quote(message_id=ours.id)))
    kept = quoting.content["quote"]["text"]
    assert kept.startswith("Red or blue: • R1 • B2 and more and more")
    assert not set("*_`[(") & set(kept)


def test_the_bot_answers_with_a_quote_of_what_it_answers(scope, whatsapp, engine, sent) -> None:
    engine.says = (text("one", quote=Quote()), text("two"))
    asked = says(whatsapp, "wamid.B", "red or blue?")
    answered()
    assert [body.get("context") for body in sent] == [{"message_id": "wamid.B"}, None]
    assert Message.objects.get(text="one").content["quote"]["message_id"] == str(asked.id)


def test_an_unknown_quote_of_an_engine_leaves_no_person_without_an_answer(scope, whatsapp, engine, sent) -> None:
    engine.says = (text("one", quote=Quote(message_id=scope.id)),)
    says(whatsapp, "wamid.B")
    answered()
    assert len(sent) == 1
    assert Message.objects.get(direction="outbound").analysis["degraded"]


def test_a_quote_without_a_name_on_the_platform_stands_above_the_words(scope, whatsapp, sent, api) -> None:
    asked = says(whatsapp, "wamid.B", "red or blue?")
    unsent = agent_reply(asked.conversation_id, None, text("not out yet"))
    Message.objects.filter(id=unsent.id).update(text="not out yet")
    client = api(scope)
    preview = client.data_of(client.post(f"/api/v2/channels/{whatsapp.id}/preview", {
        "conversation_id": str(asked.conversation_id),
        "content": {"type": "text", "text": "I meant blue", "quote": {"message_id": str(unsent.id)}}}))  # fmt: skip
    assert preview["payloads"][0]["json"]["text"]["body"] == "> not out yet\n\nI meant blue"
    assert "quote → text" in preview["cuts"]


def test_staff_cannot_quote_another_persons_message(scope, whatsapp) -> None:
    other = says(whatsapp, "wamid.A", **{"from": "15550107702"})
    asked = says(whatsapp, "wamid.B")
    with pytest.raises(Invalid) as refused:
        agent_reply(asked.conversation_id, None, text("blue", quote=Quote(message_id=other.id)))
    assert refused.value.code == "quote_unknown"


@pytest.mark.parametrize("member", [{"form": {"name": "x"}}, {"contacts": [{"name": "x"}]}, {"origin": {"kind": "ad"}},
                                    {"full_text": "x"}])  # fmt: skip
def test_what_only_people_tell_is_not_accepted_for_sending(member, scope, whatsapp, api) -> None:
    asked = says(whatsapp, "wamid.B")
    content = {"type": "text", "text": "hello", **member}
    refused = api(scope).post(f"/api/v2/chat/conversations/{asked.conversation_id}/messages", {"content": content})
    assert refused.status_code == 400


# -------------------------------------------------------------------------- forms and origins


def test_a_filled_form_is_read_by_everybody(scope, whatsapp, engine, sent, api, console) -> None:
    flow = {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": json.dumps(FORM)}}
    filled = says(whatsapp, "wamid.C", type="interactive", interactive=flow)
    assert filled.text == "guest: Rita Sol\nday: Friday\nparty: 4"
    answers = [("guest", "Rita Sol"), ("day", "Friday"), ("party", "4")]
    in_api = shown(api(scope), filled)["content"]
    assert [(one["name"], one["value"]) for one in in_api["form"]["answers"]] == answers
    assert told(filled)["carries"] == ["form"]
    assert "Friday" not in json.dumps(told(filled))
    answered()
    assert [(one.name, one.value) for one in engine.saw.form.answers] == answers
    assert "<dd>Friday</dd>" in console(filled)


@pytest.mark.parametrize(
    ("parts", "words"),
    [({"context": PRODUCT}, "TENT-3"), ({"referral": AD}, "Tents half price"), ({"referral": AD}, "CLID")],
)
def test_what_a_person_came_from_is_read_by_everybody(
    parts, words, scope, whatsapp, engine, sent, api, console
) -> None:
    came = says(whatsapp, "wamid.D", "in green?", **parts)
    assert came.text == "in green?"
    assert words in json.dumps(shown(api(scope), came)["content"]["origin"])
    assert words in json.dumps(told(came)["origin"])
    answered()
    assert words in engine.saw.origin.model_dump_json()
    assert words in console(came)


def test_what_a_person_came_from_is_known_of_them_later_on(scope, whatsapp, engine, sent) -> None:
    says(whatsapp, "wamid.D", "in green?", referral=AD)
    answered()
    says(whatsapp, "wamid.E", "and in blue?")
    answered()
    assert engine.asked[-1].profile["came_from"]["title"] == "Tents half price"


def test_a_shared_contact_is_read_by_everybody(scope, whatsapp, engine, sent, api, console) -> None:
    shared = says(whatsapp, "wamid.G", type="contacts", contacts=[CARD])
    assert shared.text == "Contact: Ivo Reis, +15550109999"
    assert shown(api(scope), shared)["content"]["contacts"][0]["phones"] == ["+15550109999"]
    answered()
    assert engine.saw.contacts[0].name == "Ivo Reis"
    assert "Ivo Reis" in console(shared)


@pytest.mark.parametrize(
    ("card", "line"),
    [
        ({"name": {"first_name": "Ivo", "last_name": "Reis"}}, "Contact: Ivo Reis"),
        ({"vcard": "BEGIN:VCARD\r\nN:Reis;Ivo;;;\r\nitem1.TEL;waid=1:+1 555\r\nEND:VCARD"}, "Contact: Ivo Reis, +1 555"),
        ({"vcard": "BEGIN:VCARD\nFN;CHARSET=UTF-8:Re\\,is\\; Iv\n o\nEMAIL:i@example.org\nEND:VCARD"}, "Contact: Re,is; Ivo, i@example.org"),
        ({"vcard": "no card", "phones": [{"wa_id": "15550109999"}]}, "Contact: unnamed, 15550109999"),
        ({"vcard": "BEGIN:VCARD\nFN:Iv\nADR;TYPE=HOME:;;Rua A 1;Lisboa;;1000;PT\nURL:https://iv.example\nBDAY:19900201\nEND:VCARD"}, "Contact: Iv, Rua A 1, Lisboa, 1000, PT, https://iv.example, born 19900201"),
        ({}, "Contact: unnamed"),
    ],
)  # fmt: skip
def test_a_card_is_read_whatever_form_it_has(card, line, scope, whatsapp) -> None:
    assert says(whatsapp, "wamid.G", type="contacts", contacts=[card]).text == line


def test_a_long_text_is_kept_whole(scope, whatsapp, engine, sent, api, console) -> None:
    words = f"{'word ' * 1000}and the end of it"
    long = says(whatsapp, "wamid.H", words)
    assert (long.text, long.content["text"][-1]) == (words, "…")  # what is searched has no end
    assert shown(api(scope), long)["content"]["full_text"] == words
    answered()
    assert engine.saw.full_text == words
    assert "and the end of it" in console(long)
    says(whatsapp, "wamid.I", "well?")
    answered()
    earlier = next(entry.text for entry in engine.asked[-1].history if entry.role == "visitor")
    assert (len(earlier) <= 4096, earlier[-1]) == (True, "…")


def test_many_long_texts_leave_room_for_the_question(scope, whatsapp, engine, sent) -> None:
    for number in range(6):
        says(whatsapp, f"wamid.{number}", f"{number}" * 60_000)
    answered()
    contents = engine.asked[-1].contents
    assert [bool(content.full_text) for content in contents] == [True] * 4 + [False] * 2
    assert all(content.text.endswith("…") for content in contents)


def test_what_a_person_came_from_is_kept_of_a_contact_that_staff_named(scope, whatsapp) -> None:
    says(whatsapp, "wamid.A")
    Contact.objects.update(name="Mrs Sol", profile={"note": "VIP"})
    says(whatsapp, "wamid.D", "in green?", referral=AD)
    profile = Contact.objects.get().profile
    assert (profile["note"], profile["came_from"]["id"]) == ("VIP", "4711")


def test_a_visitor_of_the_widget_quotes_by_number(scope, web) -> None:
    visitor = Visitor("v-1", session_key="s")
    asked = say(web, visitor, SendFrame(t="send", cid="c1", text="red or blue?")).message
    quoting = say(web, visitor, SendFrame(t="send", cid="c2", text="this one", reply_to=asked.seq)).message
    quote = {"message_id": str(asked.id), "author": "visitor", "text": "red or blue?"}
    assert (quoting.reply_to, message_frame(quoting)["content"]["quote"]) == (asked.id, quote)
    assert say(web, visitor, SendFrame(t="send", cid="c2", text="this one", reply_to=asked.seq)).duplicate


def test_a_number_that_is_no_message_costs_the_visitor_nothing(scope, web) -> None:
    visitor = Visitor("v-1", session_key="s")
    said = say(web, visitor, SendFrame(t="send", cid="c1", text="hello", reply_to=99)).message
    assert (said.text, said.reply_to, "quote" in said.content) == ("hello", None, False)


def test_the_root_of_a_thread_is_quoted_by_the_first_message_only(scope, whatsapp, said) -> None:
    root = accept(whatsapp, said("red or blue?", id="wamid.A")).message
    answers = [
        accept(whatsapp, replace(said(words, id=words), thread="T", reply_to="wamid.A", in_thread=True)).message
        for words in ("this one", "and that")
    ]
    assert [answer.reply_to for answer in answers] == [root.id, root.id]
    assert [answer.content.get("quote", {}).get("text") for answer in answers] == ["red or blue?", None]


def test_a_search_finds_the_end_of_a_long_text(scope, whatsapp, client) -> None:
    long = says(whatsapp, "wamid.H", f"{'word ' * 1000}and the last unicorn")
    user = UserFactory(is_staff=True, is_superuser=True)
    client.force_login(user)
    page = client.get(url(Message, "changelist"), {"q": "unicorn"}).content.decode()
    assert str(long.id) in page
