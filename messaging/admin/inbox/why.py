"""The console's page on how an answer of the assistant came about, in words (AI-10).

Owns the words. What is kept of it: assistant/traces.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from conversations.models import Conversation, Message
from conversations.safety import WHY
from tenants.console.pages import TenantAdmin, shortened
from tenants.errors import Invalid, NotFound

SETTLED: Mapping[str, str] = {
    "letters": "It knew the words: they are like what it was taught.",
    "spelling": "It put mistyped words right, and knew the words then.",
    "meaning": "It compared the meaning of the words with what it was taught.",
    "choice": "The person picked one of the choices it had offered.",
    "knowledge": "It found the answer in your knowledge.",
    "llm": "A language model wrote it.",
}


def why_view(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    """``seq``: the number of the answer."""
    message = answer_of(row, request.GET.get("seq", ""))
    context = {
        **page.admin_site.each_context(request),
        "title": "Why this answer?",
        "conversation": row,
        "answer": message,
        "answered": answered_by(message),
        "why": told(message),
        "opts": page.opts,
    }
    return render(request, "admin/conversations/conversation/why.html", context)


def answer_of(row: Conversation, seq: str) -> Message:
    """Raises Invalid and NotFound ``message_not_found``."""
    if not (seq.isascii() and seq.isdigit() and len(seq) < 10):
        raise Invalid("This is no number of an entry.")
    found = Message.objects.filter(conversation=row, seq=int(seq), role=Message.Role.BOT, deleted_at=None).first()
    if found is None:
        raise NotFound("There is no such answer of the assistant.", code="message_not_found")
    return found


def answered_by(message: Message) -> Message | None:
    """The person's words that it answers, if they are still there."""
    rows = Message.objects.filter(conversation=message.conversation_id, id=message.reply_to, deleted_at=None)
    return rows.first() if message.reply_to else None


def told(message: Message) -> dict[str, Any]:
    """For the template. What another engine wrote may have any shape within the bounds: what does not fit is left out."""
    analysis, why = message.analysis, message.analysis.get(WHY) or {}
    prompt = why.get("prompt")
    return {
        "settled": SETTLED.get(str(why.get("settled")), ""),
        "engine": analysis.get("engine", ""),
        "model": analysis.get("model", ""),
        "degraded": analysis.get("degraded", False),
        "intents": [
            {"name": str(one[0]), "percent": round(100 * one[1])}
            for one in _listed(why.get("intents"))
            if isinstance(one, list) and len(one) == 2 and isinstance(one[1], int | float)
        ],
        "sources": _objects(why.get("sources")),
        "chunks": _objects(why.get("chunks")),
        "prompt": prompt if isinstance(prompt, dict) else {},
        "tools": _objects(why.get("tools")),
        "models": _objects(why.get("models")),
        "usage": {name.replace("_", " "): value for name, value in (analysis.get("usage") or {}).items()},
        "cut": why.get("cut", False),
        "said": shortened(message.text, 400),
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in _listed(value) if isinstance(one, dict)]
