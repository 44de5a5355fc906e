"""The person beside a conversation: what is known of them, and what staff enter or correct.

Owns which facts the pane shows and how staff change them; what they enter stays (CONV-11). Call within the tenant's
scope. Must not decide about consent: messaging/consent/rules.py does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import QueryDict
from django.template.defaultfilters import filesizeformat

from assistant.models import Intent
from channels_app.templates.resolve import LANGUAGE
from conversations.contacts.merges import contacts_lock
from conversations.files.media_links import media_link
from conversations.models import Attachment, Contact, Conversation, Identity, Review, Session
from conversations.timeline import contact_touched
from messaging.context.profile import MOST_CHARACTERS, MOST_FACTS, OWN
from tenants.errors import Invalid
from tenants.storage.db import atomic, retried
from tenants.tenant_settings import FLAGS

EARLIER = 10  # conversations
FILES = 12
LONGEST_INTENT = 60
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
COLUMNS: Mapping[str, tuple[str, int]] = {
    "name": ("Name", 200), "email": ("E-mail", 254), "phone": ("Phone", 20), "language": ("Language", 15),
}  # fmt: skip
#: facts of the profile that are shown elsewhere, or say nothing to people
APART = frozenset({"came_from"})


def person_of(conversation: Conversation) -> dict[str, Any]:
    """What the pane shows. Seven statements, and one where an intent is known."""
    contact = conversation.contact
    identities = list(Identity.objects.filter(contact=contact).select_related("channel").order_by("id"))
    return {
        "contact": contact,
        "fields": [
            {"name": name, "label": label, "value": getattr(contact, name), "longest": longest,
             "decided": name in contact.decisions}
            for name, (label, longest) in COLUMNS.items()
        ],
        "facts": facts_of(contact),
        "came_from": contact.profile.get("came_from"),
        "identities": identities,
        "stopped": [row for row in identities if row.stopped_at],
        "earlier": _earlier(conversation),
        "known": known_of(conversation.context),
        "page": _page(conversation),
        "shared": _files(conversation),
        "reviews": _reviews(conversation),
    }  # fmt: skip


def facts_of(contact: Contact) -> list[tuple[str, str]]:
    """The profile as fields: what is a text, a number or yes and no."""
    facts = ((name, value) for name, value in contact.profile.items() if name not in APART)
    return [(name, _plain(value)) for name, value in facts if isinstance(value, str | int | float | bool)]


def known_of(context: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the assistant has understood in the conversation: what it is about, where the tenant has a title for it; slots
    and entities, each value once. A statement where an intent is known."""
    found: dict[str, str] = {}
    if isinstance(intent := context.get("current_intent"), str) and intent:
        named = Intent.objects.filter(name=intent[:LONGEST_INTENT]).exclude(title="").values_list("title", flat=True)
        found |= {"about": title} if (title := named.first()) else {}
    for group in ("slots", "entities"):
        values = context.get(group)
        for name, value in values.items() if isinstance(values, Mapping) else ():
            said = _plain(value)
            if said and said not in found.values():
                found.setdefault(str(name).replace("_", " "), said)
    return list(found.items())


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(filter(None, map(_plain, value)))
    return str(value) if isinstance(value, str | int | float) else ""


def _earlier(conversation: Conversation) -> list[Conversation]:
    """Others of the same person, over all channels, the newest first."""
    rows = Conversation.objects.filter(contact_id=conversation.contact_id, kind="chat").exclude(id=conversation.id)
    return list(rows.select_related("channel").order_by("-created_at", "-id")[:EARLIER])


def _page(conversation: Conversation) -> dict[str, Any]:
    """The page that the visitor is on, or was on when they left (``left``), where their client tells it; {} for none."""
    channel = conversation.channel
    if channel.kind == "web" and not channel.config.get("pages"):
        return {}
    visits = Session.objects.filter(contact_id=conversation.contact_id, channel=channel, ended_at=None)
    device = visits.order_by("-last_seen_at").values_list("device", flat=True).first()
    address = device.get("page", "") if isinstance(device, Mapping) else ""
    if not isinstance(address, str) or not address.startswith(("https://", "http://")):
        return {}
    return {"address": address, "left": bool(device.get("page_left"))}


