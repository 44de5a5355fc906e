"""From Slack's form posts to contract items: pressed buttons, filled forms, shortcuts, slash commands.

Owns the two kinds of form and where each answer goes. Must not decide by words inside the body: a
command's text may contain any of them.
https://docs.slack.dev/interactivity/handling-user-interaction
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from channels_app.adapters.slack.blocks import words_of
from channels_app.adapters.slack.inbound import is_direct, message_id, person, place
from channels_app.adapters.slack.words import plain, read_file
from channels_app.adapters.wire import MAX_ID, Shape, array, at, identifier, misshapen, moment, obj, string
from channels_app.content.normalise import clean_text
from channels_app.content.surroundings import MAX_QUOTE, Form, Quote, form_of
from channels_app.content.types import MAX_FULL_TEXT, Choice, Content, worded
from channels_app.contract import (
    BadPayload,
    Ignored,
    InboundItem,
    InboundMessage,
    Malformed,
    MediaRef,
    Sender,
    read_json,
)

#: where an element keeps what was picked; the first that is there counts
SINGLE = (
    ("value",),
    ("selected_option", "value"),
    ("selected_user",),
    ("selected_conversation",),
    ("selected_channel",),
    ("selected_date",),
    ("selected_time",),
    ("selected_date_time",),
)
MULTIPLE = ("selected_options", "selected_users", "selected_conversations", "selected_channels", "files")
NAMES = ("value", "name", "id")  # of one of several: an option, a file
TYPED = frozenset({"plain_text_input", "email_text_input", "url_text_input", "number_input"})


#: https://docs.slack.dev/reference/interaction-payloads
SHAPE: Shape = {
    "type": str, "trigger_id": str, "user": {"id": str}, "team": {"id": str}, "enterprise": {}, "container": {}, "channel": {"id": str},
    "message": {}, "actions": [{"action_id": str}], "view": {},
}  # fmt: skip


def items(form: Mapping[str, str], team_id: str, ephemeral: bool) -> Iterator[InboundItem]:
    """Every item of a form. ``team_id`` as for events; ``ephemeral``: commands are answered for the person
    alone. Raises BadPayload."""
    if "payload" in form:
        body = read_json(form["payload"])
        yield from _guarded(body, team_id)
        yield from misshapen(body, SHAPE)
    elif "command" in form:
        yield _command(form, team_id, ephemeral)
    elif "ssl_check" in form:
        yield Ignored("ssl_check")
    else:
        raise BadPayload("neither a payload nor a command")


def author(form: Mapping[str, str]) -> str:
    """Whom a form comes from. Raises BadPayload."""
    return identifier(read_json(form["payload"]), "user", "id") if "payload" in form else identifier(form, "user_id")


# ------------------------------------------------------------------------------ commands


def _command(form: Mapping[str, str], team_id: str, ephemeral: bool) -> InboundItem:
    """A command's own direct channel may be one between two people, so it teaches no address."""
    trigger, user, channel = (identifier(form, name) for name in ("trigger_id", "user_id", "channel_id"))
    platform_id = f"command:{trigger}"[:MAX_ID]
    if team_id and team_id not in (form.get("team_id"), form.get("enterprise_id")):
        return Ignored("other_team", platform_id)
    if not trigger or not user:
        return Ignored("no_sender" if trigger else "no_id")
    sender = person(team_id or identifier(form, "team_id"), user, name=string(form, "user_name", limit=255))
    command = string(form, "command", limit=100)
    words = clean_text(plain(string(form, "text")), limit=MAX_FULL_TEXT) or clean_text(command) or "[command]"
    return InboundMessage(
        platform_id=platform_id,
        sender=sender,
        content=Content(type="text", **worded(words)),
        thread=place(channel, ""),
        reference=_reference(channel, form, user if ephemeral else ""),
        metadata={"command": command, "workspace_id": sender.scope, "channel_id": channel},
    )


