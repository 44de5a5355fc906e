"""Which events staff are told of outside the console, and in what words (EVT-5).

Owns what is worth an alert. Must not decide what is wrong (channels_app/health.py does), nor say what people said.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Q
from django.template.defaultfilters import pluralize

from assistant.llm.told import words_of
from channels_app.health import ADVICE, State
from channels_app.models import ChannelIncident
from channels_app.selectors import channel_for_id
from channels_app.words.moments import moment_of_iso, written
from conversations.event_schemas import Envelope
from conversations.models import Conversation, Message
from conversations.safety import is_flagged
from messaging.health.engine import engine_ill_since, is_failure
from messaging.outbox.reasons import fault_words, stopped_words, waits_words
from tenants.scope import current_tenant_id
from tenants.tenant_settings import FLAGS, settings_for

#: a channel's state → what staff are told of it; of a channel that was switched off they are told nothing
STATES: dict[str, str] = {
    State.HEALTHY: "works again",
    State.DEGRADED: "does not work as it should",
    State.CREDENTIAL_REFUSED: "was refused by the platform",
    State.SILENT: "has gone silent",
}

SAME_AGAIN = timedelta(hours=1)
A_TICK = timedelta(milliseconds=1)  # moments in events are cut to it
WAITING_AGAIN = timedelta(minutes=10)  # people who wait are told of more often than faults
EXPECTED = frozenset({"contact_stopped"})  # codes of messages that were not to arrive
#: lists of the console
WAITING = "inbox/?view=waiting"
DEAD = "messaging/delivery/?dead=yes"
FELL_BACK = "messaging/turn/"
ENDPOINTS = "messaging/webhookendpoint/"
MODELS = "assistant/modeluse/"
#: table of the register → what staff are told, and the list in the console where it is started again
GIVEN_UP = {
    "receipts": "Requests of a platform could not be processed",
    "turns": "The assistant could not answer",
    "files": "Files of people could not be fetched",
    "scheduled": "Replies that staff had planned were not sent",
}
PAGES = {
    "receipts": "messaging/inboundevent/?status__exact=failed",
    "turns": "messaging/turn/?status__exact=failed",
    "files": "conversations/attachment/?state__exact=failed",
    "scheduled": "messaging/scheduledreply/?status__exact=failed",
}


@dataclass(frozen=True)
class Words:
    """What an alert says. ``path``: the page of the console to go to, below /admin/. ``about``: its subject as an id,
    that is told ``at_most_every`` so often. ``incident``: whose end is the alert's, too."""

    subject: str
    lines: tuple[str, ...] = ()
    path: str = ""
    about: str = ""
    at_most_every: timedelta = timedelta(0)
    incident: ChannelIncident | None = None

    @property
    def text(self) -> str:
        opens = f"Open it: {page_address(self.path)}" if self.path else ""
        return "\n".join(filter(None, (*self.lines, opens)))


def page_address(path: str) -> str:
    return f"{settings.PUBLIC_URL}/admin/{path}" if path else ""


def conversation_path(conversation_id: Any) -> str:
    """Where support staff answer it; "" where the event is about none."""
    return f"inbox/{conversation_id}/" if conversation_id else ""


def _channel_state(data: dict[str, Any]) -> Words | None:
    """None when the channel was switched off, or is gone with its incident."""
    state = data.get("state", "")
    incident = ChannelIncident.objects.select_related("channel").filter(id=data.get("incident_id")).first()
    if state not in STATES or incident is None:
        return None
    channel = incident.channel
    lines = (data.get("reason", ""), ADVICE.get(state, ""))
    subject = f"channel {channel.name} ({channel.kind}) {STATES[state]}"
    return Words(subject, lines, f"channels_app/channel/{channel.id}/change/", incident=incident)


def _work_given_up(data: dict[str, Any]) -> Words:
    """What fails, fails in crowds."""
    work, reason = data.get("work", ""), data.get("reason", "")
    subject = GIVEN_UP.get(work, f"Work was given up: {work}")
    lines = (f"Reason: {reason}.", "They are kept and can be processed again.")
    return Words(subject, lines, PAGES.get(work, ""), f"given_up {work}", SAME_AGAIN)


