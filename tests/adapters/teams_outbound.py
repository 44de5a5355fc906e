"""What the Teams adapter sends for each content, and what the connector's answers mean."""

from __future__ import annotations

from dataclasses import replace

from channels_app.content.types import Button, Card, Content, ListRow, ListSection, Media, QuickReply, text
from channels_app.contract import (
    ConfigError,
    ContactBlocked,
    ContactRefuses,
    OutboundMessage,
    OutcomeUnknown,
    Recipient,
    Rejected,
    SendResult,
    Throttled,
    Unreachable,
)
from tests.adapters.kit import OutboundCase, answer
from tests.adapters.teams_signing import SERVICE_URL

TENANT = "11111111-2222-3333-4444-555555555555"
BOT = "28:99999999-0000-4000-8000-000000000009"
TOKEN_URL = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
#: too short-lived to be remembered: no case changes what the next one meets
TOKEN = answer({"token_type": "Bearer", "expires_in": 60, "access_token": "app-token"})
BEARER = {"Authorization": "Bearer app-token"}
RECIPIENT = Recipient(
    "aaaaaaaa-0000-4000-8000-000000000001",
    "teams",
    TENANT,
    "a:1personalConv",
    "1763690000123@9be371747445",
    {
        "service_url": SERVICE_URL,
        "conversation": "a:1personalConv",
        "conversation_type": "personal",
        "bot": {"id": BOT, "name": "Desk"},
        "user": "29:1abcUser",
        "tenant": TENANT,
    },
)
IN_ROOM = replace(
    RECIPIENT,
    thread="19:room1@thread.tacv2;messageid=1763690000000",
    reference={**RECIPIENT.reference, "conversation_type": "channel"},
)
STRANGER = Recipient("aaaaaaaa-0000-4000-8000-000000000002", "teams", TENANT)
CHATS = f"{SERVICE_URL}v3/conversations"
CHAT = f"{CHATS}/a%3A1personalConv/activities"
ROOM = f"{CHATS}/19%3Aroom1%40thread.tacv2%3Bmessageid%3D1763690000000/activities"
FRAME = {
    "type": "message",
    "from": {"id": BOT},
    "conversation": {"id": "a:1personalConv"},
    "recipient": {"id": "29:1abcUser"},
}
ROOM_FRAME = {"type": "message", "from": {"id": BOT}, "conversation": {"id": IN_ROOM.thread}}


def to(recipient: Recipient, content: Content, **more) -> OutboundMessage:
    return OutboundMessage("ref-1", recipient, content, **more)


def call(json, url=CHAT):
    return {"method": "POST", "url": url, "headers": BEARER, "json": json}


def sends(label: str, content: Content, **activity) -> OutboundCase:
    """``content`` goes out as one activity with these members."""
    return OutboundCase(label, content, [call({**FRAME, **activity})])


def card(body, actions=(), **more):
    rows = [{"type": "ActionSet", "actions": list(row)} for row in actions]
    content = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "body": [*body, *rows],
        "msteams": {"width": "Full"},
        **more,
    }
    return {"contentType": "application/vnd.microsoft.card.adaptive", "content": content}


def block(words, **look):
    return {"type": "TextBlock", "text": words, "wrap": True, **look}


def submit(title, payload):
    value = {"choice": payload, "title": title}
    shown = {"type": "messageBack", "displayText": title, "text": title, "value": value}
    return {"type": "Action.Submit", "title": title, "data": {"msteams": shown}}


YES = Button(type="postback", title="Yes", payload="pick:yes")
OPEN = Button(type="url", title="Open", url="https://example.org/open")
OPEN_ACTION = {"type": "Action.OpenUrl", "title": "Open", "url": "https://example.org/open"}
SAME = (QuickReply(title="Yes", payload="Yes"), QuickReply(title="No", payload=""))
SAME_ACTIONS = [{"type": "imBack", "title": one, "value": one} for one in ("Yes", "No")]
SEVEN = tuple(QuickReply(title=f"Topic {n}", payload=f"topic:{n}") for n in range(7))
PICTURE = Media(url="https://cdn.example/i.png", type="image/png")
DESCRIBED = Media(url="https://cdn.example/i.png", type="image/png", alt_text="A map")
ROWS = (ListRow(title="Lisbon", payload="lis", description="Rua A_1"), ListRow(title="Porto", payload="opo"))
HERO = Card(
    title="Desk",
    subtitle="Oak",
    image_url="https://cdn.example/d.png",
    url="https://shop.example/d",
    buttons=(YES, OPEN),
)
HERO_CARD = {
    "contentType": "application/vnd.microsoft.card.hero",
    "content": {
        "title": "Desk",
        "text": "Oak",
        "images": [{"url": "https://cdn.example/d.png", "alt": "Desk"}],
        "tap": {"type": "openUrl", "title": "Desk", "value": "https://shop.example/d"},
        "buttons": [
            {
                "type": "messageBack",
                "title": "Yes",
                "displayText": "Yes",
                "text": "Yes",
                "value": {"choice": "pick:yes", "title": "Yes"},
            },
            {"type": "openUrl", "title": "Open", "value": "https://example.org/open"},
        ],
    },
}
BARE_HERO = {"contentType": "application/vnd.microsoft.card.hero", "content": {"title": "Chair", "buttons": []}}

