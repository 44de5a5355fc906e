"""The twin's Slack: the Web API's messages, files and status, and the three kinds of posts to an app.

Owns the platform's words as its documentation gives them. Must not import the adapter.
https://docs.slack.dev/reference/methods/chat.postMessage
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from channels_app.twin.calls import Answer, Call, Webhook, json_answer
from channels_app.twin.platform import Platform, Route
from channels_app.twin.platforms.slack_base import KIND, authorised, error, new_id, new_ts, opened, refuse
from channels_app.twin.platforms.slack_blocks import complaints, elements, options
from channels_app.twin.platforms.slack_files import complete_upload, download, file_info, get_upload_url, upload
from channels_app.twin.world import World

SETTINGS = {
    "webhook_url": "",
    "signing_secret": "twin-signing-secret",
    "team_id": "T0TWIN001",
    "app_id": "A0TWIN001",
    "bot_user_id": "U0TWINBOT",
    "bot_id": "B0TWINBOT",
    "user_id": "U0DEMO001",  # who speaks when only a channel is named
    "member_of": ["C0GENERAL"],  # the bot is in every direct channel anyway
    "looks_into_files": 0,  # so many times a picture that was put there is not ready yet
    "echoes": True,
    "dedupe": False,
    "scopes": "chat:write,im:history,app_mentions:read,files:read,files:write",
}
RESPONSES = 5  # uses of a response_url
SENDS = ("postMessage", "postEphemeral", "completeUploadExternal", "update", "delete")

# ------------------------------------------------------------------------------ messages


def post_message(twin: World, call: Call) -> Answer:
    body = authorised(twin, call)
    channel = opened(str(body.get("channel", "")))
    for complaint in complaints({**body, "channel": channel}, twin.settings[KIND]["member_of"]):
        return error(complaint)
    if not _files_are_ready(twin, body):
        words = "[ERROR] invalid slack file [json-pointer:/blocks/0/slack_file]"
        return json_answer({"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": [words]}})
    reference = _reference(body)
    sent = twin.journal.send(KIND, new_id(channel), channel, body, reference, twin.settings[KIND]["dedupe"])
    ts = sent["id"].partition(":")[2]
    posted = _own_message(twin.settings[KIND], channel, ts, body)
    if sent["id"] != sent["repeat_of"] and twin.settings[KIND]["echoes"]:
        twin.call_back(KIND, [_event(twin.settings[KIND], posted, "echo")])
    return json_answer({"ok": True, "channel": channel, "ts": ts, "message": posted})


def _files_are_ready(twin: World, body: Mapping[str, Any]) -> bool:
    """Slack looks into a file before a block may show it."""
    named = [block["slack_file"]["id"] for block in body.get("blocks") or () if block.get("slack_file")]
    settings = twin.settings[KIND]
    if named and settings["looks_into_files"] > 0:
        settings["looks_into_files"] -= 1
        return False
    return all(twin.media.get(one, ("", b""))[1] for one in named)


def update(twin: World, call: Call) -> Answer:
    """What is not named stays: blocks where no text is given, and the metadata. The app hears of its own change, too.

    https://docs.slack.dev/reference/methods/chat.update"""
    body = authorised(twin, call)
    found = _posted(twin, body)
    if found is None:
        return error("message_not_found")
    before = found["body"]
    gone = () if "blocks" in body or "text" not in body else ("blocks",)
    after = {name: value for name, value in {**before, **body}.items() if name not in ("ts", *gone)}
    for complaint in complaints(after, twin.settings[KIND]["member_of"]):
        return error(complaint)
    twin.journal.change(KIND, found["id"], after)
    own, channel, ts = twin.settings[KIND], str(body["channel"]), str(body["ts"])
    if own["echoes"]:
        said = {
            "message": _own_message(own, channel, ts, after),
            "previous_message": _own_message(own, channel, ts, before),
        }
        twin.call_back(KIND, [_event(own, _told(channel, "message_changed", said), "own edit")])
    return json_answer({"ok": True, "channel": channel, "ts": ts, "text": after.get("text", "")})


