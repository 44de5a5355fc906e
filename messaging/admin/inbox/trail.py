"""The console's page on what was done with a conversation, in the words of support staff.

Owns the words. Which entries there are: messaging/agents/inbox/trail.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from conversations.models import Conversation, Event
from messaging.agents.inbox.trail import Named, actor_of, facts_of, named_in_trail, trail_page
from messaging.outbox.reasons import WAITS
from tenants.console.pages.rows import TenantAdmin
from tenants.console.pages.whose import permissions_in
from tenants.errors import Invalid
from tenants.models import AuditEntry
from tenants.tenant_settings import FLAGS

SIZE = 50
#: act → sign and words; {…} are facts by name
ACTS: Mapping[str, tuple[str, str]] = {
    "conversation.take-over": ("support_agent", "took it"),
    "conversation.hand-back": ("smart_toy", "handed it back to the bot"),
    "conversation.end": ("check_circle", "closed it"),
    "conversation.escalate": ("support_agent", "asked for a human"),
    "conversation.assigned": ("person_add", "gave it to {assignee}{team}"),
    "conversation.unassigned": ("person_remove", "gave it to any colleague"),
    "conversation.snoozed": ("snooze", "put it off"),
    "conversation.unsnoozed": ("alarm", "brought it back"),
    "conversation.labelled": ("label", "put the label {label} on it"),
    "conversation.unlabelled": ("label_off", "took the label {label} off it"),
    "conversation.replied": ("reply", "replied"),
    "conversation.written_to": ("edit", "wrote first"),
    "conversation.annotated": ("sticky_note_2", "wrote a note"),
    "conversation.reply_scheduled": ("schedule_send", "planned a reply"),
    "conversation.reply_unscheduled": ("event_busy", "took a planned reply back"),
    "conversation.attached": ("attach_file", "put a file into the reply box"),
    "message.edited": ("edit", "changed a message"),
    "message.deleted": ("delete", "deleted a message"),
    "message.revealed": ("visibility", "looked at what was hidden in a message"),
    "message.regenerated": ("refresh", "let the bot answer again"),
    "delivery.retried": ("replay", "sent a message again that had not arrived"),
    "turn.replayed": ("replay", "let the bot answer again what it had given up"),
    "review.reviewed": ("fact_check", "looked at what a safety rule had found"),
    "scheduledreply.cancelled": ("event_busy", "took a planned reply back"),
    "scheduledreply.replayed": ("schedule_send", "sent a planned reply after all"),
    "conversation.exported": ("download", "downloaded it"),
    "conversation.deleted": ("delete", "deleted it"),
    "contact.updated": ("contact_page", "changed the person: {fields}"),
    "contact.stopped": ("block", "stopped messages to the person"),
    "contact.allowed": ("check", "allowed messages to the person again"),
    "contact.identity_attached": ("link", "attached an id to the person"),
    "contact.identity_detached": ("link_off", "took an id off the person"),
    "contact.merged": ("merge", "merged the person with another"),
    "contact.exported": ("download", "downloaded what is known of the person"),
}
EVENTS: Mapping[str, tuple[str, str]] = {
    "chat.conversation.started": ("play_arrow", "The conversation began"),
    "chat.conversation.ended": ("stop_circle", "The conversation ended{reason}"),
    "chat.message.updated": ("edit", "A message was changed"),
    "chat.message.updated person": ("edit", "The person changed a message"),
    "chat.message.deleted": ("delete", "A message was deleted"),
    "chat.message.deleted person": ("delete", "The person deleted a message"),
    "chat.message.failed": ("error", "A message did not arrive"),
    "chat.message.flagged": ("flag", "A safety rule found something{flags}"),
    "chat.contact.stopped": ("block", "The person wants no more messages"),
    "chat.contact.resumed": ("check", "The person wants messages again"),
    "chat.contact.identity_changed": ("swap_horiz", "The person has another number or account"),
}
TRIGGERS: Mapping[str, tuple[str, str]] = {
    "handover": ("support_agent", "The bot asked for a human{why}"),
    "outside": ("open_in_new", "It was answered in the platform's own app"),
    "rated": ("star", "The person rated it {satisfaction} of 5"),
    "failed": ("error", "The bot could not answer"),
    "recovered": ("check", "The bot answers again"),
    "late": ("alarm", "The person waits longer than they should"),
    "wake": ("alarm", "It came back from being put off"),
}
REASONS: Mapping[str, str] = {
    "idle": ": nothing was said for a long time",
    "ended_by_contact": ": the person left",
}


@dataclass(frozen=True)
class Line:
    at: datetime
    icon: str
    who: str
    words: str
    by_staff: bool


def trail_view(page: TenantAdmin, request: HttpRequest, row: Conversation) -> HttpResponse:
    contact = "contacts:read" in permissions_in(request, row.tenant_id)
    try:
        found = trail_page(row, size=SIZE, cursor=request.GET.get("cursor", ""), contact=contact)
    except Invalid:  # of an address that was changed by hand
        found = trail_page(row, size=SIZE, contact=contact)
    named = named_in_trail(found.rows)
    context = {
        **page.admin_site.each_context(request),
        "title": f"What was done with {row.contact}",
        "conversation": row,
        "lines": [line_of(one, named) for one in found.rows],
        "earlier": found.cursor,
        "opts": page.opts,
    }
    return render(request, "admin/conversations/conversation/trail.html", context)


def line_of(row: AuditEntry | Event, named: Named) -> Line:
    facts = _told(row, facts_of(row), named)
    if isinstance(row, Event):
        by = f"{row.type} {facts_of(row).get('by', '')}"
        icon, words = (
            EVENTS.get(by) or EVENTS.get(row.type) or TRIGGERS.get(str(row.payload.get("trigger")), ("info", row.type))
        )
        return Line(row.created_at, icon, "", words.format_map(facts), False)
    plain = row.action.partition(".")[2].replace("_", " ").replace("-", " ")
    icon, words = ACTS.get(row.action, ("info", plain))
    return Line(row.created_at, icon, _who(row, named), words.format_map(facts), row.actor.startswith("user:"))


def _who(row: AuditEntry, named: Named) -> str:
    kind, _, name = row.actor.partition(":")
    if kind == "system":
        return "A rule"
    if kind in ("key", "token", "visitor"):
        return {"key": "An API key", "token": "A program", "visitor": "The person"}[kind]
    return actor_of(row, named) or name or row.actor


def _told(row: AuditEntry | Event, facts: Mapping[str, Any], named: Named) -> dict[str, str]:
    """Every fact that the words may name, as text; one that there is not is empty."""
    user = named.users.get(str(facts.get("assignee") or facts.get("assignee_id")))
    team = named.teams.get(str(facts.get("team") or facts.get("team_id")), "a team")
    flags = ", ".join(FLAGS.get(flag, flag) for flag in facts.get("flags") or ())
    return {
        "assignee": (user.get_full_name() or user.get_username()) if user else str(facts.get("assignee") or ""),
        "team": f"the team {team}" if facts.get("team") and not facts.get("assignee") else "",
        "label": f"“{named.labels.get(str(facts.get('label')), 'one that is gone')}”",
        "fields": ", ".join(map(str, facts.get("fields") or ())) or "facts",
        "reason": REASONS.get(str(facts.get("reason")), ""),
        "flags": f": {flags}" if flags else "",
        "why": f": {WAITS[str(reason)]}" if (reason := facts.get("reason")) and str(reason) in WAITS else "",
        "satisfaction": str(facts.get("satisfaction", "")),
    }
