"""From a shared contact card to a SharedContact: the platform's own fields, and the vCard where those are missing.

Owns this reading. Never raises.
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/contacts
"""

from __future__ import annotations

import re
from typing import Any

from channels_app.adapters.wire import array, string
from channels_app.content.surroundings import SharedContact

MAX_VCARD = 20_000  # characters; pictures follow the names
MOST = 20  # phones, e-mail or other addresses of one card
PLACE = ("street", "zip", "city", "state", "country")
FIELD = re.compile(r"^(?:item\d+\.)?(FN|N|TEL|EMAIL|ORG|ADR|URL|BDAY)(?:;[^:\r\n]*)?:([^\r\n]*)", re.M | re.I)
ESCAPED = re.compile(r"\\([\\,;nN])")


def contact_shared(contact: Any) -> SharedContact:
    """The card of one person, whatever of it is there."""
    vcard = _vcard(string(contact, "vcard", limit=MAX_VCARD))
    name = string(contact, "name", "formatted_name") or " ".join(
        part for member in ("first_name", "last_name") if (part := string(contact, "name", member))
    )
    phones = [string(one, "phone") or string(one, "wa_id") for one in array(contact, "phones")]
    emails = [string(one, "email") for one in array(contact, "emails")]
    places = [_joined([string(one, part) for part in PLACE]) for one in array(contact, "addresses")]
    urls = [string(one, "url") for one in array(contact, "urls")]
    return SharedContact(
        name=(name.strip() or _first(vcard, "FN") or _turned(_first(vcard, "N")))[:200],
        phones=_some(phones or vcard.get("TEL", []), 40),
        emails=_some(emails or vcard.get("EMAIL", []), 254),
        org=(string(contact, "org", "company") or _first(vcard, "ORG").partition(";")[0])[:200],
        addresses=_some(places or [_joined(one.split(";")) for one in vcard.get("ADR", [])], 500),
        urls=_some(urls or vcard.get("URL", []), 2048),
        birthday=(string(contact, "birthday") or _first(vcard, "BDAY"))[:40],
    )


def _vcard(card: str) -> dict[str, list[str]]:
    """The values of the fields that we read, by name."""
    found: dict[str, list[str]] = {}
    for name, value in FIELD.findall(re.sub(r"\r?\n[ \t]", "", card)):  # a folded line goes on behind a blank
        found.setdefault(name.upper(), []).append(ESCAPED.sub(_plain, value).strip())
    return found


def _plain(match: re.Match[str]) -> str:
    return " " if match[1] in "nN" else match[1]


def _turned(name: str) -> str:
    """``N`` has the family name first."""
    return " ".join(filter(None, (part.strip() for part in name.split(";")[:2][::-1])))


def _joined(parts: list[str]) -> str:
    return ", ".join(filter(None, (part.strip() for part in parts)))


def _first(vcard: dict[str, list[str]], name: str) -> str:
    return next(iter(vcard.get(name, [])), "")


def _some(values: list[str], limit: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value[:limit] for value in values if value))[:MOST]