def delete(twin: World, call: Call) -> Answer:
    body = authorised(twin, call)
    found = _posted(twin, body)
    if found is None:
        return error("message_not_found")
    twin.journal.change(KIND, found["id"], None)
    own, channel, ts = twin.settings[KIND], str(body["channel"]), str(body["ts"])
    if own["echoes"]:
        said = {"deleted_ts": ts, "previous_message": _own_message(own, channel, ts, found["body"])}
        twin.call_back(KIND, [_event(own, _told(channel, "message_deleted", said), "own deletion")])
    return json_answer({"ok": True, "channel": channel, "ts": ts})


def _posted(twin: World, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The message that a call names; one that only its reader sees cannot be named."""
    found = twin.journal.find(KIND, f"{body.get('channel', '')}:{body.get('ts', '')}")
    return None if found is None or "user" in found["body"] else found


def _told(channel: str, subtype: str, said: Mapping[str, Any]) -> dict[str, Any]:
    place = {"channel": channel, "channel_type": "im" if channel[:1] == "D" else "channel"}
    ts = new_ts()
    return {"type": "message", "subtype": subtype, "hidden": True, **place, "ts": ts, "event_ts": ts, **said}


def post_ephemeral(twin: World, call: Call) -> Answer:
    body = authorised(twin, call)
    channel = str(body.get("channel", ""))
    for complaint in [
        *complaints(body, twin.settings[KIND]["member_of"]),
        *([] if body.get("user") else ["invalid_arguments"]),
    ]:
        return error(complaint)
    sent = twin.journal.send(KIND, new_id(channel), channel, body, "", False)
    return json_answer({"ok": True, "message_ts": sent["id"].partition(":")[2]})


def respond(twin: World, call: Call) -> Answer:
    """A response_url: no token, an answer in plain text, gone after five uses."""
    if sum(one.path == call.path for one in twin.requests) > RESPONSES:
        return Answer(404, b"expired_url", "text/plain")
    channel = call.parts["channel"]
    twin.journal.send(KIND, new_id(channel), channel, call.json(), "", False)
    return Answer(200, b"ok", "text/plain")


# ----------------------------------------------------------------------- the other calls


def auth_test(twin: World, call: Call) -> Answer:
    authorised(twin, call)
    own = twin.settings[KIND]
    facts = {"team": "Twin", "team_id": own["team_id"], "user_id": own["bot_user_id"], "bot_id": own["bot_id"]}
    return json_answer({"ok": True, "url": "https://twin.slack.example/", **facts}, x_oauth_scopes=own["scopes"])


def set_status(twin: World, call: Call) -> Answer:
    body = authorised(twin, call)
    return json_answer({"ok": True}) if body.get("thread_ts") else error("invalid_thread_ts")


def open_conversation(twin: World, call: Call) -> Answer:
    user = str(authorised(twin, call).get("users", ""))
    return json_answer({"ok": True, "channel": {"id": opened(user)}}) if user[:1] == "U" else error("user_not_found")


# ---------------------------------------------------------------------- posts to the app


def say(twin: World, words: Mapping[str, Any]) -> tuple[str, list[Webhook]]:
    """``from`` is a user (U…) or their direct channel (D…); ``channel`` and ``thread_ts`` where they write, by
    default directly. ``text``; or ``message``: members of the event, an interaction (with ``type``
    block_actions …), or a slash command (with ``command``)."""
    own, person = twin.settings[KIND], str(words.get("from", ""))
    if person[:1] not in ("U", "D", "C", "G"):
        raise ValueError("from must be a user (U…) or a channel (D…, C…)")
    user = f"U{person[1:]}" if person[:1] in "UD" else own["user_id"]
    channel = str(words.get("channel") or (person if person[:1] in "CG" else f"D{user[1:]}"))
    message = words.get("message") or {"text": str(words.get("text") or "")}
    if not isinstance(message, dict) or message == {"text": ""}:
        raise ValueError("text, or a message, is required")
    if "command" in message:
        return _say_command(twin, user, channel, message)
    if message.get("type") in ("block_actions", "view_submission", "shortcut", "message_action"):
        return _say_interaction(twin, user, channel, message)
    ts = new_ts()
    place = {"channel": channel, "channel_type": "im" if channel[:1] == "D" else "channel"}
    thread = {"thread_ts": str(words["thread_ts"])} if words.get("thread_ts") else {}
    event = {"type": "message", **place, "user": user, "ts": ts, "event_ts": ts, "team": own["team_id"], **thread}
    event |= message
    twin.journal.say(KIND, f"{channel}:{ts}", channel, event)
    hooks = [_event(own, event, "message")]
    if f"<@{own['bot_user_id']}>" in str(event.get("text", "")) and channel[:1] != "D":
        hooks.append(_event(own, {**event, "type": "app_mention"}, "app_mention"))
    return f"{channel}:{ts}", hooks


def _say_command(twin: World, user: str, channel: str, message: Mapping[str, Any]) -> tuple[str, list[Webhook]]:
    own, trigger = twin.settings[KIND], f"{uuid4().int % 10**9}.{uuid4().hex}"
    form = {
        "command": str(message["command"]),
        "text": str(message.get("text", "")),
        "team_id": own["team_id"],
        "channel_id": channel,
        "user_id": user,
        "user_name": "demo",
        "trigger_id": trigger,
        "api_app_id": own["app_id"],
        "response_url": _response_url(twin, channel),
    }
    twin.journal.say(KIND, f"command:{trigger}", channel, dict(message))
    return f"command:{trigger}", [_signed(own, urlencode(form), "command", "application/x-www-form-urlencoded")]


def _say_interaction(twin: World, user: str, channel: str, message: Mapping[str, Any]) -> tuple[str, list[Webhook]]:
    own, ts, trigger = twin.settings[KIND], new_ts(), f"{uuid4().int % 10**9}.{uuid4().hex}"
    body = {
        "api_app_id": own["app_id"],
        "team": {"id": own["team_id"]},
        "user": {"id": user, "name": "demo", "team_id": own["team_id"]},
        "trigger_id": trigger,
        "response_url": _response_url(twin, channel),
        **message,
    }
    body["actions"] = [{"action_ts": ts, **action} for action in message.get("actions", ())]
    twin.journal.say(KIND, f"interaction:{trigger}", channel, dict(message))
    form = urlencode({"payload": json.dumps(body)})
    label = f"interaction {message['type']}"
    return f"interaction:{trigger}", [_signed(own, form, label, "application/x-www-form-urlencoded")]


def _response_url(twin: World, channel: str) -> str:
    return f"{twin.url}/slack/respond/{channel}/{uuid4().hex}"


def _own_message(own: Mapping[str, Any], channel: str, ts: str, body: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: body[name] for name in ("text", "blocks", "metadata", "thread_ts") if name in body}
    author = {"user": own["bot_user_id"], "bot_id": own["bot_id"], "app_id": own["app_id"]}
    place = {"channel": channel, "channel_type": "im" if channel[:1] == "D" else "channel"}
    return {"type": "message", **place, "ts": ts, "event_ts": ts, **author, **kept}


def _event(own: Mapping[str, Any], event: Mapping[str, Any], label: str) -> Webhook:
    granted = {"team_id": own["team_id"], "user_id": own["bot_user_id"], "is_bot": True, "is_enterprise_install": False}
    envelope = {
        "type": "event_callback",
        "team_id": own["team_id"],
        "api_app_id": own["app_id"],
        "event_id": f"Ev{uuid4().hex[:9].upper()}",
        "event_time": int(time.time()),
        "authorizations": [{"enterprise_id": None, **granted}],
        "event": dict(event),
    }
    return _signed(own, json.dumps(envelope), f"event {label}", "application/json")


def _signed(own: Mapping[str, Any], body: str, label: str, content_type: str) -> Webhook:
    headers = {**sign(own, "", body.encode()), "content-type": content_type}
    return Webhook(own["webhook_url"], body.encode(), headers, label)


def sign(own: Mapping[str, Any], url: str, body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    base = b":".join([b"v0", stamp.encode(), body])
    digest = hmac.new(str(own["signing_secret"]).encode(), base, hashlib.sha256).hexdigest()
    kind = "application/json" if body[:1] == b"{" else "application/x-www-form-urlencoded"
    return {"content-type": kind, "x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}


def handshake(settings: Mapping[str, Any]) -> tuple[Webhook, bytes]:
    challenge = uuid4().hex
    body = json.dumps({"type": "url_verification", "token": "twin", "challenge": challenge})
    return _signed(settings, body, "handshake", "application/json"), challenge.encode()


def show(body: Mapping[str, Any]) -> dict[str, Any]:
    """Choices lead back as block_actions on the message; the page does not know its ts, so one is made up."""
    text = str(body.get("text") or body.get("initial_comment") or "")
    if body.get("files"):
        text = " ".join(["[file]", *[str(file.get("title", "")) for file in body["files"]], text]).strip()
    picked = [action.get("value") or _picked(action) for action in body.get("actions", ())]
    text = str(body.get("command", "")) + " " + text if body.get("command") else text or " ".join(picked)
    choices = [
        {"title": shown["text"]["text"], "message": _press(body, element, shown)}
        for block in body.get("blocks") or ()
        for element in elements(block)
        for shown in options(element) or [element]
        if "value" in shown
    ]
    return {"text": text, "choices": choices}


def _picked(action: Mapping[str, Any]) -> str:
    return str((action.get("selected_option") or {}).get("value", ""))


def _press(body: Mapping[str, Any], element: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    pressed = {"selected_option": dict(shown)} if shown is not element else {n: element[n] for n in ("value", "text")}
    action = {"type": element["type"], "action_id": element["action_id"], **pressed}
    thread = {"thread_ts": body["thread_ts"]} if body.get("thread_ts") else {}
    channel = str(body.get("channel", ""))
    container = {"type": "message", "channel_id": opened(channel), "message_ts": new_ts(), **thread}
    return {"type": "block_actions", "container": container, "actions": [action]}


def _reference(body: Mapping[str, Any]) -> str:
    return str(((body.get("metadata") or {}).get("event_payload") or {}).get("client_ref", ""))


PLATFORM = Platform(
    kind=KIND,
    settings=SETTINGS,
    routes=(
        Route("POST", r"/api/chat\.postMessage", post_message),
        Route("POST", r"/api/chat\.postEphemeral", post_ephemeral),
        Route("POST", r"/api/chat\.update", update),
        Route("POST", r"/api/chat\.delete", delete),
        Route("POST", r"/api/files\.getUploadURLExternal", get_upload_url),
        Route("POST", r"/api/files\.completeUploadExternal", complete_upload),
        Route("GET", r"/api/files\.info", file_info),
        Route("POST", r"/api/auth\.test", auth_test),
        Route("POST", r"/api/assistant\.threads\.setStatus", set_status),
        Route("POST", r"/api/conversations\.open", open_conversation),
        Route("POST", r"/slack/upload/(?P<file>\w+)", upload),
        Route("GET", r"/slack/files/(?P<file>\w+)", download),
        Route("POST", r"/slack/respond/(?P<channel>\w+)/(?P<key>\w+)", respond),
    ),
    is_send=lambda call: call.path.rpartition(".")[2] in SENDS,
    refuse=refuse,
    say=say,
    show=show,
    channel={
        "api_base": "{url}",
        "bot_token": "xoxb-twin-bot-token",
        "signing_secret": "{signing_secret}",
        "team_id": "{team_id}",
    },
    person="D0DEMO001",
    sign=sign,
    handshake=handshake,
    media={"F0TWINTXT": ("text/plain", b"a note")},
)
