"""The addresses behind the page of one conversation: entries, the reply box and the person, for its script.

Owns who may ask for what, and the form of answers: HTML of a part, or JSON with ``error`` {code, message, details}. The
pages stand in messaging/admin/conversations.py and messaging/admin/inbox/.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.views.decorators.csrf import csrf_protect
from pydantic import BaseModel, ConfigDict

from assistant.engines import has_models
from assistant.evaluations.marks import answer_mark
from assistant.llm.told import words_of
from channels_app.content.media import name_in_form
from conversations.models import Conversation
from messaging.admin.inbox.composer import Draft, Send, box, choices, newer_of, reply_send, shown_there, upload_told
from messaging.admin.inbox.contact import person_change, person_of
from messaging.admin.inbox.lists.rows import stands_of
from messaging.admin.inbox.planned import Plan, planned_shown, reply_plan, reply_unplan
from messaging.admin.inbox.trail import trail_view
from messaging.admin.inbox.transcript import Page, newest, since
from messaging.admin.inbox.translated import reply_view, transcript_view
from messaging.admin.inbox.why.page import answer_of, why_view
from messaging.agents.notes import note_write, notes_of
from messaging.assist.asking import ASKS, PROPOSES, READS
from messaging.assist.proposal import proposal_for
from messaging.deliver import redeliver
from messaging.hours.late import is_late
from messaging.hours.later import later_times
from messaging.live.attending import staff_read
from messaging.media.fetch import most_bytes
from messaging.media.upload_views import CHUNK, ROOM, LimitedUpload, check_length
from messaging.media.uploads import upload
from messaging.models import Delivery
from tenants.api.parse import parse_body
from tenants.console.pages.rows import TenantAdmin
from tenants.console.pages.whose import permissions_in
from tenants.errors import Forbidden, Invalid, NotFound, ServiceError
from tenants.models import User
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now

NAME = "conversations_conversation_{}"
GOOD: dict[str, bool | None] = {"yes": True, "no": False, "": None}
Part = Callable[[TenantAdmin, HttpRequest, Conversation], HttpResponse]


class Remark(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str


def addresses(page: TenantAdmin) -> list[URLPattern]:
    """Below the conversation's own address; ``page`` is the console's page of conversations."""

    def one(name: str, part: Part, method: str, *needs: str) -> URLPattern:
        return path(f"<uuid:object_id>/{name}/", page.admin_site.admin_view(_view(page, part, method, needs)),
                    name=NAME.format(name))  # fmt: skip

    writes = ("conversations:write", "messages:send")
    upload_view = _view(page, _upload, "POST", writes)
    upload_view.csrf_exempt = True  # type: ignore[attr-defined]  # `_upload` asks for it itself, once the body has its limit
    return [
        one("entries", _entries, "GET", "messages:read"),
        one("choices", _choices, "GET", *writes),
        one("preview", _preview, "POST", *writes),
        one("send", _send, "POST", *writes),
        one("plan", _plan, "POST", *writes),
        one("unplan", _unplan, "POST", *writes),
        path("<uuid:object_id>/upload/", page.admin_site.admin_view(upload_view), name=NAME.format("upload")),
        one("note", _note, "POST", "conversations:write"),
        one("retry", _retry, "POST"),
        one("propose", _propose, "POST", *PROPOSES),
        one("translate", transcript_view, "POST", *ASKS),
        one("translate_reply", reply_view, "POST", *PROPOSES),
        one("why", why_view, "", *READS),
        one("judge", _judge, "POST", "messages:read", "conversations:write"),
        one("trail", trail_view, "GET"),
        one("person", _person, ""),
    ]


def _view(page: TenantAdmin, part: Part, method: str, needs: tuple[str, ...]) -> Any:
    def view(request: HttpRequest, object_id: uuid.UUID) -> HttpResponse:
        rows = page.get_queryset(request).select_related("tenant", "channel", "contact", "identity", "assignee")
        row = rows.filter(id=object_id).first()
        if row is None:
            raise Http404
        if method and request.method != method:
            return HttpResponse(status=405, headers={"Allow": method})
        if not set(needs) <= permissions_in(request, row.tenant_id):
            raise PermissionDenied
        with tenant_scope(row.tenant_id):
            try:
                answer = part(page, request, row)
            except ServiceError as error:
                answer = _refused(error)
        answer["Cache-Control"] = "no-store"
        return answer

    return view


def _refused(error: ServiceError) -> HttpResponse:
    told = {"code": error.code, "message": error.message, "details": error.details}
    return JsonResponse({"error": told}, status=error.status)


def _member(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # the admin refuses everything else
    return request.user


def page_context(request: HttpRequest, row: Conversation, *, may_read: bool) -> dict[str, Any]:
    """What the three parts of a page are rendered with, beside the addresses of the page's own forms."""
    before = request.GET.get("before", "")
    older = int(before) if before.isascii() and before.isdigit() and len(before) < 10 else None
    found = newest(row, before=older) if may_read else Page([])
    at = {
        f"{name}_at": _address(name, row)
        for name in ("entries", "send", "upload", "preview", "choices", "note", "propose", "plan", "unplan")
    }
    if permissions_in(request, row.tenant_id).issuperset(ASKS) and has_models("translation"):
        at |= {f"{name}_at": _address(name, row) for name in ("translate", "translate_reply")}
    shown = {"entries": found.entries, "more": found.more}
    later = {"laters": later_times(row, now()), "planned": planned_shown(row) if may_read and row.is_open else []}
    newer = None if row.is_open else newer_of(row)
    return {
        **shown, **at, **later, **may(request, row), **box(row, row.channel), **person_context(request, row),
        **({"newer": newer, "reply_to": None} if newer else {}),
    }  # fmt: skip


