"""The reply that the assistant would give, for the member of staff who answers. It is never sent by itself (AI-10)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

from assistant.engines import CURRENT
from assistant.port import EngineReply
from assistant.tools.confirming import MEMORY
from conversations.models import Conversation
from messaging.assist.asking import Answer, ask_each, open_questions, sources_shown
from messaging.rules.control import require_open

MOST_ASKED = 3  # times that the engine is asked: each may cost a call of a language model
LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Proposal:
    """``question``: the person's words that it answers, shortened. ``reason``: why there is no ``text``: what stopped the
    engine, or ``nothing_fits``; else ""."""

    answer: Answer
    question: str
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        reply, found = self.answer.reply, not self.reason
        return {
            "text": self.answer.text if found else "", "question": self.question if found else "",
            "sources": sources_shown(reply) if found else [],
            "intent": reply.intent if found else "", "confidence": reply.confidence if found else 0.0,
            "engine": reply.engine, "model": reply.model, "reason": self.reason,
        }  # fmt: skip


def proposal_for(conversation: Conversation) -> Proposal:
    """What the tenant's engine would answer to what is open. Where it would only ask for a human – the person wants one, and
    here one is –, it is asked about the words before. Nothing where it says that it does not know. Raises Conflict
    ``conversation_closed``, Unprocessable ``no_words_of_a_person``."""
    require_open(conversation)
    for request in islice(open_questions(conversation), MOST_ASKED):
        [answer] = ask_each([CURRENT], request)
        if answer.error or not answer.reply.handover:
            break
    question = " ".join(said for content in request.contents if (said := content.text or content.summary))
    shown = question if len(question) <= LONGEST_SHOWN else f"{question[: LONGEST_SHOWN - 1]}…"
    if answer.error:
        return Proposal(answer, shown, answer.error)
    return Proposal(answer, shown, "" if _fits(answer) else _stopped(answer.reply) or "nothing_fits")


def _fits(answer: Answer) -> bool:
    """Whether a colleague may say it: no "I do not know", and no question of ours whether to do something, to which the person's
    yes would be one to nothing."""
    reply = answer.reply
    by_model = bool(reply.usage) and not _stopped(reply)  # what was paid may have given no answer
    knows = bool(reply.intent or reply.sources or by_model)
    return knows and bool(answer.text) and not reply.handover and MEMORY not in reply.context


def _stopped(reply: EngineReply) -> str:
    """Why no model answered, where one was to."""
    return str(reply.why.get("degraded", ""))
