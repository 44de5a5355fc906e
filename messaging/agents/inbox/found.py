"""Conversations that are looked for: by what was said in them, or by whom.

Owns where is looked; the search of words is conversations/search/.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Q

from conversations.models import Contact, Conversation, Identity, Message
from conversations.search.find import found_page, wanted
from tenants.errors import Invalid

MOST_PEOPLE = 200
MOST_MESSAGES = 200
PEOPLE = ("name__icontains", "email__icontains", "phone__contains")


def conversations_found(search: str, *, words: bool) -> list[uuid.UUID]:
    """Ids, in no order: of the people that fit, and of the newest messages that say it. ``words``: whether messages may
    be read, and so searched. At most six statements."""
    found = set(_of_people(search))
    if words:
        found |= set(_of_messages(search))
    return list(found)


def _of_people(search: str) -> list[uuid.UUID]:
    fits = Q()
    for field in PEOPLE:
        fits |= Q(**{field: search})
    contacts = list(Contact.objects.filter(fits).order_by("-last_active_at").values_list("id", flat=True)[:MOST_PEOPLE])
    by_identity = Identity.objects.filter(value__startswith=search).values_list("contact_id", flat=True)[:MOST_PEOPLE]
    people = list({*contacts, *by_identity})
    talks = Conversation.objects.filter(contact__in=people, last_message_at__isnull=False)
    newest = talks.order_by("-created_at").values_list("id", flat=True)
    return list(newest[:MOST_PEOPLE]) if people else []


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
