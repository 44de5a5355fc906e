"""From one webhook body to contract items: messages, statuses, echoes of staff, changes of identity.

Owns the walk through the envelope and who wrote what. Must not let one odd item cost the others,
nor take an item of another phone number of the same business.
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/overview
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from channels_app.adapters.whatsapp.bodies import read_body
from channels_app.adapters.whatsapp.notices import NOTICES
from channels_app.adapters.wire import Shape, array, at, identifier, misshapen, moment, obj, string
from channels_app.content.surroundings import Origin, origin_of
from channels_app.content.types import text
from channels_app.contract import (
    ACCOUNT,
    EVERYBODY,
    Ignored,
    InboundItem,
    InboundMessage,
    Malformed,
    Reaction,
    Revision,
    Sender,
    Signal,
    StatusUpdate,
    TemplateStatus,
)

WINDOW_S = 24 * 3600  # each message of a person opens the customer-service window for a day
STATUSES = {"sent": "sent", "delivered": "delivered", "read": "read", "played": "read", "failed": "failed"}
#: render marks the second and further calls of one message with it: ``<client_ref>#2``
PART_MARK = "#"
USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,140}", re.ASCII)
MOVED = re.compile(r"\bfrom (\S{1,255}) to (\S{1,255}?)\.?$")
SAYS_NOTHING = frozenset({"revoke", "edit", "reaction"})  # types of what staff do with their phone


ENTRY = {"id": str, "from": str, "type": str, "timestamp": str}
FILE = {"id": str}
#: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
MESSAGE = {
    **ENTRY, "text": {"body": str}, "context": {"id": str}, "referral": {}, "reaction": {}, "location": {}, "interactive": {},
    "button": {}, "contacts": [{}], "errors": [{}], "system": {},
    **dict.fromkeys(("image", "audio", "video", "document", "sticker"), FILE),
}  # fmt: skip
SHAPE: Shape = {
    "entry": [{"id": str, "changes": [{"field": str, "value": {
        "metadata": {"phone_number_id": str}, "contacts": [{"profile": {"name": str}, "wa_id": str}], "messages": [MESSAGE],
        "statuses": [{"id": str, "status": str, "recipient_id": str}], "errors": [{}], "message_echoes": [MESSAGE],
        "user_id_update": [{}], "user_preferences": [{}],
    }}]}]
}  # fmt: skip


def items(body: Any, phone_number_id: str, waba_id: str = "") -> Iterator[InboundItem]:
    """Every item of the webhook ``body`` in its order."""
    for entry in array(body, "entry"):
        for change in array(entry, "changes"):
            reader = OF_ACCOUNT.get(string(change, "field"))
            if reader:
                ours = waba_id in ("", identifier(entry, "id"))
                yield reader(obj(change, "value")) if ours else Ignored("other_account")
            else:
                yield from _change(change, phone_number_id)
    yield from misshapen({**obj(body), "entry": at(body, "entry") or ""}, SHAPE)


def people(body: Any) -> Iterator[str]:
    """Whom the webhook ``body`` comes from: the author of each message, and to whom staff wrote; ACCOUNT where it is about
    that. A change of identity has two of them."""
    for entry in array(body, "entry"):
        for change in array(entry, "changes"):
            if string(change, "field") in OF_ACCOUNT:
                yield ACCOUNT
            value = obj(change, "value")
            messages = array(value, "messages")
            moves = [message for message in messages if string(message, "type") == "system"]
            yield from [EVERYBODY] * len(moves + array(value, "user_id_update"))
            authors = [_author(message, value) for message in messages]
            others = [_receiver_of(echo, value) for echo in array(value, "message_echoes")]
            others += [
                _person(string(wish, "wa_id"), identifier(wish, "user_id")) for wish in array(value, "user_preferences")
            ]
            yield from (person.value for person in authors + others if person)


def _change(change: Any, phone_number_id: str) -> Iterator[InboundItem]:
    topic, value = string(change, "field", limit=60), obj(change, "value")
    lists = [(reader, array(value, name)) for name, reader in LISTS.get(topic, {}).items()]
    if not any(entries for _, entries in lists):
        yield Ignored(f"field:{topic}")
    ours = string(value, "metadata", "phone_number_id") == phone_number_id
    for reader, entries in lists:
        for entry in entries:
            yield _guarded(reader, entry, value) if ours else Ignored("other_number", identifier(entry, "id"))


def _guarded(reader: Reader, entry: Any, value: dict[str, Any]) -> InboundItem:
    try:
        return reader(entry, value)
    except Exception as error:  # noqa: BLE001  one odd item must never cost the others
        return Malformed(f"unreadable:{type(error).__name__}", identifier(entry, "id"))


# -------------------------------------------------------------------------- messages


def _message(message: Any, value: dict[str, Any]) -> InboundItem:
    platform_id = identifier(message, "id")
    if not platform_id:
        return Ignored("no_id")
    if _digits(string(message, "from")) == (_digits(string(value, "metadata", "display_phone_number")) or None):
        return Ignored("own_echo", platform_id)
    sender = _author(message, value) or _former(message)
    if sender is None:
        return Ignored("no_sender", platform_id)
    return SPECIAL.get(string(message, "type"), _spoken)(message, sender)


def _spoken(message: dict[str, Any], sender: Sender) -> InboundMessage:
    what = read_body(message)
    return InboundMessage(
        platform_id=identifier(message, "id"),
        sender=_with_own_number(sender, message),
        content=what.content.model_copy(update={"origin": _origin(message), "forwarded": _forwarded(message)}),
        sent_at=moment(message, "timestamp"),
        thread=identifier(message, "group_id"),
        reply_to=identifier(message, "context", "id"),
        media=what.media,
        opens_window_s=WINDOW_S,
        metadata=what.facts,
    )


def _forwarded(message: dict[str, Any]) -> str | None:
    """Whether the message came from another chat; ``often``: more than five times."""
    context = obj(message, "context")
    return next((how for mark, how in FORWARDED.items() if context.get(mark) is True), None)


def _origin(message: dict[str, Any]) -> Origin | None:
    """The product page or the advertisement from where the person wrote."""
    product, referral = obj(message, "context", "referred_product"), obj(message, "referral")
    if product:
        return origin_of("product", {**referral, **product}, id="product_retailer_id")
    kind = string(referral, "source_type", limit=40) or "ad"
    greeting = string(referral, "welcome_message", "text")  # the tenant's own words, which the person has read
    told = {name: value for name, value in referral.items() if name != "source_type"} | {"welcome_message": greeting}
    return origin_of(kind, told, id="source_id", title="headline", text="body", url="source_url")


def _with_own_number(sender: Sender, message: dict[str, Any]) -> Sender:
    """Who was asked for their number and shared it is known by it from then on."""
    own: Any = next(iter(array(message, "contacts")), {})
    if sender.scheme != "wa_user" or sender.aliases or not string(own, "origin").startswith("contact_request"):
        return sender
    phone: Any = next(iter(array(own, "phones")), {})
    digits = _digits(string(phone, "wa_id") or string(phone, "phone"))
    return replace(sender, aliases=(("phone", "", f"+{digits}"),)) if digits else sender


def _reaction(message: dict[str, Any], sender: Sender) -> InboundItem:
    target = identifier(message, "reaction", "message_id")
    if not target:
        return Ignored("no_target", identifier(message, "id"))
    emoji = string(message, "reaction", "emoji", limit=64)
    return Reaction(identifier(message, "id"), target, sender, emoji, moment(message, "timestamp"))


def _edit(message: dict[str, Any], sender: Sender) -> InboundItem:
    """Of media only the caption can be edited, so the new caption is the whole news."""
    new = read_body(obj(message, "edit", "message"))
    content = text(new.content.text or "[caption removed]") if new.media else new.content
    return _revision(message, sender, "edit", content)


def _revoke(message: dict[str, Any], sender: Sender) -> InboundItem:
    return _revision(message, sender, "revoke", None)


def _revision(message: dict[str, Any], sender: Sender, kind: str, content: Any) -> InboundItem:
    platform_id, target = identifier(message, "id"), identifier(message, kind, "original_message_id")
    if not target:
        return Ignored("no_target", platform_id)
    return Revision(platform_id, target, sender, content, moment(message, "timestamp"))


def _system(message: dict[str, Any], sender: Sender) -> InboundItem:
    """A new number, a new user id, or a new security key of the same person."""
    kind, system = string(message, "system", "type", limit=60), obj(message, "system")
    if kind not in ("user_changed_number", "user_changed_user_id", "customer_identity_changed"):
        return Ignored(f"system:{kind}", identifier(message, "id"))
    present = _person(string(system, "wa_id") or string(system, "new_wa_id"), identifier(system, "user_id"))
    return _moved(sender, present, kind, message)


def _welcome(message: dict[str, Any], sender: Sender) -> InboundItem:
    return Signal("joined", sender, identifier(message, "id"), at=moment(message, "timestamp"))


# ------------------------------------------------------- statuses, echoes, identities


def _status(status: Any, value: dict[str, Any]) -> InboundItem:
    platform_id, word = identifier(status, "id"), string(status, "status", limit=60)
    if word not in STATUSES or not platform_id:
        return Ignored(f"status:{word}" if platform_id else "no_id", platform_id)
    error: Any = next(iter(array(status, "errors")), {})
    detail = string(error, "error_data", "details") or string(error, "title") or string(error, "message")
    return StatusUpdate(
        platform_id=platform_id,
        status=STATUSES[word],
        at=moment(status, "timestamp"),
        client_ref=identifier(status, "biz_opaque_callback_data").partition(PART_MARK)[0],
        code=string(error, "code", limit=40),
        detail=detail[:500],
        sender=_receiver(status),
    )


def _receiver(status: Any) -> Sender | None:
    prefix = "recipient_participant" if string(status, "recipient_type") == "group" else "recipient"
    return _person(string(status, f"{prefix}_id"), identifier(status, f"{prefix}_user_id"))


def _echo(echo: Any, value: dict[str, Any]) -> InboundItem:
    """Staff wrote with the business's own phone: the text stays there, the bot learns to be quiet. Who takes a message
    back, corrects it or puts an emoji on one does not take over."""
    platform_id = identifier(echo, "id")
    person, kind = _receiver_of(echo, value), string(echo, "type", limit=60)
    if person is None:
        return Ignored("no_sender", platform_id)
    if kind in SAYS_NOTHING:
        return Ignored(f"echo:{kind}", platform_id)
    return Signal("human_took_over", person, platform_id, at=moment(echo, "timestamp"), data={"type": kind})


def _receiver_of(echo: Any, value: dict[str, Any]) -> Sender | None:
    """To whom staff wrote, by both of their ids where the contact beside it names them."""
    number, user_id = string(echo, "to"), identifier(echo, "to_user_id")
    contact = _contact(value, number, user_id)
    return _person(number or string(contact, "wa_id"), user_id or identifier(contact, "user_id"))


def _preference(wish: Any, value: dict[str, Any]) -> InboundItem:
    """The person pressed the platform's own button: no marketing any more, or again."""
    word, category = string(wish, "value", limit=20), string(wish, "category", limit=40)
    person = _person(string(wish, "wa_id"), identifier(wish, "user_id"))
    kind = {"stop": "stopped", "resume": "reopened"}.get(word)
    if person is None or kind is None:
        return Ignored(f"preference:{word}" if person else "no_sender")
    return Signal(kind, person, at=moment(wish, "timestamp"), data={"category": category, "answered_by_platform": True})


