"""The addresses of the inbox: the page, and its parts for a script that has the page already.

Owns what is put on a page. ``part=list`` and ``part=conversation`` give the same as the page, without what is around it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from csp.constants import SELF
from csp.decorators import csp_replace
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from channels_app.registry import KINDS, icon_of
from conversations.models import Conversation
from messaging.admin.inbox.bar import KEYS, address_of, bar_of
from messaging.admin.inbox.lists.asked import Asked, asked
from messaging.admin.inbox.lists.found import PAGE, found_of
from messaging.admin.inbox.lists.kept import kept_change, kept_of
from messaging.admin.inbox.lists.rows import EXPECTS, rows_of, view_of
from messaging.admin.inbox.verbs import carried_out, page
from messaging.agents.inbox.lists import COUNT_MOST, WITH, Filter, View, inbox_counts, inbox_page
from messaging.agents.labels import labels
from messaging.agents.members import teams
from tenants.access.limits import client_ip
from tenants.console.pages.whose import alert_choice_in, permissions_in, tenants_with
from tenants.console.second.step import password_view, second_view
from tenants.errors import Invalid
from tenants.scope import tenant_scope
from tenants.trail.reads import read_noted

TITLES: Mapping[View, str] = {
    "waiting": "Waiting", "mine": "Mine", "colleagues": "With colleagues", "bot": "With the bot", "mentions": "Mentions",
    "snoozed": "Snoozed", "closed": "Closed",
}  # fmt: skip
#: what stands in a list that is empty: why, and what to do
EMPTY: Mapping[View, str] = {
    "waiting": "No one waits for you. Who asks for a colleague stands here, the longest wait first.",
    "mine": "You answer no conversation now. Take one that waits, or have one assigned to you.",
    "colleagues": "No colleague answers anyone now. What they take stands here: open one to help, or to take it over.",
    "bot": "The bot answers no one now. Who writes to one of your channels stands here until a colleague is asked for.",
    "mentions": "No note names you. When a colleague writes @ and your name, the conversation stands here until you look.",
    "snoozed": "Nothing is put off. Snooze in the bar of a conversation puts it here, until its time comes or the person writes.",
    "closed": "No conversation has ended yet. Close in the bar of a conversation puts it here.",
}
EMPTY_FILTERED = "No conversation of this list fits the filter. Look in another list, or show all."
FIRST: tuple[View, ...] = ("waiting", "mine", "bot", "colleagues")  # opened with: the first that holds something
RARE = ("mentions", "snoozed")  # shown where they hold something
PRIORITIES = ("urgent", "high", "normal", "low")


def addresses() -> list[URLPattern]:
    def view(function: Any) -> Any:
        return admin.site.admin_view(function)

    shown = csp_replace({"script-src": [SELF]})(view(inbox))  # no Alpine, which has to evaluate text
    return [
        path("inbox/", shown, name="inbox"),
        path("inbox/filters/", view(keep), name="inbox_filters"),
        path("inbox/<uuid:conversation_id>/", shown, name="inbox_conversation"),
        path("inbox/<uuid:conversation_id>/do/<slug:verb>/", view(do), name="inbox_do"),
        path("login/", login, name="login"),
        path("login/second/", never_cache(csrf_protect(second)), name="second"),
    ]


def login(request: HttpRequest) -> HttpResponse:
    """The console's own, which leads people who may read conversations to the inbox."""
    answer = _led_home(request, password_view(request))
    wait_s = getattr((getattr(answer, "context_data", None) or {}).get("form"), "wait_s", 0)
    if wait_s:
        answer.status_code, answer["Retry-After"] = 429, str(wait_s)
    return answer


def second(request: HttpRequest) -> HttpResponse:
    return _led_home(request, second_view(request))


