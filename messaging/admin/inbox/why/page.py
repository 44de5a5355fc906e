"""The console's page on how an answer of the assistant came about, in words (AI-10).

Owns the words. What is kept of it: assistant/traces.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from assistant.console.engines import engines_shown
from assistant.llm.told import WORDS, words_of
from assistant.models import Intent, KnowledgeEntry
from conversations.models import Conversation, Message
from conversations.safety import WHY
from messaging.admin.inbox.why.others import AskForm
from messaging.assist.asking import ASKS
from messaging.outbox.reasons import waits_words
from messaging.talks.edits import answer_again
from tenants.access.limits import client_ip
from tenants.console.pages.rows import TenantAdmin
from tenants.console.pages.shown import shortened
from tenants.console.pages.whose import permissions_in
from tenants.errors import Invalid, NotFound, ServiceError
from tenants.trail.audit import audit

AGAIN = "messages:write"  # as by REST
ENGINES: Mapping[str, str] = {"builtin": "the built-in assistant", "language_model": ""}  # the model's name says it
SETTLED: Mapping[str, str] = {
    "letters": "It knew the words: they are like what it was taught.",
    "spelling": "It put mistyped words right, and knew the words then.",
    "meaning": "It compared the meaning of the words with what it was taught.",
    "choice": "The person picked one of the choices it had offered.",
    "knowledge": "It found the answer in your knowledge.",
    "products": "It found the answer among the products of your shop.",
    "llm": "A language model wrote it.",
}


#: what a prompt leaves out where there is no room for it
PARTS: Mapping[str, str] = {
    "turns": "earlier turns", "earlier": "older messages that are like it", "article": "passages of articles", "product": "products",
    "profile": "facts of the person", "slots": "answers that were given before", "words": "characters of the question",
}  # fmt: skip
OUTCOMES: Mapping[str, str] = {
    "ok": "answered", "asked": "the person was asked first", "handed_over": "a colleague was called", "stop": "answered",
    "tool": "called a tool", "cached": "given again", "length": "cut at its most tokens",
}  # fmt: skip


def why_view(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    """``seq``: the number of the answer. A POST asks ``engines`` the same once more: nothing of it is sent or kept; with
    ``again`` the assistant answers the person anew."""
    message = answer_of(row, request.GET.get("seq", ""))
    held = permissions_in(request, row.tenant_id)
    if "again" in request.POST:
        return _answered_again(request, row, message, allowed=AGAIN in held)
    asks = held.issuperset(ASKS)
    if request.method == "POST" and not asks:
        raise PermissionDenied
    asked_of = AskForm(engines_shown(), request.POST if request.method == "POST" else None)
    answers: list[dict[str, Any]] = []
    if asked_of.is_bound and asked_of.is_valid():
        try:
            answers = asked_of.answers(message)
        except ServiceError as error:
            asked_of.add_error("engines", error.message)
        else:
            page.note(request, "compared", row, {"seq": message.seq, "count": len(answers)})
    answered = answered_by(message)
    context = {
        **page.admin_site.each_context(request),
        "title": "Why this answer?",
        "conversation": row,
        "answer": message,
        "answered": answered,
        "why": told(message),
        "form": asked_of if asks else None,
        "answers": answers,
        "knows": "intents:read" in held,
        "again": AGAIN in held and is_last(row, answered),
        "opts": page.opts,
    }
    return render(request, "admin/conversations/conversation/why.html", context)


def _answered_again(request: HttpRequest, row: Conversation, message: Message, *, allowed: bool) -> HttpResponse:
    if not allowed:
        raise PermissionDenied
    try:
        answer_again(message.id)
    except ServiceError as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(request.get_full_path())
    audit(
        request.user, "message.regenerated", f"conversation:{row.pk}", {"message": str(message.id)}, client_ip(request)
    )
    return HttpResponseRedirect(reverse("admin:inbox_conversation", args=[row.pk]))


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


def is_last(row: Conversation, words: Message | None) -> bool:
    """Whether the assistant may answer these words again: the person has said nothing since, and the bot has control."""
    if words is None or not row.is_open or row.control_owner != Conversation.Owner.BOT:
        return False
    theirs = Message.objects.filter(conversation=row, role=Message.Role.VISITOR, deleted_at=None)
    return not theirs.filter(seq__gt=words.seq).exists()


def told(message: Message) -> dict[str, Any]:
    """For the template. What another engine wrote may have any shape within the bounds: what does not fit is left out."""
    analysis, why = message.analysis, message.analysis.get(WHY) or {}
    return {
        "settled": SETTLED.get(str(why.get("settled")), ""),
        "engine": ENGINES.get(str(analysis.get("engine")), analysis.get("engine", "")),
        "model": analysis.get("model", ""),
        "degraded": _degraded(analysis, why.get("degraded")),
        "intents": _intents(why.get("intents")),
        "handover": waits_words(str(handover)) if (handover := why.get("handover")) else "",
        "sources": _articles(_objects(why.get("sources"))),
        "chunks": [{**one, "percent": _percent(one.get("score"))} for one in _articles(_objects(why.get("chunks")))],
        "prompt": _prompt(why.get("prompt")),
        "tools": [{**one, "said": _outcome(one)} for one in _objects(why.get("tools"))],
        "models": [
            {**one, "said": _outcome(one), "failed": one.get("outcome") in WORDS} for one in _objects(why.get("models"))
        ],
        "usage": {name.replace("_", " "): value for name, value in (analysis.get("usage") or {}).items()},
        "cut": why.get("cut", False),
        "said": shortened(message.text, 400),
    }


def _degraded(analysis: Mapping[str, Any], code: Any) -> str:
    """Why it is not what the engine would have answered; "" where it is."""
    if not analysis.get("degraded"):
        return ""
    if not isinstance(code, str):
        return "The engine gave no answer."
    stood_in = " The built-in assistant stood in." if analysis.get("engine") == "builtin" else ""
    return f"{words_of(code)}{stood_in}"


def _intents(value: Any) -> list[dict[str, Any]]:
    scored = [
        (str(one[0]), one[1])
        for one in _listed(value)
        if isinstance(one, list) and len(one) == 2 and isinstance(one[1], int | float)
    ]
    known = {
        name: (id, title)
        for id, name, title in Intent.objects.filter(name__in=[name for name, _ in scored]).values_list(
            "id", "name", "title"
        )
    }
    return [
        {"name": known[name][1] or name if name in known else name, "id": known.get(name, ("",))[0], "percent": _percent(score)}
        for name, score in scored
    ]  # fmt: skip


def _articles(those: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each with ``article``: the id of the article that it is, where that is still there, else ""."""
    ids = [_uuid(one.get("id")) if one.get("kind") == "article" else None for one in those]
    there = set(KnowledgeEntry.objects.filter(id__in=[id for id in ids if id]).values_list("id", flat=True))
    return [{**one, "article": id if id in there else ""} for one, id in zip(those, ids, strict=True)]


def _uuid(value: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None


def _prompt(value: Any) -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        return []
    version, left_out = value.get("version"), value.get("left_out")
    missing = {PARTS.get(kind, kind): count for kind, count in left_out.items()} if isinstance(left_out, dict) else {}
    return [
        ("System prompt", f"version {version}" if version else "that of the settings"),
        ("Length", f"about {value.get('tokens', 0)} tokens"),
        ("Left out for want of room", ", ".join(f"{count} {kind}" for kind, count in missing.items()) or "nothing"),
        ("Personal data hidden from the model", f"{value.get('masked') or 'none'}"),
    ]


def _outcome(one: Mapping[str, Any]) -> str:
    code = str(one.get("outcome", ""))
    return OUTCOMES.get(code) or WORDS.get(code) or code.replace("_", " ").replace("refused:", "refused: ")


def _percent(score: Any) -> int:
    return round(100 * min(1, max(0, score))) if isinstance(score, int | float) else 0


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in _listed(value) if isinstance(one, dict)]
