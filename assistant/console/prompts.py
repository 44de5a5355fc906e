"""The console's pages of system prompts: written, looked at as a model would get them, compared, and made to hold."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from assistant.console.compare import compare_page
from assistant.engines import engine_named, has_models
from assistant.port import HistoryEntry
from assistant.prompts.difference import words_different
from assistant.prompts.models import SystemPrompt
from assistant.prompts.preview import prompt_previewed
from assistant.prompts.versions import prompt_activate, prompt_now, prompt_write
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin
from tenants.console.pages.whose import permissions_in
from tenants.scope import tenant_scope
from tenants.tenant_settings import settings_for

MOST_BEFORE = 40  # entries of a sample conversation
OURS = ">"  # begins a line of the assistant's
TAGS = {"same": "span", "gone": "del", "new": "ins"}
NO_MODEL = "This tenant has no language model that is switched on, so a prompt has no effect yet."


class SampleForm(forms.Form):
    before = forms.CharField(
        label="Said before", required=False, max_length=20_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="A sample conversation, an entry on each line; what begins with > is the assistant's",
    )  # fmt: skip
    message = forms.CharField(max_length=4096, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))
    language = forms.RegexField(
        r"^[a-z]{2}$", initial="en", widget=UnfoldAdminTextInputWidget(attrs={"maxlength": 2}),
        error_messages={"invalid": "A language has two small letters, as en."},
    )  # fmt: skip

    def clean_before(self) -> list[HistoryEntry]:
        lines = [line.strip() for line in self.cleaned_data["before"].splitlines() if line.strip(f"{OURS} \t")]
        if len(lines) > MOST_BEFORE:
            raise forms.ValidationError(f"At most {MOST_BEFORE} entries.")
        return [
            HistoryEntry("bot" if line.startswith(OURS) else "visitor", line.removeprefix(OURS).strip())
            for line in lines
        ]


@admin.register(SystemPrompt)
class SystemPromptAdmin(TenantAdmin):
    """Versions are written and activated; none is changed or deleted."""

    begins = (
        "What language models are told before each question. A version is written, tried and then activated; "
        "without one the settings count."
    )
    resource = "models"
    deeds = frozenset({"add"})
    fields = ("tenant", "version", "holds", "words", "changes", "note", "created_at", "activated_at")
    readonly_fields = ("version", "holds", "words", "changes", "created_at", "activated_at")
    list_display = ("__str__", "holds", "note", "created_at", "activated_at", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    ordering = ("-id",)
    buttons = (Button("activate", "Activate", "check"),)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else ("tenant", "text", "note")  # the others come with it

    @display(description="Holds now", boolean=True)
    def holds(self, row: SystemPrompt) -> bool:
        with tenant_scope(row.tenant_id):
            return prompt_now("")[0] == row.version

    @display(description="Text")
    def words(self, row: SystemPrompt) -> str:
        """With its lines."""
        return format_html('<div class="prompt-changes" dir="auto">{}</div>', row.text)

    @display(description="Beside what holds now")
    def changes(self, row: SystemPrompt) -> str:
        """What would go and what would come with this version; staff read it before they activate it."""
        with tenant_scope(row.tenant_id):
            version, held = prompt_now(settings_for(row.tenant_id).system_prompt)
        if version == row.version:
            return "This version holds."
        if held == row.text:
            return "The same words."
        told = format_html_join(
            "", "<{}>{}</{}>", ((TAGS[k], words, TAGS[k]) for k, words in words_different(held, row.text))
        )
        return format_html('<div class="prompt-changes" dir="auto">{}</div>', told)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """With ``of``, the id of a version, its words: to edit one is to write the next."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        try:
            of = uuid.UUID(request.GET.get("of", ""))
        except ValueError:
            return initial
        row = self.get_queryset(request).filter(pk=of).first()
        return {**initial, "tenant": row.tenant_id, "text": row.text} if row else initial

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with tenant_scope(obj.tenant_id):
            written = prompt_write(obj.text, obj.note)
        obj.pk, obj.version, obj._state.adding = written.pk, written.version, False
        self.note(request, "created", obj, {"version": obj.version})

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change=change, **options)
        if "text" in form.base_fields:
            form.base_fields["text"].help_text = "It holds once it is activated, and is never changed"
            form.base_fields["note"].help_text = "What is new in it, for your colleagues"
        return form

    def get_urls(self) -> list[Any]:
        pages = {"preview": self.preview_view, "compare": self.compare_view}
        own = [
            path(f"<uuid:object_id>/{name}/", self.admin_site.admin_view(view), name=f"assistant_systemprompt_{name}")
            for name, view in pages.items()
        ]
        return [*own, *super().get_urls()]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        context = super().page_context(request, row)
        context["links"] = [("Preview", "preview", reverse("admin:assistant_systemprompt_preview", args=[row.pk]))]
        if self.allowed(request, "write", row) and "intents:read" in permissions_in(request, row.tenant_id):
            at = reverse("admin:assistant_systemprompt_compare", args=[row.pk])
            context["links"].append(("Compare before it holds", "compare_arrows", at))
        if self.allowed(request, "write", row):
            at = f"{reverse('admin:assistant_systemprompt_add')}?of={row.pk}"
            context["links"].append(("Edit as a new version", "edit", at))
        return context

    def preview_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """By a POST, whose words stand in no address."""
        row = self._row(request, object_id)
        form, built = SampleForm(request.POST if request.method == "POST" else None), None
        if form.is_bound and form.is_valid():
            said = form.cleaned_data
            with tenant_scope(row.tenant_id):
                built = prompt_previewed(
                    row.text, said["message"], said["language"], version=row.version, history=said["before"]
                )
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "original": row, "title": f"Preview of {row}",
            "form": form, "built": built,
        }  # fmt: skip
        return render(request, "admin/assistant/preview.html", context)

    def compare_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        row = self._row(request, object_id)
        name = f"prompt:{row.version}"
        with tenant_scope(row.tenant_id):
            engine = engine_named(name, settings_for(row.tenant_id).model_dump()) if has_models() else None
            deed = ("Activate", reverse("admin:assistant_systemprompt_do", args=[row.pk, "activate"]))
            return compare_page(self, request, row, name=name, engine=engine, deed=deed, without=NO_MODEL)

    def _row(self, request: HttpRequest, object_id: Any) -> SystemPrompt:
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return row

    def do_activate(self, request: HttpRequest, row: Any) -> str:
        with tenant_scope(row.tenant_id):
            prompt_activate(row)
        self.note(request, "activated", row)
        return f"Version {row.version} holds now."