def _budget_reached(data: dict[str, Any]) -> Words:
    limit = f"The day's limit is {data.get('limit_usd')} US dollars; days end at midnight UTC."
    if data.get("stop") == "hard":
        return Words(
            "Language models are not asked any more today",
            (limit, "The built-in assistant answers, or colleagues do, as the tenant's settings say."),
            MODELS,
            "budget hard",
        )
    return Words(
        "Language models cost much today", (limit, "The cheapest model is asked first."), MODELS, "budget soft"
    )


def _webhook_paused(data: dict[str, Any]) -> Words:
    reason, id = data.get("reason", ""), data.get("endpoint_id")
    state = "was switched off" if reason in ("gone", "paused_too_long") else "was paused"
    path = f"{ENDPOINTS}{id}/change/" if id else ENDPOINTS
    return Words(f"Webhook endpoint {data.get('description', '')} {state}", (stopped_words(reason),), path)


def _waits(data: dict[str, Any]) -> Words | None:
    return (_late if data.get("trigger") == "late" else _escalated)(data)


def _late(data: dict[str, Any]) -> Words | None:
    """None once the person waits no longer, or was answered and waits anew."""
    waiting = Conversation.objects.filter(id=data.get("conversation_id"), is_open=True, waiting_since__isnull=False)
    conversation = waiting.filter(control_owner=Conversation.Owner.HUMAN).select_related("channel").first()
    if conversation is None:
        return None
    since = moment_of_iso(data.get("waiting_since", ""))
    if since and conversation.waiting_since and conversation.waiting_since >= since + A_TICK:
        return None
    minutes = settings_for(conversation.tenant_id).first_response_minutes
    lines = (f"The target is {minutes} minute{pluralize(minutes)} of open time.", _all_who_wait())
    subject = f"A person has waited too long on {conversation.channel.name}"
    about = f"late {conversation.channel_id}"
    return Words(subject, lines, conversation_path(conversation.id), about, WAITING_AGAIN)


def _escalated(data: dict[str, Any]) -> Words | None:
    """None once a colleague has come, or the conversation has ended. An urgent one is told by itself."""
    waiting = Conversation.objects.filter(id=data.get("conversation_id"), held_by=Conversation.Holder.QUEUE)
    conversation = waiting.filter(is_open=True).select_related("channel").first()
    if conversation is None:
        return None
    subject = f"A person waits for a colleague on {conversation.channel.name}"
    lines, path = (waits_words(data.get("reason") or ""), _all_who_wait()), conversation_path(conversation.id)
    if conversation.priority == "urgent":
        return Words(f"{subject} (urgent)", lines, path, f"escalations {conversation.id}")
    return Words(subject, lines, path, f"escalations {conversation.channel_id}", WAITING_AGAIN)


def _all_who_wait() -> str:
    return f"All who wait: {page_address(WAITING)}"


def _dead_letter(data: dict[str, Any]) -> Words:
    channel = channel_for_id(uuid.UUID(data["channel_id"])) if data.get("channel_id") else None
    lines = (
        fault_words(data.get("code") or "", channel.kind if channel else ""),
        "They are kept and can be sent again.",
        f"All of them: {page_address(DEAD)}",
    )
    path = conversation_path(data.get("conversation_id")) or DEAD
    return Words("Messages could not be delivered", lines, path, "dead_letters", SAME_AGAIN)


def _engine_down(data: dict[str, Any]) -> Words:
    """``reason``: it is a language model that gave no answer; then the built-in assistant stands in."""
    reason = data.get("reason")
    why = (
        (words_of(reason), "The built-in assistant answers instead.")
        if reason
        else ("It failed or was too slow; people get the fallback reply instead.",)
    )
    lines = (*why, f"All such answers: {page_address(FELL_BACK)}")
    path, since = conversation_path(data.get("conversation_id")), engine_ill_since()
    about = f"engine {written(since)}" if since else "engine"
    return Words("The assistant does not answer", lines, path, about, SAME_AGAIN)


def _engine_well(data: dict[str, Any]) -> Words:
    zone = settings_for(current_tenant_id()).business_hours.zone
    times = filter(None, (moment_of_iso(data[name]) for name in ("ill_since", "failed_at")))
    stretch = " to ".join(f"{at.astimezone(zone):%d %B %H:%M}" for at in times)
    lines = (f"Fallback replies from {stretch} ({zone}): {data.get('failures', 0)}.",)
    return Words("The assistant answers again", lines, FELL_BACK)


