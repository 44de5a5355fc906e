"""From one Events API body to contract items: messages, edits, reactions, people who come and go.

Owns the envelope, who is spoken to, and which conversation a message belongs to. Must not look at the
clock: stored requests are read again later.
https://docs.slack.dev/apis/events-api
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from channels_app.adapters.slack.blocks import words_of
from channels_app.adapters.slack.emoji import EMOJI
from channels_app.adapters.slack.words import mentions, read_body, without_mention
from channels_app.adapters.wire import Shape, array, at, identifier, misshapen, moment, obj, string
from channels_app.contract import (
    BadPayload,
    ChannelNotice,
    Ignored,
    InboundItem,
    InboundMessage,
    Malformed,
    Reaction,
    Revision,
    Sender,
    Signal,
    StatusUpdate,
)

#: metadata of our own posts: the echo of one teaches its id, should the answer have been lost
METADATA = "chat_message"
#: render marks the second and further calls of one message with it: ``<client_ref>#2``
PART_MARK = "#"
SLACKBOT = "USLACKBOT"
#: https://docs.slack.dev/reference/events/app_uninstalled and …/tokens_revoked
LOST = {
    "app_uninstalled": "The app was removed from the workspace: install it again and enter its new token.",
    "tokens_revoked": "The app's token was revoked: install the app again and enter its new token.",
}


@dataclass(frozen=True)
class Envelope:
    """What is known about an event from around it. ``team`` scopes people, ``bot`` is our own user id
    there ("" when not told), ``app`` our app's id."""

    team: str
    bot: str
    app: str
    event_id: str
    follow_threads: bool


#: https://docs.slack.dev/apis/events-api
SHAPE: Shape = {
    "team_id": str, "event_id": str, "authorizations": [{"team_id": str, "user_id": str}],
    "event": {
        "type": str, "ts": str, "text": str, "files": [{}], "blocks": [{}], "attachments": [{}], "message": {},
        "previous_message": {}, "item": {}, "assistant_thread": {},
    },
}  # fmt: skip


def items(body: Any, team_id: str, follow_threads: bool) -> Iterator[InboundItem]:
    """Every item of a JSON body. ``team_id``: the only workspace (or enterprise) to listen to, "" for all;
    ``follow_threads``: replies in threads count without a mention while their conversation is open.
    Raises BadPayload."""
    kind = string(body, "type", limit=60)
    if not kind:
        raise BadPayload("not a Slack request")
    if kind != "event_callback":
        yield Ignored(f"type:{kind}")
        return
    granted = obj(next(iter(array(body, "authorizations")), None))
    teams = [identifier(granted, "team_id"), identifier(body, "team_id")]
    teams += [identifier(granted, "enterprise_id"), identifier(body, "enterprise_id")]
    event_id = identifier(body, "event_id")
    if team_id and team_id not in teams:
        yield Ignored("other_team", event_id)
        return
    team = team_id or teams[0] or teams[1]
    bot = identifier(granted, "user_id") if granted.get("is_bot") is True else ""
    envelope = Envelope(team, bot, identifier(body, "api_app_id"), event_id, follow_threads)
    event = obj(body, "event")
    name = string(event, "type", limit=60)
    if name in LOST:
        yield ChannelNotice("credential_refused", LOST[name], name, event_id)
        return
    reader = EVENTS.get(name)
    try:
        yield from reader(event, envelope) if reader else [Ignored(f"event:{name}", event_id)]
    except Exception as error:  # noqa: BLE001  one odd event is kept with its reason
        yield Malformed(f"unreadable:{type(error).__name__}", event_id)
    yield from misshapen({**obj(body), "event": at(body, "event") or ""}, SHAPE)


def author(body: Any) -> str:
    """Whom a JSON body comes from; "" for apps, ours too."""
    event = obj(body, "event")
    for source in (event, obj(event, "previous_message"), obj(event, "message")):
        if user := identifier(source, "user"):
            return "" if identifier(source, "bot_id") else user
    return identifier(event, "assistant_thread", "user_id")


# ------------------------------------------------------------------- people and places


def message_id(channel: str, ts: str) -> str:
    """The one id of a message, the same for both events that a mention causes; "" when a part is missing."""
    return f"{channel}:{ts}" if channel and ts else ""


def part_id(id: str, number: int) -> str:
    """Of a message with several files each further one is a message of its own with us."""
    return id if number == 1 else f"{id}:{number}"


def place(channel: str, root: str) -> str:
    """The key of a conversation: a Slack thread is one, as ``<channel>:<root ts>``; what stands in a channel
    without a thread (commands) is one by channel; a direct message outside of threads is the person's own."""
    if root:
        return f"{channel}:{root}"
    return "" if is_direct(channel) else channel


