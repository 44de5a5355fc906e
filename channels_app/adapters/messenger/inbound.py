"""From one webhook body to contract items: messages, delivery statuses, echoes, handovers, edits, reactions.

Owns the walk through the envelope and who is who. Must not let one odd event cost the others, nor take
an event of another page of the same app.
https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from channels_app.adapters.messenger.answers import cart_of, survey_of, thumb_of
from channels_app.adapters.messenger.bodies import picked, read_body
from channels_app.adapters.messenger.origins import origin_in, origin_of_plugin, origin_of_referral
from channels_app.adapters.wire import Shape, array, at, identifier, misshapen, moment, obj, string
from channels_app.content.surroundings import Origin
from channels_app.content.types import MAX_TEXT, Content, worded
from channels_app.contract import (
    ACCOUNT,
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

REPORTS = frozenset({"delivery", "read"})  # about our own messages
JUDGED = frozenset({"policy_enforcement", "policy-enforcement"})  # about the page
WINDOW_S = 24 * 3600  # a message or a pressed button opens the standard messaging window for a day
#: render marks the second and further calls of one message with it: ``<client_ref>#2``
PART_MARK = "#"
#: the emoji of a reaction that names only its word
EMOJI = {"smile": "😆", "angry": "😠", "sad": "😢", "wow": "😮", "love": "❤", "like": "👍", "dislike": "👎"}

#: what the platform does to a page that breaks its policy → state, and what staff read
POLICY = {
    "warning": ("degraded", "The platform warns that the page breaks its policy"),
    "block": ("credential_refused", "The platform has blocked the page from sending messages"),
    "unblock": ("healthy", ""),
}


@dataclass(frozen=True)
class Page:
    """Whose events these are: the page, and the app through which we speak for it."""

    id: str
    app_id: str

    def person(self, event: Any, end: str) -> Sender | None:
        """The person at ``end`` (sender or recipient) of ``event``; None where the page itself, or no
        page-scoped id, stands there."""
        found = identifier(event, end, "id")
        return Sender("psid", found, scope=self.id) if found and found != self.id else None


#: https://developers.facebook.com/docs/messenger-platform/reference/webhook-events
EVENT = {
    "sender": {"id": str}, "recipient": {"id": str}, "timestamp": str, "postback": {"payload": str}, "reaction": {}, "read": {},
    "message": {"mid": str, "text": str, "attachments": [{"type": str, "payload": {}}], "quick_reply": {}, "reply_to": {}},
    "delivery": {"mids": [str]}, "referral": {}, "optin": {},
}  # fmt: skip
SHAPE: Shape = {"entry": [{"id": str, "messaging": [EVENT], "standby": [EVENT], "changes": [{"field": str}]}]}


def items(body: Any, page: Page) -> Iterator[InboundItem]:
    """Every item of the webhook ``body`` in its order."""
    for entry in array(body, "entry"):
        if identifier(entry, "id") != page.id:
            yield Ignored("other_page")
            continue
        for event in array(entry, "messaging"):
            yield from _guarded(_event, event, page)
        for event in array(entry, "standby"):
            yield from _guarded(_standby, event, page)
        for change in array(entry, "changes"):
            yield Ignored(f"field:{string(change, 'field', limit=60)}")
    yield from misshapen({**obj(body), "entry": at(body, "entry") or ""}, SHAPE)


def people(body: Any, page: Page) -> Iterator[str]:
    """Whom the webhook ``body`` comes from: who did something, and whom the page answered; ACCOUNT where the platform
    judges that."""
    for entry in array(body, "entry"):
        for event in [*array(entry, "messaging"), *array(entry, "standby")]:
            person = page.person(event, "sender") or page.person(event, "recipient")
            own = identifier(event, "message", "app_id") == page.app_id
            if JUDGED & obj(event).keys():
                yield ACCOUNT
            elif person and not own and not REPORTS & obj(event).keys():
                yield person.value


def _guarded(reader: Reader, event: Any, page: Page) -> Sequence[InboundItem]:
    try:
        return reader(event, page)
    except Exception as error:  # noqa: BLE001  one odd event must never cost the others
        return [Malformed(f"unreadable:{type(error).__name__}", _mid(event))]


def _event(event: Any, page: Page) -> Sequence[InboundItem]:
    found = next((name for name in READERS if name in obj(event)), "")
    ends = {identifier(event, "sender", "id"), identifier(event, "recipient", "id")} - {""}
    if len(ends) == 2 and page.id not in ends:
        return [Ignored("other_page", _mid(event))]
    if found:
        return READERS[found](event, page)
    other = [name for name in obj(event) if name not in ("sender", "recipient", "timestamp")]
    return [Ignored(f"event:{other[0][:60] if other else ''}")]


def _standby(event: Any, page: Page) -> Sequence[InboundItem]:
    """Another app has the thread: what a person says there is not ours to answer."""
    return _message(event, page) if obj(event, "message").get("is_echo") is True else [Ignored("standby", _mid(event))]


def _mid(event: Any) -> str:
    return identifier(event, "message", "mid") or identifier(event, "postback", "mid")


# -------------------------------------------------------------------------- messages


def _message(event: Any, page: Page) -> Sequence[InboundItem]:
    message, mid = obj(event, "message"), _mid(event)
    if not mid:
        return [Ignored("no_id")]
    if message.get("is_echo") is True:
        return [_echo(event, page)]
    sender = page.person(event, "sender")
    if sender is None:
        return [Ignored("no_sender", mid)]
    if message.get("is_deleted") is True:
        return [Revision(f"unsend:{mid}", mid, sender, None, moment(event, "timestamp"))]
    what = read_body(message)
    return [
        InboundMessage(
            platform_id=mid,
            sender=sender,
            content=_coming_from(message, what.content),
            sent_at=moment(event, "timestamp"),
            reply_to=identifier(message, "reply_to", "mid"),
            media=what.media,
            opens_window_s=WINDOW_S,
            metadata={**what.facts, **_circumstances(event, message)},
        )
    ]


def _circumstances(event: Any, source: dict[str, Any]) -> dict[str, Any]:
    """What led here: a command, an earlier message."""
    commands = [name for command in array(source, "commands") if (name := string(command, "name", limit=60))]
    return {
        name: found
        for name, found in (
            ("commands", commands),
            ("prior_message", _strings(obj(event, "prior_message"))),
        )
        if found
    }


def _coming_from(source: dict[str, Any], content: Content) -> Content:
    origin = origin_in(source)
    return content.model_copy(update={"origin": origin}) if origin else content


def _strings(source: dict[str, Any]) -> dict[str, str]:
    return {name: value[:2083] for name, value in source.items() if isinstance(value, str) and value}


def _echo(event: Any, page: Page) -> InboundItem:
    """Our own words come back with the reference we gave along: a send whose answer got lost is known by
    it. Another app's, or the page inbox's, mean that a colleague or another app has taken over."""
    message, mid = obj(event, "message"), _mid(event)
    person, app_id = page.person(event, "recipient"), identifier(event, "message", "app_id")
    reference = identifier(message, "metadata").partition(PART_MARK)[0]
    if app_id == page.app_id:
        at = moment(event, "timestamp")
        own = StatusUpdate(mid, "sent", at, client_ref=reference, sender=person)
        return own if reference else Ignored("own_echo", mid)
    if person is None:
        return Ignored("no_sender", mid)
    kind = string(next(iter(array(message, "attachments")), {}), "type", limit=40) or "text"
    return Signal("human_took_over", person, mid, at=moment(event, "timestamp"), data={"type": kind, "app_id": app_id})


def _edit(event: Any, page: Page) -> Sequence[InboundItem]:
    mid, sender = identifier(event, "message_edit", "mid"), page.person(event, "sender")
    words = string(event, "message_edit", "text")
    if not mid or sender is None or not words.strip():
        return [Ignored("edit_without_message", mid)]
    content = Content(type="text", **worded(words))
    number = string(event, "message_edit", "num_edit", limit=10) or string(event, "timestamp", limit=20)
    return [Revision(f"edit:{mid}:{number}", mid, sender, content, moment(event, "timestamp"))]


def _postback(event: Any, page: Page) -> Sequence[InboundItem]:
    """A pressed button, a menu entry or "Get Started". Old payloads have no id: person and time are one."""
    postback, sender = obj(event, "postback"), page.person(event, "sender")
    title, payload = string(postback, "title", limit=MAX_TEXT), string(postback, "payload", limit=1000)
    if sender is None:
        return [Ignored("no_sender", _mid(event))]
    if not (payload.strip() or title.strip()):
        return [Ignored("empty_postback", _mid(event))]
    return [
        InboundMessage(
            platform_id=_mid(event) or f"postback:{sender.value}:{string(event, 'timestamp', limit=20)}",
            sender=sender,
            content=_coming_from(postback, picked(payload, title).content),
            sent_at=moment(event, "timestamp"),
            opens_window_s=WINDOW_S,
            metadata=_circumstances(event, postback),
        )
    ]


def _reaction(event: Any, page: Page) -> Sequence[InboundItem]:
    reaction, sender = obj(event, "reaction"), page.person(event, "sender")
    target, action = identifier(reaction, "mid"), string(reaction, "action", limit=20)
    if not target or sender is None or action not in ("react", "unreact"):
        return [Ignored(f"reaction:{action}", target)]
    word = string(reaction, "reaction", limit=40)
    emoji = string(reaction, "emoji", limit=64) or EMOJI.get(word, word)
    platform_id = f"{action}:{target}:{string(event, 'timestamp', limit=20)}"
    return [Reaction(platform_id, target, sender, emoji if action == "react" else "", moment(event, "timestamp"))]


def _handed_in(name: str, read: Callable[[Any], Content | None]) -> Reader:
    """A survey or a cart, which has no id of its own: person and time are one."""

    def reader(event: Any, page: Page) -> Sequence[InboundItem]:
        sender, content = page.person(event, "sender"), read(obj(event, name))
        if sender is None or content is None:
            return [Ignored("no_sender" if sender is None else f"{name}:empty")]
        platform_id = f"{name}:{sender.value}:{string(event, 'timestamp', limit=20)}"
        return [InboundMessage(platform_id, sender, content, moment(event, "timestamp"))]

    return reader


def _thumb(event: Any, page: Page) -> Sequence[InboundItem]:
    """The platform's own buttons below an answer: good or bad."""
    sender, target = page.person(event, "sender"), identifier(event, "response_feedback", "mid")
    word = string(event, "response_feedback", "feedback", limit=40)
    emoji = thumb_of(word)
    if sender is None or not target or not emoji:
        return [Ignored(f"response_feedback:{word}", target)]
    platform_id = f"feedback:{target}:{string(event, 'timestamp', limit=20)}"
    return [Reaction(platform_id, target, sender, emoji, moment(event, "timestamp"))]