def _malformed(data: dict[str, Any]) -> Words:
    lines = ("It was signed well and is kept; once we can read it, process it again.",)
    path = f"messaging/inboundevent/{data.get('receipt_id')}/change/"
    return Words("A platform sent what could not be understood", lines, path, "malformed", SAME_AGAIN)


def _flagged(data: dict[str, Any]) -> Words:
    lines = (f"Found: {', '.join(FLAGS.get(flag, flag) for flag in data['flags'])}.",)
    whose = "A reply of ours" if _is_ours(data) else "A person's message"
    path, about = conversation_path(data.get("conversation_id")), f"flagged {'ours' if _is_ours(data) else 'theirs'}"
    return Words(f"{whose} broke a safety rule", lines, path, about, SAME_AGAIN)


def _is_ours(data: dict[str, Any]) -> bool:
    return data.get("role") != Message.Role.VISITOR


def _waiting_kind(event: Envelope) -> str:
    return {"handover": "escalations", "late": "late"}.get(event.data.get("trigger", ""), "")


def _flagged_kind(event: Envelope) -> str:
    told = is_flagged(event.tenant_id, "alert", event.data.get("flags", ()), ours=_is_ours(event.data))
    return "flagged" if told else ""


#: event type → the kind of alert that such an event is; "": none
KINDS: dict[str, Callable[[Envelope], str]] = {
    "chat.conversation.updated": _waiting_kind,
    "chat.message.failed": lambda event: "" if event.data.get("code") in EXPECTED else "dead_letters",
    "chat.message.processed": lambda event: "engine" if is_failure(event.data) else "",
    "chat.message.flagged": _flagged_kind,
    "chat.system.webhook_malformed": lambda event: "malformed",
    "chat.system.channel_degraded": lambda event: "channels",
    "chat.system.channel_recovered": lambda event: "channels",
    "chat.system.engine_recovered": lambda event: "engine",
    "chat.system.webhook_paused": lambda event: "webhooks",
    "chat.system.work_given_up": lambda event: "given_up",
    "chat.system.budget_reached": lambda event: "budget",
}


def alert_kind(event: Envelope) -> str:
    """As which of tenants/members/alert_choice.py such an event counts; "": staff are not told of it."""
    return KINDS[event.type](event) if event.type in KINDS else ""


def alert_worth(event: Envelope) -> bool:
    """Whether staff are to be told of such an event at all; costs no statement, for most events are not."""
    kind = alert_kind(event)
    return bool(kind) and kind not in settings_for(event.tenant_id).alerts.quiet


def alert_over(event: Envelope) -> bool:
    """Whether what an alert was to tell of has passed since it was planned. One that calls to people who wait stands for
    all of the channel who came after the first: it holds while any of them waits."""
    if event.type != "chat.conversation.updated" or _waits(event.data) is not None:
        return False
    first = Conversation.objects.filter(id=event.data.get("conversation_id"))
    channel_id = first.values_list("channel_id", flat=True).first()
    others = Conversation.objects.filter(channel_id=channel_id, is_open=True)
    if event.data.get("trigger") == "late":
        since = Q(late_told_at__gt=F("waiting_since"), control_owner=Conversation.Owner.HUMAN)
        return not others.filter(since, waiting_since__isnull=False).exists()
    return not others.filter(held_by=Conversation.Holder.QUEUE).exists()


#: event type → the words of its alert; None: not worth one
ALERTS: dict[str, Callable[[dict[str, Any]], Words | None]] = {
    "chat.system.channel_degraded": _channel_state,
    "chat.system.channel_recovered": _channel_state,
    "chat.system.engine_recovered": _engine_well,
    "chat.system.webhook_paused": _webhook_paused,
    "chat.system.work_given_up": _work_given_up,
    "chat.system.budget_reached": _budget_reached,
    "chat.system.webhook_malformed": _malformed,
    "chat.conversation.updated": _waits,
    "chat.message.failed": _dead_letter,
    "chat.message.processed": _engine_down,
    "chat.message.flagged": _flagged,
}
#: event type → whom it is mailed to, by permission
READERS = {"chat.conversation.updated": "conversations:write", "chat.message.flagged": "conversations:write"}