def _reference(channel: str, source: Mapping[str, Any], ephemeral_for: str) -> dict[str, str]:
    """What a reply into a channel needs to know: an address that works without membership (for half an
    hour, five times), and the only person who may see it."""
    if not channel or is_direct(channel):
        return {}
    facts = {"response_url": string(source, "response_url", limit=500), "ephemeral_for": ephemeral_for}
    return {name: value for name, value in facts.items() if value}


# -------------------------------------------------------------------------- interactions


def _guarded(body: Any, team_id: str) -> list[InboundItem]:
    kind = string(body, "type", limit=60)
    reader = INTERACTIONS.get(kind)
    user = identifier(body, "user", "id")
    teams = [identifier(body, "view", "app_installed_team_id"), identifier(body, "team", "id")]
    teams += [identifier(body, "user", "team_id"), identifier(body, "enterprise", "id")]
    if not kind:
        raise BadPayload("not a Slack interaction")
    if reader is None:
        return [Ignored(f"interaction:{kind}")]
    if team_id and team_id not in teams:
        return [Ignored("other_team")]
    if not user:
        return [Ignored("no_sender")]
    name = string(body, "user", "name", limit=255) or string(body, "user", "username", limit=255)
    sender = person(team_id or next(filter(None, teams), ""), user, _channel(body), name)
    try:
        return reader(body, sender)
    except Exception as error:  # noqa: BLE001  one odd interaction is kept with its reason
        return [Malformed(f"unreadable:{type(error).__name__}")]


def _channel(body: Any) -> str:
    return identifier(body, "container", "channel_id") or identifier(body, "channel", "id")


def _actions(body: dict[str, Any], sender: Sender) -> list[InboundItem]:
    """Each action is a message of its own. A link that was opened has no value and says nothing."""
    channel = _channel(body)
    source = identifier(body, "container", "message_ts") or identifier(body, "message", "ts")
    root = identifier(body, "container", "thread_ts") or identifier(body, "message", "thread_ts")
    alone = sender.value if at(body, "container", "is_ephemeral") is True else ""
    form = _answers(obj(body, "state"), obj(body, "message") or obj(body, "view"))
    facts = {"workspace_id": sender.scope, "channel_id": channel}
    found: list[InboundItem] = []
    for action in array(body, "actions"):
        where = source or identifier(body, "view", "id")
        parts = [channel, where, sender.value, identifier(action, "action_id")[:100], identifier(action, "action_ts")]
        platform_id = ":".join(part for part in parts if part)[:MAX_ID]
        content = _picked(action)
        if content is None:
            found.append(Ignored("action_without_value", platform_id))
            continue
        found.append(
            InboundMessage(
                platform_id=platform_id,
                sender=sender,
                content=content.model_copy(update={"form": form}) if form else content,
                sent_at=moment(action, "action_ts"),
                thread=place(channel, root),
                reply_to=message_id(channel, source),
                reference=_reference(channel, body, alone),
                metadata={**facts, "action_id": string(action, "action_id", limit=255)},
            )
        )
    return found or [Ignored("no_action")]


def _picked(action: Any) -> Content | None:
    value, title = _value(action), clean_text(_title(action))
    if not value.strip():
        return None
    if string(action, "type") in TYPED or len(value) > 1000:
        return Content(type="text", **worded(clean_text(value, limit=MAX_FULL_TEXT) or title or "[empty]"))
    title = title or clean_text(value) or "[choice]"
    return Content(type="quick_reply", text=title, choice=Choice(value=value, title=title[:1000]))


def _value(element: Any) -> str:
    """What was picked or typed, several things joined by commas."""
    several = [
        next(filter(None, (string(one, part) for part in NAMES)), "")
        if isinstance(one, dict)
        else one
        if isinstance(one, str)
        else ""
        for name in MULTIPLE
        for one in array(element, name)
    ]
    single = (string(element, *path) for path in SINGLE)
    rich = plain(words_of({"blocks": [obj(element, "rich_text_value")]}))
    return ", ".join(filter(None, several)) or next(filter(None, single), "") or rich


