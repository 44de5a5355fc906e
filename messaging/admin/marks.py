"""The console's pages on what staff use while they answer: canned replies, labels, and the teams they work in.

What may be entered is what the API takes; each form asks the model of its body.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from pydantic import BaseModel, ValidationError
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from channels_app.templates.form import ContentField
from messaging.agents import canned, labels, members
from messaging.agents.models import SHORTCUT, CannedReply, Label
from messaging.api.agents.shapes import CannedBody, LabelBody, TeamBody
from tenants.api.parse import problems
from tenants.console.pages.fields import LinesField
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import TenantAdmin, row_id
from tenants.console.pages.whose import tenants_with
from tenants.console.plain_words import plain_words
from tenants.console.structure_field import place
from tenants.models import Membership, Team, TeamMember
from tenants.storage.db import atomic

SHORT = 100  # characters of a reply in the list


class BodyForm(forms.ModelForm):
    """``body``: what the API takes for such a row. ``most``: how many a tenant may have."""

    body: ClassVar[type[BaseModel]]
    most: ClassVar[int]

    def given(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.body.model_fields if name in self.cleaned_data}

    def clean(self) -> Any:
        cleaned = super().clean()
        if self.instance._state.adding and self._meta.model.objects.count() >= self.most:
            raise forms.ValidationError(f"A tenant has at most {self.most} of them.")
        if not self.errors:
            try:
                taken = self.body.model_validate(self.given())
                words = {name for name, value in self.given().items() if isinstance(value, str)}
                self.cleaned_data |= {name: getattr(taken, name) for name in words}
            except ValidationError as error:
                self._tell(error)
        return cleaned

    def _tell(self, error: ValidationError) -> None:
        for problem in problems(error):
            field, *steps = (int(step) if step.isdigit() else step for step in problem["field"].split("."))
            told = f"{place(steps)}: {plain_words(problem)}".removeprefix(": ")
            self.add_error(str(field) if field in self.fields else None, told)


class LabelForm(BodyForm):
    body, most = LabelBody, labels.MOST_LABELS

    class Meta:
        error_messages: ClassVar[Any] = {NON_FIELD_ERRORS: {"unique_together": "There is a label of this name."}}


class CannedForm(BodyForm):
    body, most = CannedBody, canned.MOST
    content = ContentField(
        label="What is said",
        help_text="{{name}}, {{first_name}}, {{agent}} and {{channel}} fill themselves in. Any other {{word}} is asked for when "
        "the reply is used",
    )

    class Meta:
        error_messages: ClassVar[Any] = {NON_FIELD_ERRORS: {"unique_together": "This shortcut is in use."}}
        help_texts: ClassVar[Any] = {
            "shortcut": "What staff type after / in the reply box: small letters, digits, - and _",
            "title": "What it is for, as colleagues find it",
            "language": "Like en or pt-BR; empty: any",
        }

    def clean_shortcut(self) -> str:
        """Also with the / that is typed before it."""
        shortcut: str = self.cleaned_data["shortcut"].strip().removeprefix("/")
        if not re.fullmatch(SHORTCUT, shortcut):
            raise forms.ValidationError("Small letters, digits, - and _, at most 40 of them.")
        return shortcut


class MembersField(forms.ModelMultipleChoiceField):
    """Members of staff by name. ``apart``: of several tenants, each with its name."""

    apart = False

    def label_from_instance(self, row: Any) -> str:
        name = row.user.get_full_name() or row.user.get_username()
        return f"{row.tenant} · {name}" if self.apart else name


class TeamForm(BodyForm):
    body, most = TeamBody, members.MOST_TEAMS
    people = MembersField(
        queryset=None, required=False, label="Members", widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    languages = LinesField(required=False, help_text="What it speaks, one per line, like en or de. Empty: all of them")
    skills = LinesField(
        required=False,
        help_text="What it is good at, one per line. A conversation with a label of that name asks for it",
    )

    class Meta:
        error_messages: ClassVar[Any] = {NON_FIELD_ERRORS: {"unique_together": "There is a team of this name."}}

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        if not self.instance._state.adding:
            self.initial["people"] = list(self.instance.members.values_list("membership_id", flat=True))

    def given(self) -> dict[str, Any]:
        names = [row.user.get_username() for row in self.cleaned_data.get("people", ())]
        return {**super().given(), "members": names}


@admin.register(Label)
class LabelAdmin(TenantAdmin):
    resource = "conversations"
    form = LabelForm
    fields = ("tenant", "name", "color")
    list_display = ("shown", "used", "tenant")
    list_display_links = ("shown",)
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    search_fields = ("name",)
    ordering = ("name", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if row_id(request) else rows.annotate(uses_there=Count("uses"))

    @display(description="Label", ordering="name")
    def shown(self, label: Label) -> str:
        return format_html('<span class="console-label {}">{}</span>', label.color, label.name)

    @display(description="Conversations", ordering="uses_there")
    def used(self, label: Any) -> int:
        return int(label.uses_there)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return _told(objs, lambda label: f"{label}, which conversations lose")


@admin.register(CannedReply)
class CannedReplyAdmin(TenantAdmin):
    resource = "templates"
    form = CannedForm
    list_display = ("command", "title", "said", "language", "updated_at", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    search_fields = ("shortcut", "title")
    ordering = ("shortcut", "id")
    readonly_fields = ("said", "variables", "updated_at")

    def get_fields(self, request: HttpRequest, obj: CannedReply | None = None) -> Any:
        content = "said" if obj and not self.has_change_permission(request, obj) else "content"
        return ("tenant", "shortcut", "title", content, "language", *(("variables", "updated_at") if obj else ()))

    @display(description="Shortcut", ordering="shortcut")
    def command(self, row: CannedReply) -> str:
        return str(row)

    @display(description="What is said")
    def said(self, row: CannedReply) -> str:
        words = str(row.content.get("text") or f"[{row.content.get('type')}]")
        return words if len(words) <= SHORT else f"{words[:SHORT].rstrip()} …"

    @display(description="Is filled in")
    def variables(self, row: CannedReply) -> str:
        return ", ".join(canned.canned_variables(row)) or "—"


@admin.register(Team)
class TeamAdmin(TenantAdmin):
    resource = "members"
    form = TeamForm
    readonly_fields = ("who", "speaks", "good_at")
    list_display = ("name", "who", "speaks", "good_at", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    search_fields = ("name",)
    ordering = ("name", "id")

    def permission(self, kind: str) -> str:
        """Colleagues see the teams they assign to; who may change members changes these."""
        return "conversations:read" if kind == "read" else "members:write"

    def get_fields(self, request: HttpRequest, obj: Team | None = None) -> Any:
        reads = obj is not None and not self.has_change_permission(request, obj)
        return ("tenant", "name", *(self.readonly_fields if reads else ("people", "languages", "skills")))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # unscoped: lists span the tenants of the member of staff; these are of teams that are limited to them
        of = TeamMember.objects.unscoped().select_related("membership__user").order_by("membership__user__username")
        return super().get_queryset(request).prefetch_related(Prefetch("members", of, to_attr="people"))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change=change, **options)
        field = form.base_fields.get("people")
        if field is None:  # a page to read
            return form
        if row_id(request) or request.method == "POST":
            field.queryset = Membership.objects.all()
        else:
            # unscoped: on an empty form the tenant is still to be chosen; limited to own ones
            own = tenants_with(request, self.permission("write"))
            field.queryset = Membership.objects.unscoped().filter(tenant__in=own)
            field.apart = own.count() > 1
        field.queryset = field.queryset.select_related("user", "tenant").order_by("tenant_id", "user__username")
        return form

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        with atomic():
            super().save_model(request, obj, form, change)
            members.members_set(obj, list(form.cleaned_data["people"]))

    @display(description="Members")
    def who(self, team: Any) -> str:
        names = [one.membership.user.get_full_name() or one.membership.user.get_username() for one in team.people]
        return ", ".join(names) or "—"

    @display(description="Languages")
    def speaks(self, team: Team) -> str:
        return ", ".join(team.languages) or "all"

    @display(description="Skills")
    def good_at(self, team: Team) -> str:
        return ", ".join(team.skills) or "—"


def _told(objs: Any, words: Callable[[Any], str]) -> Any:
    """What a page to delete shows, where reading all that goes with it would take long."""
    rows = list(objs)
    return [words(row) for row in rows], {rows[0]._meta.verbose_name_plural: len(rows)} if rows else {}, set(), []