def _new_user_id(update: Any, value: dict[str, Any]) -> InboundItem:
    number = string(update, "wa_id")
    former = _person(number, identifier(update, "user_id", "previous"))
    present = _person(number, identifier(update, "user_id", "current"))
    if former is None or present is None:
        return Ignored("no_sender")
    return _moved(former, present, "user_id_update", update)


def _moved(former: Sender, present: Sender | None, why: str, source: Any) -> Signal:
    """``present`` is ``former`` under a new id; None when only the security key changed."""
    ids = dict.fromkeys([(former.scheme, former.scope, former.value), *former.aliases, *(present or former).aliases])
    now = present or former
    ids.pop((now.scheme, now.scope, now.value), None)
    sender = replace(now, name=now.name or former.name, aliases=tuple(ids))
    return Signal(
        "identity_changed", sender, identifier(source, "id"), at=moment(source, "timestamp"), data={"type": why}
    )


def _template_status(value: dict[str, Any]) -> InboundItem:
    """Of the whole account, so no phone number is named."""
    name = string(value, "message_template_name", limit=512)
    language = string(value, "message_template_language", limit=15)
    if not name or not language:
        return Ignored("no_template")
    reason = string(value, "reason", limit=200).lower()
    event = string(value, "event", limit=40).lower()
    return TemplateStatus(name, language, event, "" if reason == "none" else reason)