def _files(conversation: Conversation) -> list[Attachment]:
    rows = Attachment.objects.filter(message__conversation=conversation, state=Attachment.State.STORED)
    found = list(rows.order_by("-id")[:FILES])
    for row in found:
        row.told, row.link = filesizeformat(row.size or 0), media_link(row.id)
    return found


def _reviews(conversation: Conversation) -> list[str]:
    """What the tenant's safety rules want to be looked at here."""
    rows = Review.objects.filter(conversation=conversation, reviewed_at=None).values_list("flags", flat=True)
    return list(dict.fromkeys(FLAGS.get(flag, flag) for flags in rows[:FILES] for flag in flags))


# ------------------------------------------------------------------------------ what staff enter


@retried
def person_change(contact: Contact, given: QueryDict) -> list[str]:
    """Keep what was entered; the names of what changed. A fact whose name or value is empty goes. What stands as the form
    showed it (``was_…``) stays as it is by now, for a colleague may have changed it. Raises NotFound, Invalid
    ``contact_invalid``, whose details name the field."""
    changed = []
    with atomic():
        contacts_lock(contact.id)
        contact.refresh_from_db()
        for name in COLUMNS:
            if name not in given or given[name] == given.get(f"was_{name}"):
                continue
            if (value := _entered(name, given[name].strip())) != getattr(contact, name):
                setattr(contact, name, value)
                changed.append(name)
        if "fact" in given:
            profile = _profile(contact, given)
            if profile != contact.profile:
                contact.profile = profile
                changed.append("profile")
        if changed:
            contact.decide(changed)
            contact.save(update_fields=[*changed, "decided"])
            contact_touched(contact)
    return changed


def _entered(name: str, value: str) -> str:
    label, longest = COLUMNS[name]
    if len(value) > longest or "\0" in value:
        raise _wrong(name, f"{label}: at most {longest} characters.")
    if name == "email" and value:
        try:
            validate_email(value)
        except ValidationError:
            raise _wrong(name, "This is no e-mail address.") from None
    if name == "phone" and value:
        value = re.sub(r"[\s()./-]", "", value)
        value = f"+{value[2:]}" if value.startswith("00") else value
        if not PHONE.fullmatch(value):
            raise _wrong(name, "Write the number with its country, such as +49 30 1234567.")
    if name == "language" and value and not re.fullmatch(LANGUAGE, value):
        raise _wrong(name, "Write a language as two letters, such as de or pt-BR.")
    return value


def _profile(contact: Contact, given: QueryDict) -> dict[str, Any]:
    """The profile with the fields of the form; what is no plain fact stays as it is. A value that was not changed keeps
    its type."""
    shown, entered = dict(facts_of(contact)), {}
    was = dict(_pairs(given, "was_fact", "was_value")) if "was_fact" in given else shown
    for name, value in _pairs(given, "fact", "value"):
        if len(name) > 60 or name in OWN | APART or "\0" in name + value:
            raise _wrong("profile", f"“{name[:60]}” cannot be the name of a fact.")
        if len(value) > MOST_CHARACTERS:
            raise _wrong("profile", f"{name}: at most {MOST_CHARACTERS} characters.")
        entered[name] = value
    profile = {name: value for name, value in contact.profile.items() if name in entered or name not in was}
    new = {name: value for name, value in entered.items() if was.get(name) != value and shown.get(name) != value}
    profile |= new
    if len(profile) > MOST_FACTS:
        raise _wrong("profile", f"A person has at most {MOST_FACTS} facts.")
    return profile


def _pairs(given: QueryDict, names: str, values: str) -> list[tuple[str, str]]:
    pairs = list(zip(given.getlist(names), given.getlist(values), strict=False))[: MOST_FACTS + 1]
    stripped = ((name.strip(), value.strip()) for name, value in pairs)
    return [(name, value) for name, value in stripped if name and value]


def _wrong(field: str, message: str) -> Invalid:
    return Invalid(message, code="contact_invalid", details={"field": field})
