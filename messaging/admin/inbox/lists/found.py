"""What a search of the inbox finds: people by name, number, address or identity, and what was said.

Owns how both are put together. Call within the tenant's scope.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Q

from conversations.models import Conversation
from conversations.search.find import found_page, rows_by_id, wanted
from messaging.admin.inbox.lists.asked import Asked
from messaging.agents.inbox.found import conversations_found
from messaging.agents.inbox.lists import WITH
from tenants.errors import Invalid
from tenants.storage.looking import among

PAGE = 30
PEOPLE = 20  # conversations of people that one search shows


def found_of(asked: Asked) -> tuple[list[Conversation], dict[uuid.UUID, Any], str]:
    """Conversations of people who fit, the latest first, then those in which it was said; the part that was meant of
    the latter; and where the search goes on. Raises Invalid ``invalid_cursor``."""
    rows = Conversation.objects.filter(kind="chat").select_related(*WITH)
    people: list[Conversation] = []
    if not asked.cursor:
        ids = conversations_found(asked.search, words=False)
        people = list(among(rows, Q(id__in=ids)).order_by("-last_message_at", "-id")[:PEOPLE]) if ids else []
    said, cursor = _said(asked) if asked.words else ({}, "")
    new = [id_ for id_ in said if id_ not in {row.id for row in people}]
    by_id = {row.id: row for row in among(rows, Q(id__in=new))} if new else {}
    return [*people, *(by_id[id_] for id_ in new if id_ in by_id)], said, cursor


def _said(asked: Asked) -> tuple[dict[uuid.UUID, Any], str]:
    """Snippets by conversation, the newest message first; and where the search goes on."""
    try:
        looked_for = wanted(asked.search)
    except Invalid:  # nothing but signs, or very many words: people may be found all the same
        return {}, ""
    page = found_page(looked_for, size=PAGE, cursor=asked.cursor or None, shape=list)
    places = rows_by_id([one.id for one in page["items"]], "conversation_id")
    snippets: dict[uuid.UUID, Any] = {}
    for one in page["items"]:
        if one.id in places:
            snippets.setdefault(places[one.id].conversation_id, one.snippet)
    return snippets, page["next_cursor"] or ""