def is_direct(channel: str) -> bool:
    return channel.startswith("D")


def person(team: str, user: str, channel: str = "", name: str = "", home: str = "") -> Sender:
    """``channel`` is where the bot and this person meet; a direct one becomes the address. ``home`` is the
    workspace of a guest from another one."""
    profile = {"home_team": home} if home and home != team else {}
    address = channel if is_direct(channel) else ""
    return Sender("slack", user, scope=team, address=address, name=name, profile=profile)


def _author(event: Any, envelope: Envelope, channel: str = "") -> Sender:
    home = identifier(event, "user_team") or identifier(event, "source_team")
    name = string(event, "user_profile", "real_name", limit=255)
    return person(envelope.team, identifier(event, "user"), channel, name, home)


def _is_own(message: Any, envelope: Envelope) -> bool:
    user, app = identifier(message, "user"), identifier(message, "app_id")
    return bool((user and user == envelope.bot) or (app and app == envelope.app))


def _not_a_person(message: Any, envelope: Envelope) -> str:
    """Why the author of ``message`` is not a person to talk with, or ""."""
    if _is_own(message, envelope):
        return "ourselves"
    if identifier(message, "bot_id") or string(message, "subtype") == "bot_message":
        return "bot_message"
    user = identifier(message, "user")
    return "" if user and user != SLACKBOT else "no_sender"


# ------------------------------------------------------------------------------ messages


def _message(event: dict[str, Any], envelope: Envelope) -> list[InboundItem]:
    subtype = string(event, "subtype", limit=60)
    reader = SUBTYPES.get(subtype)
    return reader(event, envelope) if reader else [Ignored(f"subtype:{subtype}", envelope.event_id)]


def _spoken(event: dict[str, Any], envelope: Envelope) -> list[InboundItem]:
    channel, ts, root = identifier(event, "channel"), identifier(event, "ts"), identifier(event, "thread_ts")
    platform_id = message_id(channel, ts)
    why_not = _not_a_person(event, envelope) if platform_id else "no_id"
    if why_not:
        return [_echo(event, envelope, platform_id) if why_not == "ourselves" else Ignored(why_not, platform_id)]
    direct = is_direct(channel) or string(event, "channel_type") in ("im", "app_home")
    mrkdwn = words_of(event)
    mention = string(event, "type") == "app_mention" or mentions(mrkdwn, envelope.bot)
    # a thread under the bot's own message speaks to the bot
    addressed = direct or mention or (bool(envelope.bot) and identifier(event, "parent_user_id") == envelope.bot)
    follow_up = not addressed and bool(root) and envelope.follow_threads
    if not addressed and not follow_up:
        return [Ignored("not_addressed", platform_id)]
    words = without_mention(mrkdwn, envelope.bot) if mention else mrkdwn
    facts = {"workspace_id": envelope.team, "channel_id": channel} | ({"thread_ts": root} if root else {})
    return [
        InboundMessage(
            platform_id=part_id(platform_id, number),
            sender=_author(event, envelope, channel),
            content=what.content,
            sent_at=moment(event, "ts"),
            thread=place(channel, root or ("" if direct else ts)),
            reply_to=message_id(channel, root) if root != ts else "",
            in_thread=bool(root) and root != ts,
            media=what.media,
            follow_up=follow_up,
            metadata={**facts, **what.facts},
        )
        for number, what in enumerate(read_body(event, words), start=1)
    ]


def _echo(event: dict[str, Any], envelope: Envelope, platform_id: str) -> InboundItem:
    client_ref = identifier(event, "metadata", "event_payload", "client_ref").partition(PART_MARK)[0]
    if string(event, "metadata", "event_type") != METADATA or not client_ref:
        return Ignored("ourselves", platform_id)
    return StatusUpdate(platform_id, "sent", moment(event, "ts"), client_ref=client_ref)


def _posted(event: dict[str, Any], envelope: Envelope) -> list[InboundItem]:
    """message_metadata_posted, for apps that subscribed to it, tells the same as the echo."""
    platform_id = message_id(identifier(event, "channel_id"), identifier(event, "message_ts"))
    if not platform_id or not _is_own(event, envelope):
        return [Ignored("bot_message", platform_id)]
    return [_echo({**event, "ts": identifier(event, "message_ts")}, envelope, platform_id)]


def _changed(event: dict[str, Any], envelope: Envelope) -> list[InboundItem]:
    """An edit, of words or files. A preview of a link comes as a change, too; so does the removal of a message with replies."""
    now, before = obj(event, "message"), obj(event, "previous_message")
    if string(now, "subtype") == "tombstone":
        return _deleted({**event, "deleted_ts": before.get("ts")}, envelope)
    taken_out = _files_taken_out(now, before)
    if words_of(now) == words_of(before) and not taken_out:
        return [Ignored("unchanged", envelope.event_id)]
    reworded = [] if words_of(now) == words_of(before) else _revision(now, event, envelope)
    return reworded + _deletions(now, event, envelope, taken_out)