def _account_error(error: Any, value: dict[str, Any]) -> InboundItem:
    return Ignored(f"error:{string(error, 'code', limit=40)}")


# ---------------------------------------------------------------------------- people


def _author(message: Any, value: dict[str, Any]) -> Sender | None:
    """The person behind ``message``. The phone number is absent for people with a user name, the
    user id in older payloads, the contact in system messages."""
    number, user_id = string(message, "from"), identifier(message, "from_user_id")
    contact = _contact(value, number, user_id)
    return _person(number or string(contact, "wa_id"), user_id or identifier(contact, "user_id"), contact)


def _former(message: Any) -> Sender | None:
    """The author of a change of user id that names them in its words only: their number is not to be seen."""
    words = MOVED.search(string(message, "system", "body"))
    moved = string(message, "system", "type") == "user_changed_user_id" and words
    return _person("", words[1]) if moved and words and words[2] == identifier(message, "system", "user_id") else None


def _contact(value: dict[str, Any], number: str, user_id: str) -> dict[str, Any]:
    contacts = [contact for contact in array(value, "contacts") if isinstance(contact, dict)]
    for contact in contacts:
        if (user_id and string(contact, "user_id") == user_id) or (number and string(contact, "wa_id") == number):
            return contact
    # wa_id may differ from the number written from: a lone contact of a lone message is its author
    alone = len(contacts) == 1 and len(array(value, "messages")) == 1
    return contacts[0] if alone else {}