CONTENTS = [
    sends("plain text", text("2 * 3 < 7 & <at>x</at>"), text="2 * 3 < 7 & <at>x</at>", textFormat="plain"),
    sends("markdown", text("**now**", format="markdown"), text="**now**", textFormat="markdown"),
    sends(
        "buttons",
        text("Well? *a*\nb", buttons=(YES, OPEN)),
        attachments=[
            card([block("Well? \\*a\\*\n\nb")], [[submit("Yes", "pick:yes"), OPEN_ACTION]], fallbackText="Well? *a*\nb")
        ],
        summary="Well? *a* b",
    ),
    sends(
        "buttons under markdown",
        text("**Well?**", format="markdown", buttons=(YES,)),
        attachments=[card([block("**Well?**")], [[submit("Yes", "pick:yes")]], fallbackText="**Well?**")],
        summary="**Well?**",
    ),
    sends(
        "quick replies that say their title",
        text("Sure?", quick_replies=SAME),
        text="Sure?",
        textFormat="plain",
        suggestedActions={"to": ["29:1abcUser"], "actions": SAME_ACTIONS},
    ),
    sends(
        "quick replies with payloads, in rows of six",
        Content(type="quick_reply", text="Which?", quick_replies=SEVEN),
        attachments=[
            card(
                [block("Which?")],
                [[submit(r.title, r.payload) for r in SEVEN[:6]], [submit("Topic 6", "topic:6")]],
                fallbackText="Which?",
            )
        ],
        summary="Which?",
    ),
    sends(
        "image",
        Content(type="image", media=PICTURE),
        attachments=[{"contentType": "image/png", "contentUrl": "https://cdn.example/i.png"}],
    ),
    sends(
        "image with words",
        Content(type="image", media=DESCRIBED, text="Here"),
        attachments=[
            card(
                [{"type": "Image", "url": "https://cdn.example/i.png", "altText": "A map"}, block("Here")],
                fallbackText="Here",
            )
        ],
        summary="Here",
    ),
    sends(
        "list",
        Content(type="list", text="Where?", sections=(ListSection(title="Shops", rows=ROWS),)),
        attachments=[
            card(
                [
                    block("Where?"),
                    block("Shops", weight="Bolder", spacing="Medium"),
                    {
                        "type": "Container",
                        "items": [
                            block("Lisbon", color="Accent"),
                            block("Rua A\\_1", isSubtle=True, spacing="None"),
                        ],
                        "selectAction": submit("Lisbon", "lis"),
                    },
                    {
                        "type": "Container",
                        "items": [block("Porto", color="Accent")],
                        "selectAction": submit("Porto", "opo"),
                    },
                ],
                fallbackText="Where?",
            )
        ],
        summary="Where?",
    ),
    sends(
        "carousel",
        Content(type="carousel", cards=(HERO, Card(title="Chair"))),
        attachmentLayout="carousel",
        attachments=[HERO_CARD, BARE_HERO],
        summary="[carousel]",
    ),
    sends(
        "carousel with words and choices",
        Content(type="carousel", text="Look", cards=(Card(title="Chair"),), buttons=(YES,)),
        attachmentLayout="carousel",
        attachments=[
            card([block("Look")], fallbackText="Look"),
            BARE_HERO,
            card([], [[submit("Yes", "pick:yes")]], fallbackText="Look"),
        ],
        summary="Look",
    ),
    OutboundCase(
        "picture that only lies with us",
        Content(type="image", media=Media(url="media:1", type="image/png")),
        replies=[],
        expect=Rejected,
        code="media_not_public",
    ),
]
PLACES = [
    OutboundCase(
        "in a channel's thread",
        to(IN_ROOM, text("done")),
        [call({**ROOM_FRAME, "text": "done", "textFormat": "plain"}, ROOM)],
        expect=[SendResult("1763690005000@f69de420edb6")],
    ),
    OutboundCase(
        "quick replies in a channel stay on a card",
        to(IN_ROOM, text("Sure?", quick_replies=SAME[:1])),
        [
            call(
                {
                    **ROOM_FRAME,
                    "attachments": [card([block("Sure?")], [[submit("Yes", "Yes")]], fallbackText="Sure?")],
                    "summary": "Sure?",
                },
                ROOM,
            )
        ],
        expect=[SendResult("1763690005000@f69de420edb6")],
    ),
    OutboundCase(
        "as the answer to a message",
        to(RECIPIENT, text("done"), reply_to="1763690000123@9be371747445"),
        [
            call(
                {
                    **FRAME,
                    "text": '<quoted messageId="1763690000123"/> done',
                    "textFormat": "plain",
                    "entities": [{"type": "quotedReply", "quotedReply": {"messageId": "1763690000123"}}],
                },
                CHAT,
            )
        ],
    ),
    OutboundCase(
        "to a person who has not written yet",
        to(STRANGER, text("News")),
        [
            call(
                {
                    "isGroup": False,
                    "bot": {"id": BOT},
                    "members": [{"id": STRANGER.address}],
                    "tenantId": TENANT,
                    "channelData": {"tenant": {"id": TENANT}},
                },
                "https://smba.trafficmanager.net/teams/v3/conversations",
            ),
            call(
                {
                    "type": "message",
                    "from": {"id": BOT},
                    "conversation": {"id": "a:1personalConv"},
                    "text": "News",
                    "textFormat": "plain",
                },
                CHAT,
            ),
        ],
        replies=[
            answer({"id": "a:1personalConv", "serviceUrl": SERVICE_URL}, 201),
            answer({"id": "1763690005000"}, 201),
        ],
        expect=[
            SendResult("1763690005000@9be371747445", {"conversation": "a:1personalConv"}, thread="a:1personalConv")
        ],
    ),
    OutboundCase(
        "no conversation comes about",
        to(STRANGER, text("News")),
        replies=[answer({})],
        expect=OutcomeUnknown,
        code="no_conversation_id",
    ),
    OutboundCase(
        "a conversation on a strange host, when one is made",
        to(STRANGER, text("News")),
        replies=[answer({"id": "a:1", "serviceUrl": "https://evil.example/"}, 201)],
        expect=Rejected,
        code="service_url_not_trusted",
    ),
    OutboundCase(
        "to a channel of a team, as a new thread",
        to(Recipient("19:room1@thread.tacv2", "teams", TENANT), text("Incident")),
        [
            call(
                {
                    "type": "message",
                    "from": {"id": BOT},
                    "conversation": {"id": "19:room1@thread.tacv2"},
                    "text": "Incident",
                    "textFormat": "plain",
                },
                "https://smba.trafficmanager.net/teams/v3/conversations/19%3Aroom1%40thread.tacv2/activities",
            )
        ],
        expect=[SendResult("1763690005000@f69de420edb6")],
    ),
    OutboundCase("taken without an id", text("hello"), replies=[answer(status=202)], expect=[SendResult()]),
]


