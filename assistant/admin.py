"""The console's pages on what a tenant teaches its assistant. Must not train by itself: that is asked for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminURLInputWidget

from assistant.builtin.evaluation import evaluate, train
from assistant.intents.lessons import invalidate
from assistant.lesson_fields import RepliesField, SlotsField
from assistant.models import Intent, KnowledgeEntry, TrainedModel
from tenants.console.pages import Button, LinesField, TenantAdmin, TenantFilter
from tenants.models import Tenant


class LessonAdmin(TenantAdmin):
    """A row the assistant learns from: what it remembers is forgotten with every change."""

    resource = "intents"
    buttons = (Button("train", "Train", "model_training"),)
    actions = ("train",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        invalidate(obj.tenant_id)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        invalidate(obj.tenant_id)

    def do_train(self, request: HttpRequest, row: Any) -> str:
        return self.teach(request, row.tenant)

    def teach(self, request: HttpRequest, tenant: Tenant) -> str:
        """Measure what the assistant of a tenant recognises, and record it as a version."""
        trained = train(tenant, evaluate(tenant))
        self.note(request, "trained", trained)
        return (
            f"{tenant}: trained version {trained.version}, precision {trained.metrics['precision']:.0%}, "
            f"recall {trained.metrics['recall']:.0%} on {trained.metrics['examples']} examples held out."
        )

    @admin.action(description="Train", permissions=["change"])
    def train(self, request: HttpRequest, queryset: Any) -> None:
        first_of_each = {row.tenant_id: row for row in queryset.select_related("tenant")}
        self.do(request, "train", first_of_each.values())


class IntentForm(forms.ModelForm):
    examples = LinesField(required=False, help_text="What people say who want this, one per line")
    responses = RepliesField(
        label="Replies",
        help_text="One of them is said. {slot} stands for what was asked for, {slot|else} for “else” where it is not known; "
        "{name} is the person's, {bot} the assistant's",
    )
    slots = SlotsField(label="Questions", help_text="What must be known before the reply, asked for in this order")


@admin.register(Intent)
class IntentAdmin(LessonAdmin):
    form = IntentForm
    fields = ("tenant", "name", "title", "description", "enabled", "handover", "examples", "responses", "slots")
    list_display = ("name", "title", "number_of_examples", "enabled", "handover", "tenant", "updated_at")
    list_filter = ("enabled", "handover", TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("name", "title", "description")

    @display(description="Examples")
    def number_of_examples(self, intent: Intent) -> int:
        return len(intent.examples)


class KnowledgeForm(forms.ModelForm):
    questions = LinesField(required=False, help_text="Ways to ask for it, one per line")
    tags = LinesField(required=False)
    source_url = forms.URLField(
        required=False, max_length=2048, assume_scheme="https", widget=UnfoldAdminURLInputWidget
    )


@admin.register(KnowledgeEntry)
class KnowledgeEntryAdmin(LessonAdmin):
    form = KnowledgeForm
    fields = ("tenant", "title", "questions", "answer", "tags", "language", "source_url", "enabled")
    list_display = ("title", "language", "enabled", "tenant", "updated_at")
    list_filter = ("enabled", "language", TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("title", "answer")


@admin.register(TrainedModel)
class TrainedModelAdmin(TenantAdmin):
    resource = "intents"
    deeds = frozenset()
    fields = ("tenant", "version", "trained_at", "metrics", "state", "examples_digest")
    list_display = ("__str__", "precision", "recall", "trained_at", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)

    def precision(self, trained: TrainedModel) -> str:
        return f"{trained.metrics['precision']:.0%}" if "precision" in trained.metrics else "—"

    def recall(self, trained: TrainedModel) -> str:
        return f"{trained.metrics['recall']:.0%}" if "recall" in trained.metrics else "—"
