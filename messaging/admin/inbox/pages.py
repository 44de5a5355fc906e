"""The addresses of the inbox: the page, and its parts for a script that has the page already.

Owns what is put on a page. ``part=list`` and ``part=conversation`` give the same as the page, without what is around it.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode

from channels_app.registry import KINDS
from conversations.models import Conversation
from messaging.admin.conversations import CLOSE, FORMS
from messaging.admin.inbox.asked import PRIORITIES, Asked, asked
from messaging.admin.inbox.found import found_of
from messaging.admin.inbox.listed import VIEWS, counts, page_of, view_of
from messaging.admin.inbox.rows import ICONS, member_name, rows_of
from messaging.admin.inbox.verbs import carried_out, page
from tenants.console.pages import permissions_in, tenants_with
from tenants.errors import Invalid
from tenants.scope import tenant_scope

FIRST = ("waiting", "mine", "bot", "colleagues")  # lists that the inbox opens with: the first that holds something
KEYS = (
    ("j", "Next conversation"), ("k", "Previous conversation"), ("Enter", "Open it"), ("r", "Reply"), ("n", "Write a note"),
    ("t", "Take it"), ("a", "Assign"), ("h", "Hand back to the bot"), ("s", "Snooze"), ("e", "Close the conversation"),
    ("/", "Search"), ("Esc", "Leave what you are in"), ("?", "These keys"),
)  # fmt: skip
#: keys of the bar's buttons
PRESSED = {"take_over": "t", "hand_back": "h", "close": "e"}
TAKEN = {"take_over": "Take it"}


def addresses() -> list[URLPattern]:
    def view(function: Any) -> Any:
        return admin.site.admin_view(function)

    return [
        path("inbox/", view(inbox), name="inbox"),
        path("inbox/<uuid:conversation_id>/", view(inbox), name="inbox_conversation"),
        path("inbox/<uuid:conversation_id>/do/<slug:verb>/", view(do), name="inbox_do"),
        path("login/", login, name="login"),
    ]


def login(request: HttpRequest) -> HttpResponse:
    """The console's own, which leads people who may read conversations to the inbox."""
    answer = admin.site.login(request)
    leads_home = isinstance(answer, HttpResponseRedirect) and answer.url == reverse("admin:index")
    if leads_home and tenants_with(request, "conversations:read").exists():
        return HttpResponseRedirect(reverse("admin:inbox"))
    return answer


def inbox(request: HttpRequest, conversation_id: uuid.UUID | None = None) -> HttpResponse:
    """Three panes: lists, the conversation, the person."""
    row = _row(request, conversation_id) if conversation_id else None
    wanted = asked(request, row.tenant_id if row else None, tuple(VIEWS))
    with tenant_scope(wanted.tenant.id):
        part = request.GET.get("part", "")
        if part == "conversation" and row:
            return _private(render(request, "admin/inbox/conversation.html", _conversation(request, wanted, row)))
        listed = _listed(wanted, row)
        if part == "list":
            return _private(render(request, "admin/inbox/list.html", listed))
        shown = _conversation(request, listed["asked"], row) if row else {}
        return _private(render(request, "admin/inbox/page.html", {**_around(request), **listed, **shown}))


def do(request: HttpRequest, conversation_id: uuid.UUID, verb: str) -> HttpResponse:
    """A button of the bar was pressed, or a form of the conversation sent."""
    row = _row(request, conversation_id)
    back = f"{reverse('admin:inbox_conversation', args=[row.id])}?{urlencode(request.GET, doseq=True)}"
    return carried_out(request, row, verb, back) if request.method == "POST" else HttpResponseRedirect(back)


def _row(request: HttpRequest, conversation_id: uuid.UUID) -> Conversation:
    """Raises Http404 for a conversation of another tenant as for none at all."""
    rows = page().get_queryset(request).select_related("tenant", "channel", "contact", "identity", "assignee")
    row: Conversation | None = rows.filter(id=conversation_id).first()
    if row is None:
        raise Http404
    return row


def _listed(wanted: Asked, row: Conversation | None) -> dict[str, Any]:
    found = counts(wanted)
    view = wanted.view or (view_of(row, wanted.member_id) if row else _first(found))
    wanted = Asked(**{**vars(wanted), "view": view})
    try:
        shown = found_of(wanted) if wanted.search else page_of(wanted)
    except Invalid:  # a cursor of another list, or of before a change of keys
        shown = {"items": [], "next_cursor": None}
    return {
        "asked": wanted,
        "rows": rows_of(wanted, shown["items"], shown.get("snippets")),
        "opened": row.id if row else None,
        "views": [
            {
                "name": name,
                "title": title,
                "count": found[name],
                "query": wanted.query(view=name, search=""),
                "current": name == view and not wanted.search,
            }
            for name, (title, _) in VIEWS.items()
        ],
        "query": wanted.query(),
        "more": wanted.query(after=shown["next_cursor"]) if shown["next_cursor"] else "",
        "kinds": [(kind, ICONS.get(kind, "chat")) for kind in KINDS],
        "priorities": PRIORITIES,
    }


def _first(found: dict[str, int]) -> str:
    return next((name for name in FIRST if found[name]), FIRST[0])


def _conversation(request: HttpRequest, wanted: Asked, row: Conversation) -> dict[str, Any]:
    context = page().page_context(request, row)
    buttons = [
        {
            "verb": button.verb,
            "label": TAKEN.get(button.verb, button.label),
            "icon": button.icon,
            "key": PRESSED.get(button.verb, ""),
            "confirm": button.confirm,
            "address": reverse("admin:inbox_do", args=[row.id, button.verb]),
        }
        for button, _ in context["buttons"]
        if button not in FORMS
    ]
    held = permissions_in(request, row.tenant_id)
    reply = reverse("admin:inbox_do", args=[row.id, "reply"]) if context["reply_to"] else None
    return {
        **context,
        "asked": wanted,
        "query": wanted.query(),
        "original": row,
        "bar": buttons,
        "reply_to": reply,
        "may_read": "messages:read" in held,
        "owner": member_name(row.assignee) if row.assignee else "",
        "icon": ICONS.get(row.channel.kind, "chat"),
        "close": CLOSE,
    }


def _around(request: HttpRequest) -> dict[str, Any]:
    assert not request.user.is_anonymous
    return {**admin.site.each_context(request), "title": "Inbox", "keys": KEYS, "icons": dict(ICONS), "me": request.user}


def _private(answer: HttpResponse) -> HttpResponse:
    """A part has an address of its own, and neither is kept: what people see when they go back is fresh."""
    answer["Cache-Control"] = "no-store"
    return answer
