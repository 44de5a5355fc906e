"""What is done with a conversation from the inbox, told in a way that the inbox can show.

Owns where a verb leads to. The verbs of the conversation's page are carried out, and audited, by
messaging/admin/conversations.py; those of the bar alone by messaging/admin/inbox/deeds.py.
"""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from conversations.models import Conversation
from messaging.admin.conversations import ConversationAdmin
from messaging.admin.inbox.deeds import DEEDS
from tenants.errors import ServiceError
from tenants.scope import tenant_scope


def page() -> ConversationAdmin:
    """The console's page of conversations, as it is registered."""
    registered = admin.site.get_model_admin(Conversation)
    assert isinstance(registered, ConversationAdmin)
    return registered


def carried_out(request: HttpRequest, row: Conversation, verb: str, back: str) -> HttpResponse:
    """JSON ``{"told": …}`` or ``{"error": {"code", "message", "details"}}`` for a script that asks for it; else a
    redirect ``back`` with a notice."""
    if verb not in (*page().verbs_of(request, row), *(DEEDS if page().allowed(request, "write", row) else ())):
        raise PermissionDenied
    for_script = request.headers.get("Accept", "").startswith("application/json")
    with tenant_scope(row.tenant_id):
        try:
            told = _done(request, row, verb)
        except ServiceError as error:
            if for_script:
                return JsonResponse({"error": _failed(error)}, status=error.status)
            messages.error(request, error.message)
            return HttpResponseRedirect(back)
    if for_script:
        notices = [str(notice) for notice in messages.get_messages(request)]
        return JsonResponse({"told": " ".join([told, *notices]).strip()})
    if told:
        messages.success(request, told)
    return HttpResponseRedirect(back)


def _done(request: HttpRequest, row: Conversation, verb: str) -> str:
    if verb not in DEEDS:
        told: str = getattr(page(), f"do_{verb}")(request, row)
        return told
    done, deed, facts, told = DEEDS[verb](request, row)
    if not done.repeated:
        page().note(request, deed, row, facts)
    return told


def _failed(error: ServiceError) -> dict[str, object]:
    return {"code": error.code, "message": error.message, "details": error.details}
