"""What is done with a conversation from the inbox: the verbs of its page, told in a way that the inbox can show.

Owns where a verb leads to. Must not carry one out by itself: messaging/admin/conversations.py does, and audits it.
"""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from conversations.models import Conversation
from messaging.admin.conversations import ConversationAdmin
from tenants.errors import ServiceError
from tenants.scope import tenant_scope


def page() -> ConversationAdmin:
    """The console's page of conversations, as it is registered."""
    registered = admin.site.get_model_admin(Conversation)
    assert isinstance(registered, ConversationAdmin)
    return registered


def carried_out(request: HttpRequest, row: Conversation, verb: str, back: str) -> HttpResponse:
    """JSON ``{"told": …}`` or ``{"error": {"code", "message"}}`` for a script that asks for it; else a redirect
    ``back`` with a notice."""
    if verb not in page().verbs_of(request, row):
        raise PermissionDenied
    for_script = request.headers.get("Accept", "").startswith("application/json")
    with tenant_scope(row.tenant_id):
        try:
            told = getattr(page(), f"do_{verb}")(request, row)
        except ServiceError as error:
            if for_script:
                failed = {"code": error.code, "message": error.message}
                return JsonResponse({"error": failed}, status=error.status)
            messages.error(request, error.message)
            return HttpResponseRedirect(back)
    notices = [str(notice) for notice in messages.get_messages(request)] if for_script else []
    if for_script:
        return JsonResponse({"told": " ".join([told, *notices]).strip()})
    if told:
        messages.success(request, told)
    return HttpResponseRedirect(back)
