"""Conversations that are looked for: by what was said in them, or by whom.

Owns where is looked; the search of words is conversations/search/.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

import phonenumbers
from django.db.models import Q

from channels_app.words.folding import folded
from conversations.models import Contact, Conversation, Identity, Message
from conversations.search.find import found_page, wanted
from tenants.errors import Invalid
from tenants.scope import current_tenant_id
from tenants.tenant_settings import settings_for

MOST_PEOPLE = 200
MOST_MESSAGES = 200
RECENT = 1000  # people whose names are read
NUMBER = re.compile(r"[+(]{0,2}[0-9][0-9\s()./-]{3,30}")
PEOPLE = ("name__icontains", "email__icontains", "phone__contains")


def conversations_found(search: str, *, words: bool) -> list[uuid.UUID]:
    """Ids, in no order: of the people that fit, and of the newest messages that say it. ``words``: whether messages may
    be read, and so searched. At most seven statements."""
    found = set(_of_people(search))
    if words:
        found |= set(_of_messages(search))
    return list(found)


def _of_people(search: str) -> list[uuid.UUID]:
    fits, values = Q(), Q(value__startswith=search)
    for field in PEOPLE:
        fits |= Q(**{field: search})
    if number := _number(search):
        fits |= Q(phone__contains=number)
        values |= Q(value__startswith=number if number.startswith("+") else f"+{number}")
        values |= Q(value__startswith=f"{_country()}{number}")
    contacts = list(Contact.objects.filter(fits).order_by("-last_active_at").values_list("id", flat=True)[:MOST_PEOPLE])
    by_identity = Identity.objects.filter(values).values_list("contact_id", flat=True)[:MOST_PEOPLE]
    people = list({*contacts, *by_identity, *_called(search)})
    talks = Conversation.objects.filter(contact__in=people, last_message_at__isnull=False)
    newest = talks.order_by("-created_at").values_list("id", flat=True)
    return list(newest[:MOST_PEOPLE]) if people else []


def _number(search: str) -> str:
    """A telephone number as it is kept, however it was written: with its country where it has one, else without the zero
    that a country puts before it; "" for what is none."""
    if not NUMBER.fullmatch(search):
        return ""
    digits = re.sub("[^0-9]", "", search)
    if search.lstrip("( ").startswith("+"):
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else digits.lstrip("0")


def _country() -> str:
    code = phonenumbers.country_code_for_region(settings_for(current_tenant_id()).region or "")
    return f"+{code}" if code else "+"


def _called(search: str) -> list[uuid.UUID]:
    """Of those who were active last the ones whom staff see under such a name, accents and case aside: who has given none
    is called by their number, which no database can look for."""
    wanted = folded(search).strip()
    if not wanted:
        return []
    recent = Contact.objects.order_by("-last_active_at").only("id", "name")[:RECENT]
    return [one.id for one in recent if wanted in folded(str(one))][:MOST_PEOPLE]


def _of_messages(search: str) -> list[uuid.UUID]:
    try:
        asked = wanted(search)
    except Invalid:  # a number of signs and no word: it may still be a part of a name
        return []
    page = found_page(asked, size=MOST_MESSAGES, cursor=None, shape=_ids)
    talks = Message.objects.filter(id__in=page["items"], conversation__kind="chat").values_list(
        "conversation_id", flat=True
    )
    return list(set(talks)) if page["items"] else []


def _ids(found: Any) -> list[uuid.UUID]:
    return [one.id for one in found]
