"""The reply that the assistant would give, for the member of staff who answers. It is never sent by itself (AI-10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assistant.engines import CURRENT
from conversations.models import Conversation
from messaging.assist.asking import Answer, ask_each, open_question, sources_shown
from messaging.rules.control import require_open


@dataclass(frozen=True)
class Proposal:
    """``reason``: why there is no ``text``: what stopped the engine, or ``nothing_fits``; else ""."""

    answer: Answer
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        reply, found = self.answer.reply, not self.reason
        return {
            "text": self.answer.text if found else "", "sources": sources_shown(reply) if found else [],
            "intent": reply.intent if found else "", "confidence": reply.confidence if found else 0.0,
            "engine": reply.engine, "model": reply.model, "reason": self.reason,
        }  # fmt: skip


def proposal_for(conversation: Conversation) -> Proposal:
    """What the tenant's engine would answer to what is open. Nothing where it would only ask for a human or say that it does
    not know. Raises Conflict ``conversation_closed``, Unprocessable ``no_words_of_a_person``."""
    require_open(conversation)
    [answer] = ask_each([CURRENT], open_question(conversation))
    reply = answer.reply
    if answer.error:
        return Proposal(answer, answer.error)
    knows = bool(reply.intent or reply.sources or reply.usage)
    return Proposal(answer, "" if knows and answer.text and not reply.handover else "nothing_fits")