def _deleted(event: dict[str, Any], envelope: Envelope) -> list[InboundItem]:
    """Of all that we have of it: its further files are messages of their own with us."""
    before = {"ts": event.get("deleted_ts"), **obj(event, "previous_message")}
    return _deletions(before, event, envelope, range(1, len(read_body(before, words_of(before))) + 1))


def _files_taken_out(now: dict[str, Any], before: dict[str, Any]) -> list[int]:
    """The places of files that were in the message and are told to be deleted; not of the first beside words. One that is
    merely not named is left alone: what is deleted cannot be brought back."""
    deleted = {identifier(file, "id") for file in array(now, "files") if string(file, "mode") == "tombstone"}
    gone = [number for number, file in enumerate(array(before, "files"), start=1)
            if string(file, "mode") != "tombstone" and identifier(file, "id") in deleted - {""}]  # fmt: skip
    return [number for number in gone if number > 1 or not words_of(now).strip()]


def _deletions(
    message: dict[str, Any], event: dict[str, Any], envelope: Envelope, numbers: Sequence[int]
) -> list[InboundItem]:
    items: list[InboundItem] = []
    for number in numbers:
        items += _revision(message, event, envelope, deleted=True, number=number)
    return items


def _revision(
    message: dict[str, Any], event: dict[str, Any], envelope: Envelope, deleted: bool = False, number: int = 1
) -> list[InboundItem]:
    channel = identifier(event, "channel")
    target = message_id(channel, identifier(message, "ts"))
    why_not = _not_a_person(message, envelope) if target else "no_target"
    if why_not:
        return [Ignored(why_not, envelope.event_id)]
    mrkdwn = words_of(message)
    words = without_mention(mrkdwn, envelope.bot) if mentions(mrkdwn, envelope.bot) else mrkdwn
    content = None if deleted else read_body({}, words)[0].content
    author = _author(message, envelope, channel)
    own, target = (part_id(id, number) for id in (envelope.event_id, target))
    return [Revision(own, target, author, content, moment(event, "event_ts"))]


# ---------------------------------------------------------- reactions, people, the app


def _reaction(event: dict[str, Any], envelope: Envelope) -> list[InboundItem]:
    target = message_id(identifier(event, "item", "channel"), identifier(event, "item", "ts"))
    why_not = _not_a_person(event, envelope) if target else "no_target"
    if why_not:
        return [Ignored(why_not, envelope.event_id)]
    # the skin tone does not change what is meant
    name = string(event, "reaction", limit=100).partition("::")[0]
    emoji = EMOJI.get(name, f":{name}:"[:64])
    put = {"emoji": emoji} if string(event, "type") == "reaction_added" else {"taken": emoji}
    return [Reaction(envelope.event_id, target, _author(event, envelope), at=moment(event, "event_ts"), **put)]


def _member(event: dict[str, Any], envelope: Envelope) -> list[InboundItem]:
    why_not = _not_a_person(event, envelope)
    if why_not:
        return [Ignored(why_not, envelope.event_id)]
    kind = {"member_joined_channel": "joined", "member_left_channel": "left"}[string(event, "type")]
    sender, at = _author(event, envelope), moment(event, "event_ts")
    return [Signal(kind, sender, envelope.event_id, thread=identifier(event, "channel"), at=at)]


def _assistant(event: dict[str, Any], envelope: Envelope) -> list[InboundItem]:
    """A person opened a new thread in the assistant's view."""
    thread = obj(event, "assistant_thread")
    user, channel = identifier(thread, "user_id"), identifier(thread, "channel_id")
    if not user or not channel:
        return [Ignored("no_sender", envelope.event_id)]
    sender, where = person(envelope.team, user, channel), place(channel, identifier(thread, "thread_ts"))
    return [Signal("joined", sender, envelope.event_id, thread=where, at=moment(event, "event_ts"))]


Reader = Callable[[dict[str, Any], Envelope], list[InboundItem]]
SUBTYPES: dict[str, Reader] = {
    **dict.fromkeys(("", "file_share", "thread_broadcast", "me_message", "bot_message"), _spoken),
    "message_changed": _changed,
    "message_deleted": _deleted,
}
EVENTS: dict[str, Reader] = {
    "message": _message,
    "app_mention": _spoken,
    **dict.fromkeys(("reaction_added", "reaction_removed"), _reaction),
    **dict.fromkeys(("member_joined_channel", "member_left_channel"), _member),
    "assistant_thread_started": _assistant,
    "message_metadata_posted": _posted,
}
