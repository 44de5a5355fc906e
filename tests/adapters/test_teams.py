"""Teams: each kind of activity as a row of a table. Proofs are in test_teams_proof.py, the calls of the
other direction in test_teams_calls.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from channels_app.adapters.teams import inbound
from channels_app.content.surroundings import Quote, Quoted, form_of
from channels_app.content.types import UNKNOWN_FILE, Choice, Content, Media, text
from channels_app.contract import (
    BadPayload,
    Ignored,
    InboundMessage,
    Malformed,
    MediaRef,
    RawRequest,
    Reaction,
    Recipient,
    Revision,
    Sender,
    SendResult,
    Signal,
    StatusUpdate,
)
from tests.adapters.kit import InboundCase, Kit, answer
from tests.adapters.teams_outbound import OUTBOUND, RECIPIENT, TOKEN, TOKEN_URL
from tests.adapters.teams_signing import OPENID, SERVICE_URL, published, sign

TENANT = "11111111-2222-3333-4444-555555555555"
APP = "99999999-0000-4000-8000-000000000009"
NOON = datetime(2026, 11, 21, 1, 53, 20, 123000, tzinfo=UTC)
ALIAS = ("teams", TENANT, "29:1abcUser")
MIRA = Sender("teams", "aaaaaaaa-0000-4000-8000-000000000001", TENANT, name="Mira Voss", aliases=(ALIAS,))
MIRA_WITH_CLIENT = replace(MIRA, profile={"locale": "de-DE", "country": "DE", "timezone": "Europe/Berlin"})
RUI = Sender(
    "teams",
    "aaaaaaaa-0000-4000-8000-000000000002",
    TENANT,
    name="Rui Melo",
    aliases=(("teams", TENANT, "29:1rui"),),
)
PERSONAL, GROUP, ROOM = "a:1personalConv", "19:chat1@thread.v2", "19:room1@thread.tacv2;messageid=1763690000000"
#: the first twelve digits of the SHA-256 of a conversation, without its thread
DIGESTS = {PERSONAL: "9be371747445", GROUP: "cb12780e5408", ROOM: "f69de420edb6"}
KINDS = {PERSONAL: "personal", GROUP: "groupChat", ROOM: "channel"}
PLACES = {
    PERSONAL: {"conversation_type": "personal"},
    GROUP: {"conversation_type": "groupChat"},
    ROOM: {"conversation_type": "channel", "team": "19:team1@thread.tacv2", "channel": "19:room1@thread.tacv2"},
}


def mid(activity_id: str, place: str = PERSONAL) -> str:
    return f"{activity_id}@{DIGESTS[place]}"


MESSAGE, CARD, JUDGED = mid("1763690000123"), mid("1763690005000"), mid("1763690000100")


def reference(place: str = PERSONAL, user: str = "29:1abcUser"):
    return {
        "service_url": SERVICE_URL,
        "conversation": place,
        "conversation_type": KINDS[place],
        "bot": {"id": f"28:{APP}", "name": "Desk"},
        "user": user,
        "tenant": TENANT,
    }


def said(content: Content, sender: Sender = MIRA, place: str = PERSONAL, *, facts=(), **more):
    return InboundMessage(
        **{
            "platform_id": mid("1763690000123", place),
            "sender": sender,
            "content": content,
            "sent_at": NOON,
            "thread": place,
            "reference": reference(place),
            "metadata": {**PLACES[place], **dict(facts)},
            **more,
        }
    )


def case(name: str, *items) -> InboundCase:
    return InboundCase(name, name, items)


def message(name: str, content: Content, sender: Sender = MIRA, place: str = PERSONAL, **more) -> InboundCase:
    return case(name, said(content, sender, place, **more))


def picked(value: str, title: str, **answers: str) -> Content:
    choice = Choice(value=value, title=title)
    return Content(type="quick_reply", text=title, choice=choice, form=form_of("", answers))


def filled(words: str, **answers: str) -> Content:
    return text(words, form=form_of("", answers))


def file(kind: str, url: str, mime: str, name: str = "", words: str | None = None, **ref):
    """The content of a file and where it lies."""
    content = Content(type=kind, text=words, media=Media(url=url, type=mime, name=name or None))
    return content, (MediaRef(**{"kind": kind, "url": url, "mime": mime, "name": name, **ref}),)


STORE = "https://smba.trafficmanager.net/emea/v3/attachments"
PDF, PDF_REF = file(
    "file", "https://acme.sharepoint.com/download?tempauth=x", "application/pdf", "preço.pdf", "the offer"
)
RAR, RAR_REF = file("file", "https://acme.sharepoint.com/download?tempauth=y", UNKNOWN_FILE, "all.rar", "all of it")
PASTED, PASTED_REF = file("image", f"{STORE}/0-x/views/original", "image/png")
FIRST, FIRST_REF = file("image", f"{STORE}/1/views/original", "image/png", "a.png", "both")
_, SECOND_REF = file("image", f"{STORE}/2/views/original", "image/jpeg", "b.jpg")
MESSAGES = [
    message("message", text("Wo ist mein Paket?"), MIRA_WITH_CLIENT),
    message(
        "message_of_guest",
        text("hello"),
        Sender("teams", "29:guest", TENANT, name="Guest"),
        reference=reference(user="29:guest"),
    ),
    message("message_quoting", text("that one"), reply_to=CARD),
    message("message_rich", text("Hello you")),
    message("message_html_only", text("Hello you")),
    message("message_empty", text("[message without text]")),
    case("message_without_id", Ignored("no_id")),
    case("message_without_sender", Ignored("no_sender", MESSAGE)),
    message("channel_mention", text("reset my VPN"), place=ROOM),
    message("mention_twice", text("and again"), place=GROUP),
    message("mention_of_colleague", text("ask @Rui & Co please"), place=GROUP),
    message("mention_with_attributes", text("please help"), place=GROUP),
    message("mention_name_typed", text("the Desk is broken, Desk!"), place=GROUP),
    message("mention_alone", text("@Desk"), place=GROUP),
    # complaint of bots that answer whatever is said near them, or nothing but mentions
    message("group_not_addressed", text("see you at noon"), place=GROUP, follow_up=True),
    message("meeting_chat", text("notes please"), place=GROUP, facts={"meeting": "MCMx"}),
    message("file", PDF, media=PDF_REF),
    message(
        "file_of_other_type",
        RAR,
        media=RAR_REF,
    ),
    message("image_pasted", PASTED, media=(replace(PASTED_REF[0], mime=""),)),
    message("images", FIRST, media=FIRST_REF + SECOND_REF),
    message(
        "card_forwarded",
        text("[unsupported attachment: application/vnd.microsoft.card.adaptive]"),
        facts={"unsupported": ["application/vnd.microsoft.card.adaptive"]},
    ),
    message("card_submit", picked("qr:7f3a", "Billing", note="second floor"), reply_to=CARD),
    message("card_submit_raw", picked("qr:7f3a", "Billing", note="second floor")),
    message("message_back", picked("track 4711", "Track"), place=ROOM, reply_to=mid("1763690005000", ROOM)),
    message("message_back_as_string", picked("track 4711", "Track")),
    message("card_submit_form", filled("note: second floor\nfloor: 2", note="second floor", floor="2")),
    message("invoke_action", picked("ok:1", "Approve")),
    message("invoke_action_unknown_verb", picked("escalate", "escalate", note="now")),
    case("invoke_refresh", Ignored("invoke:adaptiveCard/action", MESSAGE)),
    message("invoke_task_submit", filled("note: second floor", note="second floor")),
    case("invoke_file_consent", Ignored("invoke:fileConsent/invoke", MESSAGE)),
    case(
        "invoke_feedback",
        Reaction(f"{MESSAGE}#1", JUDGED, MIRA, "👎", NOON),
        said(text("the wrong shop"), reply_to=JUDGED),
    ),
    case("invoke_feedback_bare", Reaction(f"{MESSAGE}#1", JUDGED, MIRA, "👍", NOON)),
    case("invoke_feedback_empty", Ignored("invoke:feedback", MESSAGE)),
    case("invoke_unknown", Ignored("invoke:composeExtension/query", MESSAGE)),
    case("own_echo", Ignored("own_echo", MESSAGE)),
    case("other_tenant", Ignored("other_tenant", MESSAGE)),
    InboundCase("no_conversation", "no_conversation", BadPayload),
    InboundCase(
        "no type", {"serviceUrl": SERVICE_URL, "channelId": "msteams", "conversation": {"id": "a"}}, BadPayload
    ),
]


def changed(word: str) -> str:
    return f"{MESSAGE}#{word}:2026-11-21T01:53:20.123Z"


def signal(name: str, *signals) -> InboundCase:
    """Each signal: kind, id of the event, and what differs from Mira's in the personal chat."""
    return case(
        name,
        *[
            Signal(
                kind,
                more.pop("sender", MIRA),
                event + more.pop("part", ""),
                more.pop("thread", PERSONAL),
                NOON,
                {"conversation_type": "personal", **more},
                str(more.get("type", "")) in ("meeting_start", "meeting_end"),
            )
            for kind, event, more in signals
        ],
    )


