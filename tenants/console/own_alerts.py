"""The page on which members of staff choose the alerts that they are mailed (EVT-5).

Must not show the choices of colleagues.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanSwitchWidget

from tenants.alert_choice import KINDS, AlertChoice, choice_read
from tenants.console.pages import TenantAdmin
from tenants.models import Membership


class AlertsForm(forms.Form):
    """Which alerts a member of staff wants by mail."""

    kinds = forms.MultipleChoiceField(
        required=False,
        choices=list(KINDS.items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        label="Mail me when",
    )
    in_hours_only = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget, label="Only during our hours",
        help_text="What happens at other times is not mailed later; the console shows it",
    )  # fmt: skip

    @staticmethod
    def filled_with(choice: AlertChoice) -> dict[str, Any]:
        kinds = [kind for kind in KINDS if kind not in choice.quiet]
        return {"kinds": kinds, "in_hours_only": choice.in_hours_only}

    def chosen(self) -> AlertChoice:
        quiet = [kind for kind in KINDS if kind not in self.cleaned_data["kinds"]]
        return AlertChoice.model_validate({"quiet": quiet, "in_hours_only": self.cleaned_data["in_hours_only"]})


def alerts_page(page: TenantAdmin, request: HttpRequest) -> HttpResponse:
    """The choice of the member of staff who asks, in each of their tenants; no permission is needed for it."""
    # unscoped: of several tenants at once; limited to the member of staff's own right here
    own = Membership.objects.unscoped().filter(user_id=request.user.pk).select_related("tenant")
    sent = request.POST if request.method == "POST" else None
    choices = [(member, _form(member, sent)) for member in own.order_by("tenant__name")]
    if sent is not None and all(form.is_valid() for _, form in choices):
        for member, form in choices:
            if form.has_changed():
                member.alerts = form.chosen().model_dump(mode="json")
                member.save(update_fields=["alerts"])
                page.note(request, "updated", member, {"fields": ["alerts"]})
        messages.success(request, "Your choice was saved.")
        return HttpResponseRedirect(request.path)
    context = {**page.admin_site.each_context(request), "opts": page.opts, "title": "My alerts", "choices": choices}
    return TemplateResponse(request, "admin/tenants/membership/alerts.html", context)


def _form(member: Membership, sent: Any) -> AlertsForm:
    return AlertsForm(sent, prefix=str(member.pk), initial=AlertsForm.filled_with(choice_read(member.alerts)))
