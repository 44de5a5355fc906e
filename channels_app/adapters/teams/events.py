"""Comings and goings: people, the bot itself, teams, meetings, and what else is no message.

Owns the tables of event names. Must not decide what follows from an event, nor greet a person.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/subscribe-to-conversation-events
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from channels_app.adapters.teams.address import message_id
from channels_app.adapters.teams.scene import Scene, person
from channels_app.adapters.wire import array, identifier, moment, obj, string
from channels_app.contract import Ignored, InboundItem, StatusUpdate

#: what happened to a team or channel → whether the conversation is there afterwards
PLACES = {
    **dict.fromkeys(("channelCreated", "channelRestored", "teamRestored", "teamUnarchived"), "joined"),
    **dict.fromkeys(("channelDeleted", "teamDeleted", "teamHardDeleted", "teamArchived"), "left"),
}
MEETINGS = {
    "application/vnd.microsoft.meetingStart": ("joined", "meeting_start"),
    "application/vnd.microsoft.meetingEnd": ("left", "meeting_end"),
}
ATTENDANCE = {
    "application/vnd.microsoft.meetingParticipantJoin": "joined",
    "application/vnd.microsoft.meetingParticipantLeave": "left",
}
READ = "application/vnd.microsoft.readReceipt"
INSTALLATION = {"add": "joined", "remove": "left"}


def _typing(scene: Scene) -> Iterator[InboundItem]:
    yield scene.signal("typing", scene.author)


def _roster(scene: Scene) -> Iterator[InboundItem]:
    """The bot's own coming is told of the person who brought it; in a personal chat that person's own
    coming is the same news."""
    word = string(scene.activity, "channelData", "eventType", limit=40)
    bot = {scene.config.bot_id, identifier(scene.activity, "recipient", "id")} - {""}
    changes = [("joined", one) for one in array(scene.activity, "membersAdded")]
    changes += [("left", one) for one in array(scene.activity, "membersRemoved")]
    alone = string(scene.activity, "conversation", "conversationType") == "personal"
    ours = [identifier(member, "id") in bot for _, member in changes]
    for number, ((kind, member), own) in enumerate(zip(changes, ours, strict=True), start=1):
        if own:
            yield scene.signal(kind, scene.author, str(number), type="bot")
        elif not (alone and any(ours)):
            yield scene.signal(kind, person(member, scene.tenant), str(number), type="member")
    if not changes and word in PLACES:
        yield scene.signal(PLACES[word], scene.author, type=word)
    elif not changes:
        yield Ignored(f"conversationUpdate:{word}", scene.platform_id)


def _installation(scene: Scene) -> Iterator[InboundItem]:
    """Where the app was removed the platform takes no message: a person who removed it is not written to until they
    bring it back or write, and what went on in a group chat or team has ended."""
    action = string(scene.activity, "action", limit=40)
    if action in INSTALLATION:
        yield scene.signal(INSTALLATION[action], scene.author, type="installation")
        alone = string(scene.activity, "conversation", "conversationType") == "personal"
        follows = {("remove", True): "stopped", ("add", True): "reopened", ("remove", False): "shut"}
        if (action, alone) in follows:
            yield scene.signal(follows[action, alone], scene.author, "reach", type="installation")
    else:
        yield Ignored(f"installationUpdate:{action}", scene.platform_id)


def _event(scene: Scene) -> Iterator[InboundItem]:
    name, value = string(scene.activity, "name", limit=100), obj(scene.activity, "value")
    if name in MEETINGS:
        kind, word = MEETINGS[name]
        yield scene.signal(kind, scene.author, opens=True, type=word, meeting=_meeting(scene.activity))
    elif name in ATTENDANCE:
        for number, member in enumerate(array(value, "members"), start=1):
            who = person(obj(member, "user"), scene.tenant)
            yield scene.signal(ATTENDANCE[name], who, str(number), type="meeting_participant")
    elif name == READ and scene.author:
        seen = identifier(value, "lastReadMessageId")  # milliseconds since 1970, as all ids of messages
        until = moment(seen)
        target = "" if until else message_id(scene.conversation, seen)
        yield StatusUpdate(target, "read", scene.at, sender=scene.author, up_to=until, thread=scene.conversation)
    else:
        yield Ignored(f"event:{name}", scene.platform_id)


def _meeting(activity: dict[str, Any]) -> dict[str, str]:
    value = obj(activity, "value")
    facts = {"id": identifier(activity, "channelData", "meeting", "id") or identifier(value, "Id")}
    for name, member in (("title", "Title"), ("type", "MeetingType"), ("starts", "StartTime"), ("ends", "EndTime")):
        facts[name] = string(value, member, limit=200)
    return {name: found for name, found in facts.items() if found}


def _ended(scene: Scene) -> Iterator[InboundItem]:
    yield scene.signal("ended", scene.author, code=string(scene.activity, "code", limit=60))


EVENTS: dict[str, Callable[[Scene], Iterator[InboundItem]]] = {
    "typing": _typing,
    "conversationUpdate": _roster,
    "installationUpdate": _installation,
    "event": _event,
    "endOfConversation": _ended,
}
