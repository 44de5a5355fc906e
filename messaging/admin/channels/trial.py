"""A test message from a channel's page: through the real adapter, and what came of it in words (ADM-1, OPS-4).

Owns the form and the words. Must not send: the message goes the way of every other (messaging/deliver.py).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timesince import timeuntil
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from channels_app.content.types import Content, TemplateUse, text
from channels_app.models import Channel, MessageTemplate
from channels_app.registry import KINDS
from channels_app.templates.resolve import variables_in
from messaging.models import Delivery
from messaging.rules.hold import channel_held_until
from messaging.rules.opening import first_words
from tenants.console.pages.rows import TenantAdmin
from tenants.errors import ServiceError
from tenants.storage.db import new_id, now

NAME = "try"
LOOK_S = 1  # between two looks at a message that is on its way
LOOKS = 20  # after so many the page stands still
MOST_TEMPLATES = 200


@dataclass(frozen=True)
class Outcome:
    """What became of the test message. ``tone``: success, danger or info; ``going``: it is not settled yet."""

    tone: str
    words: str
    going: bool = False


class TrialForm(forms.Form):
    address = forms.CharField(max_length=255, strip=True, label="To", widget=UnfoldAdminTextInputWidget())
    template = forms.ChoiceField(
        required=False, widget=UnfoldAdminSelectWidget(), help_text="Instead of words of your own"
    )
    words = forms.CharField(
        required=False, max_length=1000, label="Message", widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )

    def __init__(self, channel: Channel, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.fields["address"].help_text = channel.adapter.address_hint
        named = list(templates_of(channel))
        template: Any = self.fields["template"]
        template.choices = [("", "—"), *named]
        if not named:
            del self.fields["template"]

    def content(self) -> Content:
        if chosen := self.cleaned_data.get("template"):
            name, language = chosen.rsplit("|", 1)
            return Content(type="template", template=TemplateUse(name=name, language=language))
        return text(self.cleaned_data["words"])

    def clean(self) -> Any:
        cleaned = super().clean() or {}
        if not cleaned.get("template") and not (cleaned.get("words") or "").strip():
            self.add_error("words", "Write something to send.")
        return cleaned


def templates_of(channel: Channel) -> Any:
    """Those that need no variables, by name and language."""
    for row in MessageTemplate.objects.filter(channel=channel).order_by("name")[:MOST_TEMPLATES]:
        for language, variant in sorted(row.variants.items()):
            approved = (variant.get("external") or {}).get("status") in (None, "APPROVED")
            if approved and not variables_in(variant.get("content")):
                yield f"{row.name}|{language}", f"{row.name} ({language})"


def may_try(channel: Channel) -> bool:
    """Whether we can write first there; where people do, they try it by writing."""
    connected = channel.disconnected_at is None and channel.enabled and channel.kind in KINDS
    return connected and channel.adapter.starts_conversations


def trial_page(page: TenantAdmin, request: HttpRequest, channel: Channel) -> HttpResponse:
    """``?message=`` shows what became of one."""
    if not may_try(channel) or not page.allowed(request, "write", channel):
        raise PermissionDenied
    sent = request.POST if request.method == "POST" else None
    form = TrialForm(channel, sent, initial={"words": f"This is a test message from {channel.tenant}."})
    if sent is not None and form.is_valid():
        try:
            message = first_words(
                channel, form.cleaned_data["address"], form.content(), client_message_id=f"test-{new_id()}"
            )
        except ServiceError as error:
            form.add_error("address" if error.code == "recipient_invalid" else None, in_words(error))
        else:
            page.note(request, "tried", channel)
            return HttpResponseRedirect(f"{request.path}?message={message.id}")
    delivery = _delivery(channel, request.GET.get("message", ""))
    outcome = outcome_of(delivery, channel) if delivery else None
    looks = min(int(looked), LOOKS) if (looked := request.GET.get("look", "0")).isdecimal() else LOOKS
    context = {
        **page.admin_site.each_context(request), "opts": page.opts, "original": channel, "title": f"Test message on {channel.name}",
        "channel": channel, "form": form, "outcome": outcome, "delivery": delivery,
        "again": f"{request.path}?message={delivery.message_id}&look={looks + 1}" if delivery else "",
        "every_s": LOOK_S if outcome and outcome.going and looks < LOOKS else 0,
        "conversation": reverse("admin:conversations_conversation_change", args=[delivery.conversation_id])
        if delivery
        else "",
    }  # fmt: skip
    return TemplateResponse(request, "admin/channels_app/channel/trial.html", context).render()


def outcome_of(delivery: Delivery, channel: Channel) -> Outcome:
    why = delivery.error_detail or delivery.error_code
    if delivery.status == Delivery.Status.FAILED:
        return Outcome("danger", f"It could not be sent. {why}".strip())
    if delivery.status in ("delivered", "read"):
        return Outcome(
            "success", "It has arrived." if delivery.status == "delivered" else "It has arrived and was read."
        )
    if delivery.status == Delivery.Status.SENT:
        return Outcome("success", f"{channel.adapter.label} has taken it.")
    held = channel_held_until(channel)
    if held and held > now():
        return Outcome("danger", f"The channel is held: nothing is sent for {timeuntil(held)}. {why}".strip(), True)
    if delivery.attempts:
        return Outcome("danger", f"It did not work, and is tried again. {why}".strip(), True)
    return Outcome("info", "It is on its way: a worker takes it in a moment.", True)


def in_words(error: ServiceError) -> str:
    if error.code == "window_closed":
        return f"{error.message} Choose a template, or let the person write first."
    return error.message


def _delivery(channel: Channel, message: str) -> Delivery | None:
    try:
        found: Delivery | None = Delivery.objects.filter(channel=channel, message_id=uuid.UUID(message)).first()
    except ValueError:
        return None
    return found
