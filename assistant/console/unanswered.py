"""The console's page on what people asked and got no answer to: write it, or dismiss it (AI-7).

Owns the words. Must not decide what is like what (assistant/knowledge/unanswered.py).
"""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from assistant.console.choice import tenant_asked
from assistant.knowledge.documents import MOST_QUESTION, MOST_TITLE
from assistant.knowledge.unanswered import Question, question_dismiss, questions_unanswered
from assistant.vectors.port import StoreAway
from conversations.models import Message
from tenants.access.limits import client_ip
from tenants.console.pages.rows import TenantAdmin
from tenants.console.pages.shown import shortened
from tenants.console.pages.whose import permissions_in
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.trail.audit import audit
from tenants.trail.reads import read_noted

READ = "messages:read"  # it shows what people wrote
MOST_SHOWN = 50
AWAY = "The store of vectors does not answer now: which questions are alike is not known. Try again in a minute."


def unanswered_page(page: TenantAdmin, request: HttpRequest) -> HttpResponse:
    """``tenant``: whose questions. A POST names the ``message`` whose question is dismissed."""
    tenant, tenants = tenant_asked(request, READ)
    held = permissions_in(request, tenant.id)
    if "intents:read" not in held:
        raise PermissionDenied
    writes = "intents:write" in held
    found: list[dict[str, Any]] = []
    away = ""
    with tenant_scope(tenant.id):
        try:
            if request.method == "POST":
                return _dismissed(request, tenant, writes=writes)
            read_noted(request.user, "message", "", client_ip(request))
            found = _told(tenant, questions_unanswered(MOST_SHOWN), talks="conversations:read" in held)
        except StoreAway:
            away = AWAY
    context = {
        **page.admin_site.each_context(request), "opts": page.opts, "title": "Asked and not answered", "tenant": tenant,
        "tenants": tenants if len(tenants) > 1 else [], "questions": found, "writes": writes, "away": away,
    }  # fmt: skip
    return render(request, "admin/assistant/unanswered.html", context)


def _dismissed(request: HttpRequest, tenant: Tenant, *, writes: bool) -> HttpResponse:
    if not writes:
        raise PermissionDenied
    try:
        message_id = uuid.UUID(request.POST.get("message", ""))
    except ValueError:
        raise PermissionDenied from None
    if done := question_dismiss(message_id):
        audit(request.user, "question.dismissed", f"message:{message_id}", {"messages": done}, client_ip(request))
        messages.success(request, "Dismissed: this question, and the like of it, are not listed any more.")
    else:
        messages.info(request, "This question was not on the list any more.")
    return HttpResponseRedirect(f"{request.path}?{urlencode({'tenant': tenant.pk})}")


def _told(tenant: Tenant, found: list[Question], *, talks: bool) -> list[dict[str, Any]]:
    newest = [question.message_ids[0] for question in found]
    where = dict(Message.objects.filter(id__in=newest).values_list("id", "conversation_id")) if talks else {}
    return [
        {
            "text": shortened(question.text, 400), "also": [shortened(text, 200) for text in question.texts[1:]], "count": question.count, "last_at": question.last_at,
            "message": question.message_ids[0], "conversation": where.get(question.message_ids[0]),
            "write_at": _article(tenant, question),
        }
        for question in found
    ]  # fmt: skip


def _article(tenant: Tenant, question: Question) -> str:
    """The form of a new article, with the ways to ask for it filled in."""
    ways = [" ".join(text.split()) for text in question.texts]
    filled = {
        "tenant": tenant.pk, "title": shortened(ways[0], MOST_TITLE),
        "questions": "\n".join(way[:MOST_QUESTION] for way in ways),
        "language": question.language[:2],
    }  # fmt: skip
    return f"{reverse('admin:assistant_knowledgeentry_add')}?{urlencode(filled)}"
