"""The page on which members of staff choose their alerts: by e-mail, in the inbox, and when (EVT-5).

Must not show the choices of colleagues.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import structlog
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.widgets import (
    CHECKBOX_CLASSES,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from tenants.console.pages.rows import TenantAdmin
from tenants.hours import zone_names
from tenants.members.alert_choice import CALLS, KINDS, NO_MAIL, AlertChoice, choice_read
from tenants.models import Membership

log = structlog.get_logger(__name__)

CLOCK = {"type": "time"}
CLOCKS = ("rest_from", "rest_until")
ZONES = [("", "That of the organisation"), *((name, name) for name in sorted(zone_names()))]


ALL = {**CALLS, **KINDS}
#: caption → the kinds below it
GROUPS: Mapping[str, Collection[str]] = {"For me": CALLS, "For those who can do something about it": KINDS}


def _choice(label: str) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(required=False, choices=list(ALL.items()), label=label)


class AlertsForm(forms.Form):
    """Which alerts a member of staff wants, and where."""

    kinds = _choice("By e-mail")
    browser = _choice("In the inbox")
    in_hours_only = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget, label="Mail me only during our hours",
        help_text="What happens at other times is not mailed later; the console shows it",
    )  # fmt: skip
    rest_from = forms.TimeField(
        required=False, widget=UnfoldAdminTextInputWidget(attrs=CLOCK), label="Quiet hours from",
        help_text="No mail from here on, each day. Empty: none",
    )  # fmt: skip
    rest_until = forms.TimeField(
        required=False, widget=UnfoldAdminTextInputWidget(attrs=CLOCK), label="Quiet hours until",
        help_text="On the next day when it is earlier. What happens in between is not mailed later",
    )  # fmt: skip
    time_zone = forms.ChoiceField(
        required=False, choices=ZONES, widget=UnfoldAdminSelectWidget, label="Your time zone",
        help_text="By whose clock your quiet hours are",
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("rest_from"), cleaned.get("rest_until")
        if self.errors:
            return cleaned
        if (start is None) != (end is None):
            self.add_error("rest_until" if end is None else "rest_from", "Quiet hours need both times.")
        elif start is not None and start == end:
            self.add_error("rest_until", "Quiet hours must end at another time than they begin.")
        return cleaned

    @staticmethod
    def filled_with(choice: AlertChoice) -> dict[str, Any]:
        unmailed = (*choice.quiet, *choice.quiet_calls)
        wanted = {
            "kinds": [kind for kind in ALL if kind not in unmailed],
            "browser": [kind for kind in ALL if choice.shown(kind)],
        }
        written = {name: f"{at:%H:%M}" for name in CLOCKS if (at := getattr(choice, name)) is not None}
        return {**wanted, "in_hours_only": choice.in_hours_only, "time_zone": choice.time_zone, **written}

    def chosen(self) -> AlertChoice:
        unmailed = [kind for kind in ALL if kind not in self.cleaned_data["kinds"]]
        quiet = {
            "quiet": [kind for kind in unmailed if kind in KINDS],
            "quiet_calls": [kind for kind in unmailed if kind in CALLS],
            "quiet_in_browser": [kind for kind in ALL if kind not in self.cleaned_data["browser"]],
        }
        return AlertChoice.model_validate({**self.cleaned_data, **quiet})

    def table(self) -> Iterator[tuple[str, list[tuple[str, str, list[tuple[str, str, bool]]]]]]:
        """Caption, and of each kind its value, what it is called, and of each place: the field's name, its label and
        whether it is ticked."""
        places = [(self[name], set(map(str, self[name].value() or ()))) for name in ("kinds", "browser")]
        for caption, kinds in GROUPS.items():
            yield (
                caption,
                [
                    (kind, ALL[kind], [(field.html_name, str(field.label), kind in ticked) for field, ticked in places])
                    for kind in kinds
                ],
            )

    def rest(self) -> list[forms.BoundField]:
        """The fields below the table."""
        return [field for field in self if field.name not in ("kinds", "browser")]


def alerts_page(page: TenantAdmin, request: HttpRequest) -> HttpResponse:
    """The choice of the member of staff who asks, in each of their tenants; no permission is needed for it."""
    # unscoped: of several tenants at once; limited to the member of staff's own right here
    own = Membership.objects.unscoped().filter(user_id=request.user.pk).select_related("tenant")
    sent = request.POST if request.method == "POST" else None
    choices = [(member, _form(member, sent)) for member in own.order_by("tenant__name")]
    if sent is not None and "test" in sent:
        _test_sent(request)  # what was chosen stays in the form, unsaved
    elif sent is not None and all(form.is_valid() for _, form in choices):
        for member, form in choices:
            if (chosen := form.chosen()) != choice_read(member.alerts):
                member.alerts = chosen.model_dump(mode="json")
                member.save(update_fields=["alerts"])
                page.note(request, "updated", member, {"fields": ["alerts"]})
        messages.success(request, "Your choice was saved.")
        return HttpResponseRedirect(request.path)
    around = page.admin_site.each_context(request)
    context = {**around, "title": "My alerts", "choices": choices, "box": " ".join(CHECKBOX_CLASSES)}
    return TemplateResponse(request, "admin/tenants/membership/alerts.html", context)


def _test_sent(request: HttpRequest) -> None:
    """One mail to the member of staff who asks, at once and whatever they chose: they learn whether mail arrives."""
    address = getattr(request.user, "email", "")
    if not address:
        messages.error(request, "Your account has no e-mail address; ask an administrator to enter one.")
    elif settings.EMAIL_BACKEND == NO_MAIL:
        messages.error(request, "This service has no mail server, so no alerts are mailed.")
    else:
        try:
            EmailMessage(
                "A test of your alerts", f"Alerts reach you here.\n{settings.PUBLIC_URL}/admin/", to=[address]
            ).send()
        except OSError as error:  # smtplib's errors too
            log.warning("alert_test_failed", code=type(error).__name__)
            messages.error(request, "The mail server did not take the test; an operator finds the reason in the log.")
        else:
            messages.success(request, f"A test was sent to {address}.")


def _form(member: Membership, sent: Any) -> AlertsForm:
    return AlertsForm(sent, prefix=str(member.pk), initial=AlertsForm.filled_with(choice_read(member.alerts)))
