"""From one activity to contract items: messages, changes of them, reactions, invokes.

Owns the tables of activity types and invokes. Must not let an odd member cost the others, nor take an
activity of a directory that the channel does not serve.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from channels_app.adapters.teams.address import message_id
from channels_app.adapters.teams.bodies import Said, answered, comment_in, is_addressed, read_body
from channels_app.adapters.teams.config import TeamsConfig
from channels_app.adapters.teams.events import EVENTS
from channels_app.adapters.teams.quotes import quotes_in
from channels_app.adapters.teams.scene import Scene, scene_of
from channels_app.adapters.wire import Shape, array, identifier, misshapen, obj, string
from channels_app.content.surroundings import MAX_FURTHER
from channels_app.content.types import Content, worded
from channels_app.contract import Ignored, InboundItem, InboundMessage, Malformed, Reaction, Revision

EMOJI = {"like": "👍", "heart": "❤️", "laugh": "😆", "surprised": "😮", "sad": "😢", "angry": "😠"}
THUMBS = {"like": "👍", "dislike": "👎"}
CODE_POINT = re.compile(r"(1f[0-9a-f]{3}|2[0-9a-f]{3})(?:_|-|$)")  # newer reactions: "1f44b_wavinghand"
#: invokes that are answered with 200; all others with 501
INVOKES = frozenset({"adaptiveCard/action", "task/submit", "fileConsent/invoke", "message/submitAction"})


#: https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference#activity-object
ACCOUNT = {"id": str, "name": str}
SHAPE: Shape = {
    "type": str, "id": str, "timestamp": str, "from": ACCOUNT, "recipient": ACCOUNT, "conversation": {"id": str, "tenantId": str},
    "channelData": {"tenant": {"id": str}}, "text": str, "name": str, "replyToId": str, "attachments": [{"contentType": str}],
    "entities": [{"type": str}], "membersAdded": [ACCOUNT], "membersRemoved": [ACCOUNT],
    "reactionsAdded": [{"type": str}], "reactionsRemoved": [{"type": str}],
}  # fmt: skip


def items(activity: Any, config: TeamsConfig) -> Iterator[InboundItem]:
    """Every item of ``activity`` (which has a type and a conversation) in its order."""
    scene = scene_of(activity, config)
    kind, sender = string(activity, "type", limit=60), identifier(activity, "from", "id")
    if not config.serves(scene.tenant):
        yield Ignored("other_tenant", scene.platform_id)
    elif sender and sender in (config.bot_id, identifier(activity, "recipient", "id")):
        yield Ignored("own_echo", scene.platform_id)
    else:
        yield from _guarded(READERS.get(kind, _unknown), scene)
    yield from misshapen(activity, SHAPE)


def _guarded(reader: Reader, scene: Scene) -> Iterator[InboundItem]:
    try:
        yield from reader(scene)
    except Exception as error:  # noqa: BLE001  one odd item must never cost the others
        yield Malformed(f"unreadable:{type(error).__name__}", scene.platform_id)


# -------------------------------------------------------------------------- messages


def _message(scene: Scene) -> Iterator[InboundItem]:
    what = read_body(scene.activity)
    yield _spoken(scene, what, to_us=what.answers_us or is_addressed(scene.activity))


def _spoken(scene: Scene, what: Said, *, to_us: bool = True) -> InboundItem:
    if not scene.platform_id or scene.author is None:
        return Ignored("no_sender" if scene.platform_id else "no_id", scene.platform_id)
    answered = identifier(scene.activity, "replyToId")
    quotes = [message_id(scene.conversation, one) for one, _ in quotes_in(scene.activity)]
    quoted = next(iter(quotes), "")
    return InboundMessage(
        platform_id=scene.platform_id,
        sender=scene.author,
        content=what.content,
        sent_at=scene.at,
        thread=scene.conversation,
        reply_to=quoted or message_id(scene.conversation, answered),
        also_quoted=tuple(quotes[1 : 1 + MAX_FURTHER]),
        in_thread=not quoted and bool(answered) and scene.conversation.endswith(f";messageid={answered}"),
        media=what.media,
        reference=_reference(scene),
        follow_up=not to_us,
        metadata={**what.facts, **_circumstances(scene.activity)},
    )


def _reference(scene: Scene) -> dict[str, Any]:
    """What an answer, or a message without one, needs to find its way back."""
    facts = {
        "service_url": string(scene.activity, "serviceUrl", limit=500),
        "conversation": scene.conversation,
        "conversation_type": string(scene.activity, "conversation", "conversationType", limit=40),
        "bot": {name: string(scene.activity, "recipient", name, limit=255) for name in ("id", "name")},
        "user": identifier(scene.activity, "from", "id"),
        "tenant": scene.tenant,
    }
    return {name: found for name, found in facts.items() if found}


def _circumstances(activity: dict[str, Any]) -> dict[str, Any]:
    """Where the message was said: team, channel, meeting."""
    facts: dict[str, Any] = {"conversation_type": string(activity, "conversation", "conversationType", limit=40)}
    for name in ("team", "channel", "meeting"):
        facts[name] = identifier(activity, "channelData", name, "id")
    return {name: found for name, found in facts.items() if found}


def _edited(scene: Scene) -> Iterator[InboundItem]:
    """Edited, or brought back after a deletion: both tell the words that hold from now on."""
    yield _revision(scene, read_body(scene.activity))


def _deleted(scene: Scene) -> Iterator[InboundItem]:
    yield _revision(scene, None)


def _revision(scene: Scene, new: Said | None) -> InboundItem:
    if not scene.platform_id or scene.author is None:
        return Ignored("no_sender" if scene.platform_id else "no_id", scene.platform_id)
    word = string(scene.activity, "channelData", "eventType", limit=40) or string(scene.activity, "type", limit=40)
    when = string(scene.activity, "timestamp", limit=40)  # the activity has the message's id, not its own
    own = scene.id(f"{word}:{when}")
    return Revision(own, scene.platform_id, scene.author, new.content if new else None, scene.at)


def _reactions(scene: Scene) -> Iterator[InboundItem]:
    target = message_id(scene.conversation, identifier(scene.activity, "replyToId"))
    changes = [(one, False) for one in array(scene.activity, "reactionsRemoved")]
    changes += [(one, True) for one in array(scene.activity, "reactionsAdded")]
    for number, (reaction, added) in enumerate(changes, start=1):
        word, own = string(reaction, "type", limit=60), scene.id(str(number))
        emoji = EMOJI.get(word) or _code_point(word)
        if not target or not own or scene.author is None:
            yield Ignored("no_sender" if scene.author is None else "no_target", own)
        elif not emoji:
            yield Ignored(f"reaction:{word}", own)
        elif added:
            yield Reaction(own, target, scene.author, emoji, scene.at)
        else:
            yield Reaction(own, target, scene.author, "", scene.at, taken=emoji)


def _code_point(word: str) -> str:
    found = CODE_POINT.match(word)
    return chr(int(found[1], 16)) if found else ""


# ---------------------------------------------------------------------------- invokes


def _invoke(scene: Scene) -> Iterator[InboundItem]:
    """Answers of cards and dialogs are messages; the rest is answered and done with."""
    name, value = string(scene.activity, "name", limit=60), obj(scene.activity, "value")
    action = obj(value, "action")
    if name == "adaptiveCard/action" and string(value, "trigger") != "automatic":
        yield _spoken(scene, answered(obj(action, "data"), "", string(action, "verb", limit=1000)))
    elif name == "task/submit":
        yield _spoken(scene, answered(obj(value, "data"), ""))
    elif name == "message/submitAction" and string(value, "actionName") == "feedback":
        yield from _judged(scene, obj(value, "actionValue"))
    else:
        yield Ignored(f"invoke:{name}", scene.platform_id)


def _judged(scene: Scene, judged: dict[str, Any]) -> Iterator[InboundItem]:
    """The platform's own thumbs below an answer of ours, and what was written to it."""
    target = message_id(scene.conversation, identifier(scene.activity, "replyToId"))
    emoji, own = THUMBS.get(string(judged, "reaction"), ""), scene.id("1")
    if target and emoji and own and scene.author:
        yield Reaction(own, target, scene.author, emoji, scene.at)
    if words := worded(comment_in(judged)):
        yield _spoken(scene, Said(Content(type="text", **words)))
    elif not (target and emoji and own and scene.author):
        yield Ignored("invoke:feedback", scene.platform_id)


def _unknown(scene: Scene) -> Iterator[InboundItem]:
    yield Ignored(f"type:{string(scene.activity, 'type', limit=60)}", scene.platform_id)


Reader = Callable[[Scene], Iterator[InboundItem]]
READERS: dict[str, Reader] = {
    "message": _message,
    "messageUpdate": _edited,
    "messageDelete": _deleted,
    "messageReaction": _reactions,
    "invoke": _invoke,
    **EVENTS,
}