def _address(name: str, row: Conversation) -> str:
    return reverse(f"admin:{NAME.format(name)}", args=[row.pk])


# ----------------------------------------------------------------------------- the transcript


def _entries(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    """``before``: older ones; ``after`` and ``changed``: newer ones, and those that have changed."""
    if "before" in request.GET:
        found = newest(row, before=_number(request.GET["before"]))
    else:
        changed = [_number(one) for one in request.GET.get("changed", "").split(",") if one]
        found = since(row, _number(request.GET.get("after", "0")), changed)
        if found.last and request.GET.get("seen"):
            staff_read(row.id, found.last)
    older = "before" in request.GET and found.more
    shown = {"entries": found.entries, "original": row, "more": older, **may(request, row)}
    answer = render(request, "admin/conversations/conversation/entries.html", shown)
    answer["X-More"] = "yes" if found.more else "no"
    if found.last:
        answer["X-Last-Seq"] = str(found.last)
    return answer


def may(request: HttpRequest, row: Conversation) -> dict[str, Any]:
    """What the member of staff may do with entries."""
    held = permissions_in(request, row.tenant_id)
    writes = {"conversations:write", "messages:send"} <= held
    return {
        "may_quote": writes and row.is_open,
        "retry_to": _address("retry", row) if _may_retry(held) else "",
        "why_at": _address("why", row),
        "judge_at": _address("judge", row) if "conversations:write" in held else "",
    }


def _may_retry(held: frozenset[str]) -> bool:
    """People who may answer may send again what did not arrive."""
    return "deliveries:write" in held or {"conversations:write", "messages:send"} <= held


def _number(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise Invalid("This is no number of an entry.")
    return int(given)


def _retry(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    """A message that did not arrive is sent again; ``seq`` in the form."""
    if not _may_retry(permissions_in(request, row.tenant_id)):
        raise PermissionDenied
    seq = _number(request.POST.get("seq", ""))
    failed = Delivery.objects.filter(conversation=row, seq=seq)
    delivery = failed.first()
    if delivery is None:
        raise NotFound("There is no such message.", code="message_not_found")
    if redeliver(failed):
        page.note(request, "retried", delivery)
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"seq": seq})
    messages.success(request, "The message is on its way again.")
    return _back(request, row)


def _judge(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    """``seq`` of an answer of the assistant, and ``good``: yes or no, or empty to take it back."""
    given = request.POST.get("good", "")
    if given not in GOOD:
        raise Invalid("An answer is good, or not.")
    message = answer_of(row, request.POST.get("seq", ""))
    answer_mark(message, GOOD[given], _member(request).pk)
    page.note(request, "judged", row, {"seq": message.seq, "good": given})
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"seq": message.seq, "good": given})
    return _back(request, row)


def _back(request: HttpRequest, row: Conversation) -> HttpResponse:
    """Without a script: to the page of the console whose form was sent."""
    try:
        place = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        place = urlsplit("")
    known = place.path.startswith(reverse("admin:index")) and place.netloc == request.get_host()
    query = f"?{place.query}" if place.query else ""
    return HttpResponseRedirect(f"{place.path}{query}" if known else _address("change", row))


# ------------------------------------------------------------------------------ the reply box