def _led_home(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    leads_home = isinstance(answer, HttpResponseRedirect) and answer.url == reverse("admin:index")
    if leads_home and tenants_with(request, "conversations:read").exists():
        return HttpResponseRedirect(reverse("admin:inbox"))
    return answer


def inbox(request: HttpRequest, conversation_id: uuid.UUID | None = None) -> HttpResponse:
    """Three panes: lists, the conversation, the person."""
    row = _row(request, conversation_id) if conversation_id else None
    wanted = asked(request, row.tenant_id if row else None)
    with tenant_scope(wanted.tenant.id):
        part = request.GET.get("part", "")
        if row:
            read_noted(request.user, "conversation", row.id, client_ip(request))
        if part == "conversation" and row:
            return render(request, "admin/inbox/conversation.html", _conversation(request, wanted, row))
        read_noted(request.user, "conversation", "", client_ip(request))
        listed = _listed(wanted, row)
        if part == "list":
            return render(request, "admin/inbox/list.html", listed)
        shown = _conversation(request, listed["asked"], row) if row else {}
        return render(request, "admin/inbox/page.html", {**_around(request, wanted), **listed, **shown})


def do(request: HttpRequest, conversation_id: uuid.UUID, verb: str) -> HttpResponse:
    """A button of the bar was pressed, or a form of the conversation sent."""
    row = _row(request, conversation_id)
    back = f"{reverse('admin:inbox_conversation', args=[row.id])}?{request.GET.urlencode()}"
    if request.method != "POST":
        return HttpResponseRedirect(back)
    answer = carried_out(request, row, verb, back)
    if not hasattr(request, "unsent") or answer.status_code != 302:
        return answer
    request.method = "GET"  # words that were refused stand in the form again, beside the reason
    shown = inbox(request, conversation_id)
    shown.status_code = 409
    return shown


def keep(request: HttpRequest) -> HttpResponse:
    """A filter gets a name, or is forgotten."""
    wanted = asked(request, None)
    if request.method == "POST":
        if page().permission("write") not in permissions_in(request, wanted.tenant.id):
            raise PermissionDenied
        with tenant_scope(wanted.tenant.id):
            kept_change(request, wanted)
    return HttpResponseRedirect(f"{reverse('admin:inbox')}?{wanted.query()}")


def _row(request: HttpRequest, conversation_id: uuid.UUID) -> Conversation:
    """Raises Http404 for a conversation of another tenant as for none at all."""
    rows = page().get_queryset(request).select_related("tenant", "identity", *WITH)
    row: Conversation | None = rows.filter(id=conversation_id).first()
    if row is None:
        raise Http404
    return row


def _listed(wanted: Asked, row: Conversation | None) -> dict[str, Any]:
    """For templates/admin/inbox/list.html."""
    numbers = inbox_counts(wanted.member, wanted.limits)
    view: Any = wanted.view or (view_of(row, wanted.member.id) if row else _first(numbers))
    wanted = replace(wanted, view=view)
    try:
        rows, snippets, cursor = found_of(wanted) if wanted.search else _page(wanted, view)
    except Invalid:  # a cursor of another list, or of before a change of keys
        rows, snippets, cursor = [], {}, ""
    return {
        "asked": wanted,
        "rows": rows_of(wanted, rows, snippets),
        "opened": row.id if row else None,
        "nothing": "Nothing was found." if wanted.search else EMPTY_FILTERED if wanted.filtered else EMPTY[view],
        "views": [
            {
                "name": name,
                "title": title,
                "count": _told(numbers.get(name)),
                "query": wanted.query(view=name, search=""),
                "current": name == view and not wanted.search,
                "hidden": name in RARE and not numbers[name] and name != view,
            }
            for name, title in TITLES.items()
        ],
        "query": wanted.query(),
        "all": wanted.query(search="", limits=Filter()),
        "further": wanted.after(cursor) if cursor else "",  # not `more`, which is of the transcript on the same page
    }


def _page(wanted: Asked, view: View) -> tuple[list[Conversation], dict[uuid.UUID, Any], str]:
    found = inbox_page(view, wanted.member, wanted.limits, size=PAGE, cursor=wanted.cursor, words=wanted.words)
    return found.rows, {}, found.cursor


def _first(numbers: Mapping[str, int]) -> View:
    return next((name for name in FIRST if numbers[name]), FIRST[0])


def _told(number: int | None) -> str:
    if number is None:
        return ""
    return str(number) if number < COUNT_MOST else f"{COUNT_MOST - 1}+"


def _conversation(request: HttpRequest, wanted: Asked, row: Conversation) -> dict[str, Any]:
    """For templates/admin/inbox/conversation.html. Its forms lead back to the inbox."""
    context = page().page_context(request, row)
    forms = {"reply_to": "reply", "template_to": "template", "annotate_to": "annotate"}
    return {
        **context,
        **{name: address_of(row, verb) for name, verb in forms.items() if context[name]},
        "asked": wanted,
        "query": wanted.query(),
        "original": row,
        "bar": bar_of(request, row),
    }


def _around(request: HttpRequest, wanted: Asked) -> dict[str, Any]:
    """What stays while lists and conversations change."""
    return {
        **admin.site.each_context(request),
        "title": "Inbox",
        "me": request.user,
        "keys": KEYS,
        "row_words": {"icons": {kind: icon_of(kind) for kind in KINDS}, "expects": dict(EXPECTS)},
        "choices": {
            "channel": [(kind, kind.capitalize()) for kind in KINDS],
            "priority": [(name, name.capitalize()) for name in PRIORITIES],
            "label": [(str(label.id), label.name) for label in labels()],
            "team": [(str(team.id), team.name) for team in teams()],
        },
        "limits": wanted.limits.model_dump(mode="json"),
        "kept": kept_of(wanted),
        "calls": alert_choice_in(request, wanted.tenant.id).shown("escalations"),
    }
