"""What events tell of a conversation's context (CONV-2).

Owns which parts of it are told, and what of them without the words of people. Must not change any.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from conversations.timeline import NewEvent
from tenants.tenant_settings import settings_for

UPDATED = "chat.conversation.updated"
#: parts of a context that have a meaning outside of the engine; what else it keeps there is its own
PLAIN = ("flow_id", "current_intent", "conversation_stage")
NAMED = ("slots", "entities", "user_profile")  # names of facts, and the facts in the words of people


def context_news(
    tenant_id: uuid.UUID, before: Mapping[str, Any], after: Mapping[str, Any], trigger: str
) -> list[NewEvent]:
    """The event that the context has changed, by ``trigger``; none where nothing of it did that is told."""
    changes = {
        name: after.get(name) for name in (*PLAIN, *NAMED) if (before.get(name) or None) != (after.get(name) or None)
    }
    if not changes:
        return []
    words = settings_for(tenant_id).event_words
    facts = {
        "trigger": trigger,
        "context_changes": context_told(changes, words=words),
        "previous_context": context_told(before, words=words),
        "new_context": context_told(after, words=words),
    }
    return [NewEvent(UPDATED, facts)]


def context_told(context: Mapping[str, Any], *, words: bool) -> dict[str, Any]:
    """The context as events tell it: without ``words`` of slots, entities and profile the names only, each null."""
    told = {name: context[name] for name in PLAIN if name in context}
    for name in NAMED:
        if name in context:
            facts = context[name] if isinstance(context[name], Mapping) else {}
            told[name] = dict(facts) if words else dict.fromkeys(facts)
    return told