def refused(label, reply, error, code, retry_after=None):
    return OutboundCase(label, text("hello"), replies=[reply], expect=error, code=code, retry_after=retry_after)


def complaint(status, code, sub_code="", **headers):
    error = {"code": code, "message": "words", **({"subCode": sub_code} if sub_code else {})}
    return answer({"error": error}, status, **headers)


#: complaint 4: every failure says whether to try again
ERRORS = [
    refused("blocked", complaint(403, "ConversationBlockedByUser"), ContactRefuses, "ConversationBlockedByUser"),
    refused("uninstalled", complaint(403, "Forbidden", "MessageWritesBlocked"), ContactRefuses, "MessageWritesBlocked"),
    refused(
        "not in the roster", complaint(403, "BotNotInConversationRoster"), ContactRefuses, "BotNotInConversationRoster"
    ),
    refused("by the admin", complaint(403, "BotDisabledByAdmin"), ContactBlocked, "BotDisabledByAdmin"),
    refused("another 403", complaint(403, "Forbidden"), ConfigError, "Forbidden"),
    refused("no bot", complaint(401, "BotNotRegistered"), ConfigError, "BotNotRegistered"),
    refused("no conversation", complaint(404, "ConversationNotFound"), Rejected, "ConversationNotFound"),
    refused("bad argument", complaint(400, "BadArgument"), Rejected, "BadArgument"),
    refused("crossed", complaint(412, "PreconditionFailed"), Throttled, "PreconditionFailed"),
    refused("too big", complaint(413, "MessageSizeTooBig"), Rejected, "MessageSizeTooBig"),
    refused("too big, no words", answer(status=413), Rejected, "http_413"),
    refused("throttled", complaint(429, "Throttled"), Throttled, "Throttled"),
    refused("throttled for", complaint(429, "Throttled", retry_after="3"), Throttled, "Throttled", 3.0),
    refused("bad gateway", answer(status=502), Unreachable, "http_502"),
    refused("gateway time-out", answer(status=504), Unreachable, "http_504"),
    refused("own fault under a final name", complaint(500, "BadArgument"), Unreachable, "BadArgument"),
    refused("unknown code", complaint(409, "Moon"), Rejected, "Moon"),
    refused("redirected", answer(status=302), ConfigError, "http_302"),
]
OUTBOUND = [*CONTENTS, *PLACES, *ERRORS]