IN_ROOM = {"thread": ROOM, "conversation_type": "channel"}
IN_GROUP = {"thread": GROUP, "conversation_type": "groupChat"}
STAND_UP = {"id": "MCMx", "title": "Stand-up", "type": "Scheduled"}
#: complaint 17: edits, deletions and reactions ignored
EVENTS = [
    case("edit", Revision(changed("editMessage"), MESSAGE, MIRA, text("Where is it?"), NOON)),
    case("undelete", Revision(changed("undeleteMessage"), MESSAGE, MIRA, text("Where is it?"), NOON)),
    case("delete", Revision(changed("softDeleteMessage"), MESSAGE, MIRA, None, NOON)),
    case("edit_without_id", Ignored("no_id")),
    case("edit_without_sender", Ignored("no_sender", MESSAGE)),
    case("reaction", Reaction(mid("f:ev2") + "#1", CARD, MIRA, "👍", NOON)),
    case(
        "reaction_changed",
        Reaction(mid("f:ev3") + "#1", CARD, MIRA, "", NOON, taken="👍"),
        Reaction(mid("f:ev3") + "#2", CARD, MIRA, "❤️", NOON),
        Reaction(mid("f:ev3") + "#3", CARD, MIRA, "👋", NOON),
        Ignored("reaction:moon", mid("f:ev3") + "#4"),
    ),
    case("reaction_without_target", Ignored("no_target", mid("f:ev4") + "#1")),
    case("reaction_in_thread", Reaction(mid("f:ev5", ROOM) + "#1", mid("1763690005000", ROOM), MIRA, "😢", NOON)),
    signal("typing", ("typing", mid("f:ty1"), {})),
    signal("installed_personal", ("joined", mid("f:ev1"), {"part": "#1", "type": "bot"})),
    case(
        "members_added",
        *signal(
            "",
            ("joined", mid("f:ev6", ROOM), {"part": "#1", "type": "bot", **IN_ROOM}),
            ("joined", mid("f:ev6", ROOM), {"part": "#2", "type": "member", "sender": RUI, **IN_ROOM}),
        ).expect,
        Ignored("no_sender", mid("f:ev6", ROOM) + "#3"),
    ),
    signal(
        "members_removed",
        ("left", mid("f:ev7", GROUP), {"part": "#1", "type": "member", "sender": RUI, **IN_GROUP}),
        ("left", mid("f:ev7", GROUP), {"part": "#2", "type": "bot", **IN_GROUP}),
    ),
    signal("team_archived", ("left", mid("f:ev8", ROOM), {"type": "teamArchived", **IN_ROOM})),
    signal("channel_restored", ("joined", mid("f:ev9", ROOM), {"type": "channelRestored", **IN_ROOM})),
    case("team_renamed", Ignored("conversationUpdate:teamRenamed", mid("f:ev10", ROOM))),
    signal(
        "installation_add",
        ("joined", mid("f:in-add"), {"type": "installation"}),
        ("reopened", mid("f:in-add"), {"part": "#reach", "type": "installation"}),
    ),
    signal(
        "installation_remove",
        ("left", mid("f:in-remove"), {"type": "installation"}),
        ("stopped", mid("f:in-remove"), {"part": "#reach", "type": "installation"}),
    ),
    signal(
        "installation_remove_group",
        ("left", mid("f:in-gone", GROUP), {"type": "installation", **IN_GROUP}),
        ("shut", mid("f:in-gone", GROUP), {"part": "#reach", "type": "installation", **IN_GROUP}),
    ),
    case("installation_upgrade", Ignored("installationUpdate:add-upgrade", mid("f:in-upgrade"))),
    signal(
        "meeting_start",
        (
            "joined",
            mid("f:m1", GROUP),
            {"type": "meeting_start", "meeting": {**STAND_UP, "starts": "2026-11-21T02:00:00Z"}, **IN_GROUP},
        ),
    ),
    signal(
        "meeting_end",
        (
            "left",
            mid("f:m2", GROUP),
            {"type": "meeting_end", "meeting": {**STAND_UP, "ends": "2026-11-21T02:30:00Z"}, **IN_GROUP},
        ),
    ),
    case(
        "meeting_participants",
        *signal(
            "",
            ("joined", mid("f:m3", GROUP), {"part": "#1", "type": "meeting_participant", "sender": RUI, **IN_GROUP}),
        ).expect,
        Ignored("no_sender", mid("f:m3", GROUP) + "#2"),
    ),
    signal(
        "meeting_left",
        ("left", mid("f:m4", GROUP), {"part": "#1", "type": "meeting_participant", "sender": RUI, **IN_GROUP}),
    ),
    case(
        "read",
        StatusUpdate(
            "", "read", NOON, sender=MIRA, up_to=datetime(2026, 10, 26, 7, 33, 20, tzinfo=UTC), thread=PERSONAL
        ),
    ),  # fmt: skip
    case("read_other_id", StatusUpdate(mid("f:x"), "read", NOON, sender=MIRA, thread=PERSONAL)),
    case("unknown_event", Ignored("event:tokens/response", mid("f:e1"))),
    signal("ended", ("ended", mid("f:end"), {"code": "userCancelled"})),
    case("unknown_type", Ignored("type:handoff", mid("f:h1"))),
]