def _title(action: Any) -> str:
    options = [string(one, "text", "text") for one in array(action, "selected_options")]
    title = string(action, "selected_option", "text", "text") or string(action, "text", "text")
    return plain(", ".join(filter(None, options)) or title)


def _answers(state: dict[str, Any], asked: dict[str, Any], name: str = "") -> Form | None:
    """Every filled field of a form or message, by its label or action id; ``asked`` has the blocks. An option is told as
    the person read it, and its value beside."""
    labels = {string(one, "block_id"): plain(string(one, "label", "text")) for one in array(asked, "blocks")}
    found: dict[str, str] = {}
    choices: dict[str, str] = {}
    for block, fields in obj(state, "values").items():
        for action, element in obj(fields).items():
            label = clean_text(labels.get(block, ""), limit=255)
            if value := _value(element):
                key = str(action) if not label or label in found else label
                found[key] = clean_text(_title(element)) or value
                choices |= {key: value} if found[key] != value else {}
    return form_of(name, found, choices=choices)


def _form(body: dict[str, Any], sender: Sender) -> list[InboundItem]:
    """A modal that was sent off. It hangs on no channel, so it belongs to the person's own conversation."""
    view = obj(body, "view")
    view_id = identifier(view, "id")
    if not view_id:
        return [Ignored("no_id")]
    form = _answers(obj(view, "state"), view, string(view, "callback_id", limit=255))
    lines = ""
    if form:
        labelled = any(string(block, "label", "text") for block in array(view, "blocks"))
        lines = form.lines if labelled else "\n".join(one.value for one in form.answers)
    words = worded(clean_text(lines, limit=MAX_FULL_TEXT)) or {"text": "[form answered]"}
    platform_id = f"view:{view_id}:{identifier(view, 'hash')}"[:MAX_ID]
    content = Content(type="text", form=form, **words)
    media = tuple(_files(obj(view, "state")))
    return [InboundMessage(platform_id, sender, content, media=media, metadata={"workspace_id": sender.scope})]


def _files(state: dict[str, Any]) -> Iterator[MediaRef]:
    """What was put into the form's fields for files."""
    for fields in obj(state, "values").values():
        for element in obj(fields).values():
            for file in array(element, "files"):
                yield from read_file(file).media


def _shortcut(body: dict[str, Any], sender: Sender) -> list[InboundItem]:
    """A shortcut's callback id is the choice. One on a message belongs to the thread of that message."""
    trigger, callback = identifier(body, "trigger_id"), string(body, "callback_id", limit=255)
    if not trigger or not callback.strip():
        return [Ignored("no_id")]
    channel = _channel(body)
    ts = identifier(body, "message_ts") or identifier(body, "message", "ts")
    root = identifier(body, "message", "thread_ts") or ("" if is_direct(channel) else ts)
    quoted = clean_text(plain(words_of(obj(body, "message"))), limit=MAX_QUOTE)
    facts = {"workspace_id": sender.scope, "channel_id": channel}
    choice = Choice(value=callback, title=callback)
    quote = Quote(text=" ".join(quoted.split())) if quoted else None
    return [
        InboundMessage(
            platform_id=f"shortcut:{trigger}"[:MAX_ID],
            sender=sender,
            content=Content(type="quick_reply", text=callback, choice=choice, quote=quote),
            sent_at=moment(body, "action_ts"),
            thread=place(channel, root) if channel else "",
            reply_to=message_id(channel, ts),
            reference=_reference(channel, body, ""),
            metadata={name: value for name, value in facts.items() if value},
        )
    ]


INTERACTIONS: dict[str, Callable[[dict[str, Any], Sender], list[InboundItem]]] = {
    "block_actions": _actions,
    "view_submission": _form,
    "shortcut": _shortcut,
    "message_action": _shortcut,
}
