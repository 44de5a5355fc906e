"""What a search of the inbox finds: people by name, number, address or identity, and what was said.

Owns how both are put together. Call within the tenant's scope.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.db.models import Q

from conversations.models import Contact, Conversation, Identity
from conversations.search.find import found_page, rows_by_id, wanted
from messaging.admin.inbox.asked import Asked
from messaging.admin.inbox.listed import PAGE, rows_all
from tenants.errors import Invalid

PEOPLE = 20  # that one search shows
NUMBER = re.compile(r"[+\d][\d\s()./-]{3,}")


def found_of(asked: Asked) -> dict[str, Any]:
    """As `page_of`, and ``snippets`` by conversation: at first those of people, the latest first, then those in which
    it was said. Raises Invalid ``invalid_cursor``."""
    people = _of_people(asked.search) if not asked.cursor else []
    said, cursor = _said(asked) if asked.words else ({}, None)
    new = [id_ for id_ in said if id_ not in {row.id for row in people}]
    rows = {row.id: row for row in rows_all().filter(id__in=new)}
    items = [*people, *(rows[id_] for id_ in new if id_ in rows)]
    return {"items": items, "next_cursor": cursor, "has_next": cursor is not None, "snippets": said}


def _of_people(search: str) -> list[Conversation]:
    named = Q(name__icontains=search) | Q(email__icontains=search)
    digits = re.sub(r"\D", "", search) if NUMBER.fullmatch(search) else ""
    if digits:
        named |= Q(phone__contains=digits)
    contacts = list(Contact.objects.filter(named).order_by("-last_active_at").values_list("id", flat=True)[:PEOPLE])
    values = {search, digits, f"+{digits}"} - {"", "+"}
    identities = Identity.objects.filter(value__in=values).values_list("contact_id", flat=True)[:PEOPLE]
    ids = {*contacts, *identities}
    return list(rows_all().filter(contact__in=ids).order_by("-last_message_at", "-id")[:PEOPLE]) if ids else []


def _said(asked: Asked) -> tuple[dict[uuid.UUID, Any], str | None]:
    """Snippets by conversation, the newest message first; and where the search goes on."""
    try:
        looked_for = wanted(asked.search)
    except Invalid:  # nothing but signs, or very many words: people may be found all the same
        return {}, None
    page = found_page(looked_for, size=PAGE, cursor=asked.cursor or None, shape=list)
    places = rows_by_id([one.id for one in page["items"]], "conversation_id")
    snippets: dict[uuid.UUID, Any] = {}
    for one in page["items"]:
        if one.id in places:
            snippets.setdefault(places[one.id].conversation_id, one.snippet)
    return snippets, page["next_cursor"]