KIT = Kit(
    kind="teams",
    config={
        "app_id": APP,
        "client_secret": "SECRET-client",
        "tenant_id": TENANT,
        "openid_url": OPENID,
    },
    inbound=[*MESSAGES, *EVENTS],
    outbound=OUTBOUND,
    sign=sign,
    signature="authorization",
    signs_body=False,
    published=published,
    recipient=RECIPIENT,
    success=answer({"id": "1763690005000"}, 201),
    result=SendResult(CARD),
    aside={TOKEN_URL: TOKEN},
    own_echo="own_echo",
)


@pytest.mark.parametrize("case", KIT.inbound, ids=str)
def test_inbound(case):
    KIT.run_inbound(case)


@pytest.mark.parametrize("case", KIT.outbound, ids=str)
def test_outbound(case):
    KIT.run_outbound(case)


def test_one_millisecond_in_two_conversations_is_two_messages():
    """The platform's ids are times: unique within a conversation only (complaints 1 and 2: lost, doubled)."""
    body = KIT.stored("message")["body"]
    other = {**body, "conversation": {**body["conversation"], "id": "a:2other"}}
    [first], [second] = (KIT.receive(KIT.request(one)) for one in (body, other))
    assert first.platform_id != second.platform_id


def test_a_text_longer_than_ours_is_kept_whole():
    [item] = KIT.receive(KIT.request({**KIT.stored("message")["body"], "text": "x" * 5000}))
    assert item.content.text == "x" * 4095 + "…"
    assert item.content.full_text == "x" * 5000