def _choices(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    writes = "templates:write" in permissions_in(request, row.tenant_id)
    return JsonResponse(choices(row, row.channel, _member(request), writes=writes))


def _preview(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    return JsonResponse(shown_there(row, _member(request), parse_body(request, Draft)))


def _send(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    draft = parse_body(request, Send)
    sent = reply_send(row, _member(request), draft)
    about = {"template": draft.template.name[:100]} if draft.template else None
    about = {"canned_reply": str(draft.canned.id)} if draft.canned else about
    for message in sent:
        if not message.repeated:
            page.note(request, "replied", message.conversation, about)
    began = {"leads": str(sent[0].conversation_id)} if sent[0].conversation_id != row.id else {}
    return JsonResponse({"sent": [message.seq for message in sent], **began})


def _plan(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    """A reply that goes at a time."""
    planned = reply_plan(row, _member(request), parse_body(request, Plan))
    page.note(request, "reply_scheduled", row, {"scheduled": str(planned.id)})
    return _planned(request, row, 201)


def _unplan(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    """``scheduled`` in the form is not sent."""
    cancelled = reply_unplan(row, request.POST.get("scheduled", ""))
    if not cancelled.repeated:
        page.note(request, "reply_unscheduled", row)
    if request.headers.get("Accept", "").startswith("application/json"):
        return _planned(request, row, 200)
    messages.success(request, "It will not be sent.")
    return _back(request, row)


def _planned(request: HttpRequest, row: Conversation, status: int) -> HttpResponse:
    """What stands planned by now, for people who may read it."""
    may_read = "messages:read" in permissions_in(request, row.tenant_id)
    planned = planned_shown(row) if may_read else []
    shown = {"planned": planned, "reply_to": True, "unplan_at": _address("unplan", row)}
    return render(request, "admin/inbox/planned.html", shown, status=status)


def _propose(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    """The assistant's reply, to be changed and sent by the member of staff, or not."""
    told = proposal_for(row).to_json()
    return JsonResponse({**told, "why": words_of(told["reason"]) if told["reason"] else ""})


def _upload(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    """Limits are set before anything reads the body; then it is asked whether the form is the console's own. The file is
    for this person alone, and goes with them when they are erased, sent or not."""
    check_length(request, most_bytes() + ROOM)  # type: ignore[arg-type]
    request.upload_handlers = [LimitedUpload(request)]

    @csrf_protect
    def kept(request: HttpRequest) -> HttpResponse:
        file = request.FILES.get("file")
        if file is None:
            raise Invalid("There is no file in the form.")
        stored = upload(
            new_id(), row.channel, row.identity_id, name_in_form(file.name), file.content_type or "", file.chunks(CHUNK)
        )
        page.note(request, "attached", row, {"attachment": str(stored.id)})
        return JsonResponse(upload_told(row.channel, stored), status=201)

    answer: HttpResponse = kept(request)
    return answer


def _note(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    """A note, which only staff read; all of them as they are by now."""
    note_write(row.id, _member(request), parse_body(request, Remark).text)
    page.note(request, "annotated", row)
    return render(request, "admin/conversations/conversation/notes.html", {"notes": notes_of(row.id)})


# --------------------------------------------------------------------------------- the person


def _person(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    """The pane, as far as the member of staff may see it; after a form was sent with what it has changed."""
    if request.method == "POST":
        if "contacts:write" not in permissions_in(request, row.tenant_id):
            raise Forbidden
        if changed := person_change(row.contact, request.POST):
            page.note(request, "updated", row.contact, {"fields": sorted(changed)})
        if not request.headers.get("Accept", "").startswith("text/x-part"):
            return _back(request, row)
    return render(request, "admin/inbox/contact.html", person_context(request, row))


def person_context(request: HttpRequest, row: Conversation) -> dict[str, Any]:
    """What `admin/inbox/contact.html` is rendered with."""
    held = permissions_in(request, row.tenant_id)
    shown: dict[str, Any] = {
        "original": row,
        "notes": notes_of(row.id),
        "late": is_late(row, now()),
        "stands": stands_of(row, request)["words"],
        "may_read": "messages:read" in held,
        "trail_at": _address("trail", row),
        "person_at": _address("person", row),
    }
    if "contacts:read" not in held:
        return shown
    consent = [
        (verb, reverse("admin:conversations_contact_do", args=[row.contact_id, verb]))
        for verb in ("stop", "allow")
        if "contacts:write" in held
    ]
    to = shown["person_at"] if "contacts:write" in held else ""
    return {**shown, "person": person_of(row), "person_to": to, "consent": consent}
