"""The console's page of answers that staff judged in the inbox: from each a question of an evaluation set is made (AI-10).

Owns the words. Must not keep what people wrote: a member of staff makes a question of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from assistant.console.choice import tenant_asked
from assistant.evaluations.drafted import case_drafted
from assistant.evaluations.marks import Judged, answers_judged, mark_remove
from tenants.access.limits import client_ip
from tenants.console.pages.rows import TenantAdmin
from tenants.console.pages.shown import shortened
from tenants.console.pages.whose import permissions_in
from tenants.models import Tenant, User
from tenants.scope import tenant_scope
from tenants.trail.audit import audit
from tenants.trail.reads import read_noted

READ = "messages:read"  # it shows what people wrote
MOST_SHOWN = 100
KINDS: Mapping[str, bool | None] = {"": None, "good": True, "bad": False}


def judged_page(page: TenantAdmin, request: HttpRequest) -> HttpResponse:
    """``tenant``: whose; ``which``: one of KINDS; ``behind``: the mark that the page before ended with. A POST takes the answer of ``message`` off the list."""
    tenant, tenants = tenant_asked(request, READ)
    held = permissions_in(request, tenant.id)
    if "intents:read" not in held:
        raise PermissionDenied
    writes, which = "intents:write" in held, request.GET.get("which", "")
    with tenant_scope(tenant.id):
        if request.method == "POST":
            return _removed(request, tenant, writes=writes)
        read_noted(request.user, "message", "", client_ip(request))
        found, further = answers_judged(MOST_SHOWN, good=KINDS.get(which), behind=_id(request.GET.get("behind", "")))
        names = _names(found)
        told = [_told(tenant, one, names, talks="conversations:read" in held) for one in found]
    context = {
        **page.admin_site.each_context(request), "opts": page.opts, "title": "Judged answers", "tenant": tenant,
        "tenants": tenants if len(tenants) > 1 else [], "answers": told, "writes": writes, "which": which,
        "kinds": [("", "All"), ("good", "Good"), ("bad", "Not good")], "further": further,
    }  # fmt: skip
    return render(request, "admin/assistant/judged.html", context)


def _id(given: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(given)
    except ValueError:
        return None


def _removed(request: HttpRequest, tenant: Tenant, *, writes: bool) -> HttpResponse:
    if not writes:
        raise PermissionDenied
    try:
        message_id = uuid.UUID(request.POST.get("message", ""))
    except ValueError:
        raise PermissionDenied from None
    if mark_remove(message_id):
        audit(request.user, "answermark.deleted", f"message:{message_id}", {}, client_ip(request))
        messages.success(request, "The answer is off the list.")
    return HttpResponseRedirect(f"{request.path}?{urlencode({'tenant': tenant.pk})}")


def _names(found: list[Judged]) -> dict[uuid.UUID, str]:
    users = User.objects.filter(id__in={one.mark.by for one in found})
    return {user.pk: user.get_full_name() or user.get_username() for user in users}


def _told(tenant: Tenant, one: Judged, names: Mapping[uuid.UUID, str], *, talks: bool) -> dict[str, Any]:
    asked = one.question.text if one.question else ""
    return {
        "good": one.mark.good, "by": names.get(one.mark.by, "a former colleague"), "at": one.mark.marked_at,
        "asked": shortened(asked, 400), "said": shortened(one.answer.text, 600), "message": one.answer.id,
        "conversation": one.mark.conversation_id if talks else None, "seq": one.answer.seq,
        "make_at": _case(tenant, one),
    }  # fmt: skip


def _case(tenant: Tenant, one: Judged) -> str:
    """The form of a new question, filled in; nothing where the words are gone."""
    drafted = case_drafted(one)
    if drafted is None:
        return ""
    return f"{reverse('admin:assistant_evaluationcase_add')}?{urlencode({'tenant': tenant.pk, **drafted})}"