ENTITY = {
    "type": "quotedReply",
    "quotedReply": {"messageId": "1789999990000", "senderName": "Helper", "preview": "Tent or tarp?"},
}
BLOCK = (
    '<blockquote itemscope itemtype="http://schema.skype.com/Reply" itemid="1789999990000"><strong itemprop="mri">'
    'Helper</strong><span itemprop="time"></span><p itemprop="preview">Tent or tarp?</p></blockquote>'
    "<p>the second, please</p>"
)
HTML = {"contentType": "text/html", "content": BLOCK}
SAID, HELPERS = "the second, please", Quote(author="Helper", text="Tent or tarp?")


@pytest.mark.parametrize(
    ("parts", "words", "quote", "reply_to"),
    [
        ({"text": f'<quoted messageId="1789999990000"/> {SAID}', "entities": [ENTITY]}, SAID, HELPERS, "1789999990000"),
        ({"text": SAID, "attachments": [HTML]}, SAID, HELPERS, "1789999990000"),
        ({"text": "", "attachments": [HTML]}, SAID, HELPERS, "1789999990000"),
        ({"text": '<quoted messageId="1"/><quoted messageId="2"/> both'}, "both", Quote(further=(Quoted(),)), "1"),
        ({"text": "<quoted messageId='7'></quoted>yes"}, "yes", Quote(), "7"),
        ({"text": "no <quoted> mark"}, "no <quoted> mark", None, ""),
        ({"text": "odd", "entities": [{"type": "quotedReply"}, None]}, "odd", None, ""),
    ],
)
def test_a_quote_is_told_apart_from_the_words(parts, words, quote, reply_to):
    """Both forms of Teams: a mark in the text with an entity, and the block of HTML of older clients."""
    item, *odd = KIT.receive(KIT.request({**KIT.stored("message")["body"], **parts}))
    assert {type(one) for one in odd} <= {Malformed}
    assert (item.content.text, item.content.quote) == (words, quote)
    assert item.reply_to == (mid(reply_to) if reply_to else "")


