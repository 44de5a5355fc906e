"""Conversations that are looked for: by what was said in them, or by whom.

Owns where is looked; the search of words is conversations/search/.
"""

from __future__ import annotations

import re
import uuid
from functools import reduce
from operator import or_
from typing import Any

import phonenumbers
from django.db.models import Q
from django.db.models.functions import Coalesce

from channels_app.words.folding import folded
from conversations.models import Contact, Conversation, Identity, Message
from conversations.search.find import found_page, wanted
from conversations.search.people import called
from tenants.errors import Invalid
from tenants.scope import current_tenant_id
from tenants.tenant_settings import settings_for

MOST_PEOPLE = 200
MOST_MESSAGES = 200
RECENT = 1000  # people of whose names and numbers any part is looked at
NUMBER = re.compile(r"[+(]{0,2}[0-9][0-9\s()./-]{3,30}")
NAMELESS = re.compile("(visitor )?[0-9a-f]{1,6}|visitor")  # as Contact is shown, folded


def conversations_found(search: str, *, words: bool) -> list[uuid.UUID]:
    """Ids, in no order: of the people that fit, and of the newest messages that say it. ``words``: whether messages may
    be read, and so searched. At most eleven statements."""
    found = set(_of_people(search))
    if words:
        found |= set(_of_messages(search))
    return list(found)


def _of_people(search: str) -> list[uuid.UUID]:
    values = Q(value__startswith=search)
    numbers = _numbers(search)
    for number in numbers:
        values |= Q(value__startswith=number)
    by_identity = Identity.objects.filter(values).values_list("contact_id", flat=True)[:MOST_PEOPLE]
    people = list({*_known(search), *_of_number(search, numbers), *by_identity, *_nameless(search)})
    talks = Conversation.objects.filter(contact__in=people, last_message_at__isnull=False)
    newest = talks.order_by("-created_at").values_list("id", flat=True)
    return list(newest[:MOST_PEOPLE]) if people else []


def _known(search: str) -> list[uuid.UUID]:
    """By the beginnings of words of name and address, which are in an index; where no one has such words, by any part of
    either, of those who were active last: no index has the parts of all."""
    by_words = called(search)
    if by_words is not None and (found := _latest(by_words)):
        return found
    return _recent(Q(name__icontains=search) | Q(email__icontains=search))


def _of_number(search: str, numbers: list[str]) -> list[uuid.UUID]:
    """By the whole number, which is in an index; by some of its digits, of those who were active last."""
    if not any(map(str.isdigit, search)):
        return []
    whole = Contact.objects.filter(phone__in=[search, *numbers]).values_list("id", flat=True)[:MOST_PEOPLE]
    parts = {search, *(number.lstrip("+") for number in numbers)}
    return [*whole, *_recent(reduce(or_, (Q(phone__contains=part) for part in parts)))]


def _recent(fits: Q) -> list[uuid.UUID]:
    latest = Contact.objects.order_by("-last_active_at").values_list("id", flat=True)[:RECENT]
    return list(Contact.objects.filter(fits, id__in=list(latest)).values_list("id", flat=True)[:MOST_PEOPLE])


def _latest(fits: Q) -> list[uuid.UUID]:
    """Those who were active last; by a time that no index has in order, for PostgreSQL would walk that one from end to end."""
    at = Coalesce("last_active_at", "last_active_at")
    return list(Contact.objects.filter(fits).order_by(at.desc()).values_list("id", flat=True)[:MOST_PEOPLE])


def _numbers(search: str) -> list[str]:
    """How a telephone number begins as it is kept, however it was written: with its country where it has one, else with that
    of the tenant, without the zero that a country puts before it; [] for what is none."""
    digits = _digits(search)
    if digits is None:
        return []
    if search.lstrip("( ").startswith("+"):
        return [f"+{digits}"]
    if digits.startswith("00"):
        return [f"+{digits[2:]}"]
    national = digits.lstrip("0")
    return [f"+{national}", f"{_country()}{national}"]


def _digits(search: str) -> str | None:
    return re.sub("[^0-9]", "", search) if NUMBER.fullmatch(search) else None


def _country() -> str:
    code = phonenumbers.country_code_for_region(settings_for(current_tenant_id()).region or "")
    return f"+{code}" if code else "+"


def _nameless(search: str) -> list[uuid.UUID]:
    """Who has given no name is called by their number, which no database can look for: of those who were active last."""
    wanted = folded(search).strip()
    if not NAMELESS.fullmatch(wanted):
        return []
    recent = Contact.objects.filter(name="").order_by("-last_active_at").only("id", "name")[:RECENT]
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
