"""Conversations that are looked for: by what was said in them, or by whom.

Owns where is looked; the search of words is conversations/search/.
"""

from __future__ import annotations

import re
import uuid
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from channels_app.words.folding import folded
from conversations.models import Conversation, Identity, Message
from conversations.search.find import found_page, wanted
from conversations.search.numbers import numbers
from conversations.search.people import latest_people, latest_rows
from tenants.errors import Invalid
from tenants.storage.looking import among, begins, in_turn

MOST_PEOPLE = 100
MOST_MESSAGES = 200
NAMELESS_AMONG = 4_000  # people who were active last: the numbers of those without a name are looked at
NAMELESS = re.compile("(visitor )?[0-9a-f]{1,6}|visitor")  # as Contact is shown, folded


def conversations_found(search: str, *, words: bool) -> list[uuid.UUID]:
    """Ids, in no order: of the people that fit, and of the newest messages that say it. ``words``: whether messages may
    be read, and so searched. At most eleven statements."""
    found = set(_of_people(search))
    if words:
        found |= set(_of_messages(search))
    return list(found)


def _of_people(search: str) -> list[uuid.UUID]:
    begun = reduce(or_, (begins("value", one) for one in {search, *numbers(search)}))
    by_identity = Identity.objects.filter(begun).values_list("contact_id", flat=True)[:MOST_PEOPLE]
    people = list({*latest_people(search, MOST_PEOPLE), *by_identity, *_nameless(search)})
    talks = among(Conversation.objects.filter(last_message_at__isnull=False), Q(contact__in=people))
    newest = talks.order_by(*in_turn("created_at", few=True)).values_list("id", flat=True)
    return list(newest[:MOST_PEOPLE]) if people else []


def _nameless(search: str) -> list[uuid.UUID]:
    """Who has given no name is called by their number, which no database can look for: of those who were active last."""
    wanted = folded(search).strip()
    if not NAMELESS.fullmatch(wanted):
        return []
    recent = latest_rows(NAMELESS_AMONG).filter(name="").only("id", "name")
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