def test_the_root_of_a_thread_is_no_quote():
    room = {**KIT.stored("channel_mention")["body"], "replyToId": "1763690000000"}
    thread = {**room["conversation"], "id": "19:room@thread.tacv2;messageid=1763690000000"}
    [item] = KIT.receive(KIT.request({**room, "conversation": thread}))
    assert (item.in_thread, bool(item.reply_to)) == (True, True)


def test_a_mention_without_its_text_is_a_mention():
    body = KIT.stored("mention_twice")["body"]
    mentions = [{name: part for name, part in one.items() if name != "text"} for one in body["entities"]]
    [item] = KIT.receive(KIT.request({**body, "entities": mentions}))
    assert (item.follow_up, item.content.text) == (False, "and again")


def test_a_fault_of_our_own_is_told(monkeypatch):
    def broken(scene):
        raise ZeroDivisionError

    monkeypatch.setitem(inbound.READERS, "message", broken)
    assert KIT.receive(KIT.request("message")) == [Malformed("unreadable:ZeroDivisionError", MESSAGE)]


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("message", 200, ""),
        (
            "invoke_action",
            200,
            '{"statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "Received."}',
        ),
        ("invoke_task_submit", 200, "{}"),
        ("invoke_file_consent", 200, "{}"),
        ("invoke_unknown", 501, ""),
    ],
)
def test_invokes_are_answered_at_once(name, status, body):
    reply = KIT.adapter.acknowledge(KIT.request(name), KIT.configured)
    assert (reply.status, reply.body) == (status, body)


def test_a_body_that_is_no_json_is_acknowledged_with_400():
    assert KIT.adapter.acknowledge(RawRequest("POST", "/", body=b"{"), KIT.configured).status == 400


def test_a_multi_tenant_app_serves_every_directory_unless_some_are_named():
    config = KIT.configured.model_copy(update={"tenant_id": ""})
    raw = KIT.request("other_tenant")
    assert isinstance(KIT.adapter.parse(raw, config)[0], InboundMessage)
    config = config.model_copy(update={"allowed_tenants": (TENANT.upper(),)})
    assert KIT.adapter.parse(raw, config)[0].reason == "other_tenant"
    assert isinstance(KIT.adapter.parse(KIT.request("message"), config)[0], InboundMessage)


def test_recipient_is_what_an_inbound_message_taught():
    assert Recipient(MIRA.value, "teams", TENANT, PERSONAL, MESSAGE, reference()) == RECIPIENT