def _person(number: str, user_id: str, contact: Any = None) -> Sender | None:
    """By user id where the platform gives one, else by phone number; None when it gives neither."""
    digits = _digits(number)
    phone = f"+{digits}" if digits else ""
    profile = {
        name: found
        for name, found in (
            ("username", string(contact, "profile", "username", limit=255)),
            ("parent_user_id", identifier(contact, "parent_user_id")),
        )
        if found
    }
    name = string(contact, "profile", "name", limit=255)
    if user_id and (not phone or USER_ID.fullmatch(user_id)):
        aliases = (("phone", "", phone),) if phone else ()
        return Sender("wa_user", user_id, address=phone, name=name, profile=profile, aliases=aliases)
    return Sender("phone", phone, name=name, profile=profile) if phone else None


def _digits(number: str) -> str:
    """The digits of an E.164 number with or without its plus, or "" when it is none."""
    digits = number.strip().removeprefix("+")
    return digits if digits.isascii() and digits.isdigit() and 6 <= len(digits) <= 15 else ""


FORWARDED = {"frequently_forwarded": "often", "forwarded": "yes"}
Reader = Callable[[Any, dict[str, Any]], InboundItem]
SPECIAL: dict[str, Callable[[dict[str, Any], Sender], InboundItem]] = {
    "reaction": _reaction,
    "edit": _edit,
    "revoke": _revoke,
    "system": _system,
    "request_welcome": _welcome,
}
LISTS: dict[str, dict[str, Reader]] = {
    "messages": {"messages": _message, "statuses": _status, "errors": _account_error},
    "smb_message_echoes": {"message_echoes": _echo},
    "user_id_update": {"user_id_update": _new_user_id},
    "user_preferences": {"user_preferences": _preference},
}
#: field of a change that is about the whole account → its item
OF_ACCOUNT: dict[str, Callable[[dict[str, Any]], InboundItem]] = {
    "message_template_status_update": _template_status,
    **NOTICES,
}