# ---------------------------------------------------------------------- delivery status


def _delivery(event: Any, page: Page) -> Sequence[InboundItem]:
    """The ids are exact but may be missing; the watermark covers everything sent before it."""
    person, up_to = page.person(event, "sender"), moment(event, "delivery", "watermark")
    mids = [mid for found in array(event, "delivery", "mids") if (mid := identifier(found))]
    exact = [StatusUpdate(mid, "delivered", up_to, sender=person) for mid in mids]
    return [*exact, *_watermark("delivered", person, up_to)] or [Ignored("empty_delivery")]


def _read(event: Any, page: Page) -> Sequence[InboundItem]:
    found = _watermark("read", page.person(event, "sender"), moment(event, "read", "watermark"))
    return found or [Ignored("empty_read")]


def _watermark(status: str, person: Sender | None, up_to: Any) -> list[InboundItem]:
    known = person is not None and up_to is not None
    return [StatusUpdate("", status, up_to, sender=person, up_to=up_to)] if known else []


# ------------------------------------------------------------ arrivals, handovers, news


def _referral(event: Any, page: Page) -> Sequence[InboundItem]:
    """An m.me link or advertisement opened in a conversation that exists already."""
    return _arrived(event, page, origin_of_referral(obj(event, "referral")))


def _optin(event: Any, page: Page) -> Sequence[InboundItem]:
    """A plug-in on a website, or the wish for notification messages (its token is in the data)."""
    optin = obj(event, "optin")
    stopped = string(optin, "notification_messages_status", limit=40)
    if stopped.startswith("STOP"):
        return [Ignored(f"optin:{stopped}")]
    return _arrived(event, page, origin_of_plugin(optin), optin=_strings(optin))


