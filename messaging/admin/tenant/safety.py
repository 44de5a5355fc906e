"""The console's page on a tenant's safety rules: a form, and no raw JSON (MSG-3, TEN-2).

Must not know what the rules mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldBooleanSwitchWidget

from channels_app.words.split import shorten
from messaging.admin.tenant.store import settings_store
from tenants import tenant_settings
from tenants.admin import TenantsAdmin
from tenants.console.pages.fields import LinesField
from tenants.console.plain_words import plain_words
from tenants.models import Tenant
from tenants.tenant_settings import FLAGS, PERSONAL, SafetyRules

NAME = "safety"
MOST_WORDS, LONGEST = 2000, 100
NAMED = 10  # words that are too long
ALL = frozenset(FLAGS)
PARTS = frozenset(PERSONAL)
#: heading → the rule's field in this form, what it is called, and which kinds it may name
PEOPLE = {
    "mask": ("Hide", PARTS),
    "keep": ("and keep encrypted", PARTS),
    "alert": ("Alert staff", ALL),
    "review": ("List for review", ALL),
    "hand_over": ("Ask for a human", ALL),
}
REPLIES = {
    "replies_mask": ("Hide", PARTS),
    "replies_alert": ("Alert staff", ALL),
    "replies_review": ("List for review", ALL),
}


class SafetyForm(forms.Form):
    """Limits and words as fields, and a table of kinds by what is done. After ``is_valid``, `rules` is what was entered."""

    words = LinesField(
        required=False, label="Your words", max_length=250_000,
        help_text="One per line, matched whole, in whatever case; they count as “a word of your list” above",
    )  # fmt: skip
    max_length = forms.IntegerField(
        min_value=1, max_value=100_000, widget=UnfoldAdminIntegerFieldWidget(), label="Too long (characters)",
        help_text="A message with more characters is too long",
    )  # fmt: skip
    max_links = forms.IntegerField(
        min_value=0, max_value=1000, widget=UnfoldAdminIntegerFieldWidget(), label="Too many links",
        help_text="A message with more links than this has too many",
    )  # fmt: skip
    card_numbers = forms.BooleanField(
        required=False, widget=UnfoldBooleanSwitchWidget(), label="Look for payment cards",
        help_text="Also where nothing is done about them above: the message says that it holds one",
    )  # fmt: skip

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.plain = tuple(self.fields)
        for name, (label, kinds) in {**PEOPLE, **REPLIES}.items():
            choices = [(kind, called) for kind, called in FLAGS.items() if kind in kinds]
            self.fields[name] = forms.MultipleChoiceField(required=False, label=label, choices=choices)

    @staticmethod
    def filled_with(rules: SafetyRules) -> dict[str, Any]:
        shown = rules.model_dump(mode="json")
        return {**shown, **{f"replies_{name}": named for name, named in shown.pop("replies").items()}}

    @property
    def limits(self) -> Iterator[Any]:
        return (self[name] for name in self.plain)

    @property
    def tables(self) -> Iterator[tuple[str, list[str], list[tuple[str, list[Any]]], list[str]]]:
        """Each: its heading, the headings of its columns, its rows of boxes, and what is wrong."""
        for heading, columns in (("What people write", PEOPLE), ("What the assistant and staff write", REPLIES)):
            chosen = {name: self[name].value() or () for name in columns}
            rows = [
                (
                    called,
                    [
                        {"name": name, "value": kind, "label": f"{label}: {called}", "checked": kind in chosen[name]}
                        if kind in kinds
                        else None
                        for name, (label, kinds) in columns.items()
                    ],
                )
                for kind, called in FLAGS.items()
            ]
            wrong = [str(error) for name in columns for error in self[name].errors]
            yield heading, [label for label, _ in columns.values()], rows, wrong

    def rules(self) -> dict[str, Any]:
        """As the setting is stored."""
        entered = dict(self.cleaned_data)
        replies = {name.removeprefix("replies_"): entered.pop(name) for name in REPLIES}
        return SafetyRules.model_validate({**entered, "replies": replies}).model_dump(
            mode="json", exclude_defaults=True
        )

    def clean(self) -> Any:
        cleaned = super().clean() or {}
        lost = set(cleaned.get("keep", ())) - set(cleaned.get("mask", ())) - set(cleaned.get("replies_mask", ()))
        if lost:
            self.add_error("keep", "What is not hidden is kept as it is: tick “Hide” as well.")
        words = cleaned.get("words", ())
        if len(words) > MOST_WORDS:
            self.add_error("words", f"At most {MOST_WORDS:,} words: these are {len(words):,}.")
        for word in [word for word in words if len(word) > LONGEST][:NAMED]:
            self.add_error("words", f"“{shorten(word, 30)}” has {len(word)} characters: at most {LONGEST}.")
        return cleaned


def safety_page(page: TenantsAdmin, request: HttpRequest, tenant: Tenant) -> HttpResponse:
    may_write = page.has_change_permission(request, tenant)
    if request.method == "POST" and not may_write:
        raise PermissionDenied
    sent = request.POST if request.method == "POST" else None
    form = SafetyForm(sent, initial=SafetyForm.filled_with(tenant_settings.settings_read(tenant).safety))
    if sent is not None and form.is_valid() and _stored(page, request, tenant, form):
        messages.success(request, "The safety rules were saved.")
        return HttpResponseRedirect(request.get_full_path())
    context = {
        **page.admin_site.each_context(request), "opts": page.opts, "original": tenant, "title": f"Safety rules of {tenant}",
        "tenant": tenant, "form": form, "may_write": may_write,
    }  # fmt: skip
    return TemplateResponse(request, "admin/tenants/tenant/safety.html", context).render()


def _stored(page: TenantsAdmin, request: HttpRequest, tenant: Tenant, form: SafetyForm) -> bool:
    """False when the settings refuse it; the form says why then."""
    problems = settings_store(page, request, tenant, NAME, lambda stored: {**stored, "safety": form.rules()})
    for problem in problems:
        of_words = str(problem["field"]).startswith("safety.words")
        form.add_error(
            "words" if of_words else None,
            plain_words(problem) if of_words else f"{problem['field']}: {plain_words(problem)}",
        )
    return not problems


TenantsAdmin.pages[NAME] = ("Safety", "shield", safety_page)