def _arrived(event: Any, page: Page, origin: Origin | None, **data: Any) -> Sequence[InboundItem]:
    person = page.person(event, "sender")
    if person is None:
        return [Ignored("no_sender")]
    data |= {"origin": origin.to_json()} if origin else {}
    return [Signal("joined", person, at=moment(event, "timestamp"), data=data)]


def _thread_control(event: Any, page: Page) -> Sequence[InboundItem]:
    """Who has the thread now: another app, and the bot steps back, or ours again."""
    name = next(name for name in ("pass_thread_control", "take_thread_control") if name in event)
    owner, before = (identifier(event, name, member) for member in ("new_owner_app_id", "previous_owner_app_id"))
    person = page.person(event, "sender") or page.person(event, "recipient")
    if person is None or not (owner or before == page.app_id):  # taken from us is told without saying by whom
        return [Ignored(name)]
    data = {"type": name, "app_id": owner, "metadata": string(event, name, "metadata", limit=1000)}
    kind = "handed_back" if owner == page.app_id else "human_took_over"
    return [Signal(kind, person, at=moment(event, "timestamp"), data=data)]


def _policy(event: Any, page: Page) -> Sequence[InboundItem]:
    """The platform warns the page, blocks it from writing, or lets it write again."""
    name = next(name for name in ("policy_enforcement", "policy-enforcement") if name in event)
    action, reason = string(event, name, "action", limit=40), string(event, name, "reason", limit=200)
    state, sentence = POLICY.get(action, ("", ""))
    if not state:
        return [Ignored(f"policy:{action}")]
    told = f"{sentence}: {reason.rstrip('.')}." if sentence and reason else f"{sentence}." if sentence else ""
    return [ChannelNotice(state, told, f"policy:{action}", lasting=True)]


def _named(name: str, *detail: str) -> Reader:
    """An event that is none of our business, by its name and one telling word of it."""

    def reader(event: Any, page: Page) -> Sequence[InboundItem]:
        word = string(event, name, *detail, limit=40) if detail else ""
        return [Ignored(f"{name}:{word}" if word else name)]

    return reader


Reader = Callable[[Any, Page], Sequence[InboundItem]]
READERS: dict[str, Reader] = {
    "message": _message,
    "message_edit": _edit,
    "postback": _postback,
    "delivery": _delivery,
    "read": _read,
    "reaction": _reaction,
    "referral": _referral,
    "optin": _optin,
    "pass_thread_control": _thread_control,
    "take_thread_control": _thread_control,
    "request_thread_control": _named("request_thread_control"),
    "app_roles": _named("app_roles"),
    "account_linking": _named("account_linking", "status"),
    "policy_enforcement": _policy,
    "policy-enforcement": _policy,
    "messaging_feedback": _handed_in("messaging_feedback", survey_of),
    "order": _handed_in("order", cart_of),
    "response_feedback": _thumb,
}
