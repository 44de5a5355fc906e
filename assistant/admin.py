"""The console's pages on what a tenant teaches its assistant. Must not train by itself: that is asked for."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import path
from unfold.decorators import display
from unfold.widgets import UnfoldAdminURLInputWidget

from assistant.console import evaluations as _evaluations  # noqa: F401
from assistant.console import prompts as _prompts  # noqa: F401  pages in rooms of their own
from assistant.console import tools as _tools  # noqa: F401
from assistant.console.models import LanguageModelAdmin, ModelUseAdmin, ProviderAdmin
from assistant.console.unanswered import unanswered_page
from assistant.console.upload import upload_page
from assistant.intents.lessons import invalidate
from assistant.intents.versions.admin import TrainedModelAdmin
from assistant.intents.versions.runs import training_ask
from assistant.knowledge.articles import unchecked
from assistant.knowledge.sites import admin as _sites  # noqa: F401
from assistant.lesson_fields import LanguageField, RepliesField, SlotsField, TranslationsField
from assistant.models import Intent, KnowledgeEntry
from tenants.console.pages.fields import LinesField
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin
from tenants.console.pages.whose import permissions_in, tenants_with
from tenants.models import Tenant
from tenants.storage.db import now, row_change

__all__ = [
    "IntentAdmin",
    "KnowledgeEntryAdmin",
    "LanguageModelAdmin",
    "ModelUseAdmin",
    "ProviderAdmin",
    "TrainedModelAdmin",
]


MOST_COUNTED = 50  # tenants whose articles are looked at for being due, with each list


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
        """Have what is taught now learnt and measured, in the background."""
        self.note(request, "asked", training_ask())
        return f"{tenant}: a worker begins within seconds. Trainings shows how far it is, and what came of it."

    @admin.action(description="Train", permissions=["change"])
    def train(self, request: HttpRequest, queryset: Any) -> None:
        first_of_each = {row.tenant_id: row for row in queryset.select_related("tenant")}
        self.do(request, "train", first_of_each.values())


class IntentForm(forms.ModelForm):
    examples = LinesField(repeats=True, required=False, help_text="What people say who want this, one per line")
    responses = RepliesField(
        label="Replies",
        help_text="One of them is said. {slot} stands for what was asked for, {slot|else} for “else” where it is not known; "
        "{name} is the person's, {bot} the assistant's",
    )
    slots = SlotsField(label="Questions", help_text="What must be known before the reply, asked for in this order")
    translations = TranslationsField(required=False, help_text="Title and questions in further languages")

    class Meta:
        labels: ClassVar[dict[str, str]] = {"handover": "Hand over", "confirm": "Ask first"}
        help_texts: ClassVar[dict[str, str]] = {
            "name": "Letters, digits, - and _: what events and integrators call it",
            "title": "What people read in “Did you mean …?”, at most 20 characters",
            "description": "For your colleagues",
            "enabled": "Off: the assistant does not recognise it",
            "handover": "After the reply a colleague takes over",
            "confirm": "The person is asked whether they mean it, for it has consequences",
        }


@admin.register(Intent)
class IntentAdmin(LessonAdmin):
    form = IntentForm
    fields = (
        "tenant",
        "name",
        "title",
        "description",
        "enabled",
        "handover",
        "confirm",
        "examples",
        "responses",
        "slots",
        "translations",
    )
    list_display = ("name", "title", "number_of_examples", "enabled", "handover", "tenant", "updated_at")
    list_filter = ("enabled", "handover", TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("name", "title", "description")

    @display(description="Examples")
    def number_of_examples(self, intent: Intent) -> int:
        return len(intent.examples)


class KnowledgeForm(forms.ModelForm):
    questions = LinesField(repeats=True, required=False, help_text="Ways to ask for it, one per line")
    tags = LinesField(required=False, help_text="Further words to find it by, one per line")
    language = LanguageField(help_text="Two letters, as de; empty: it suits all")
    source_url = forms.URLField(
        label="Address", required=False, max_length=2048, assume_scheme="https", widget=UnfoldAdminURLInputWidget,
        help_text="Where people read more; the answer links to it",
    )  # fmt: skip

    class Meta:
        help_texts: ClassVar[dict[str, str]] = {
            "title": "The question that it answers, or what it is about",
            "answer": "What the assistant says of it; headings begin with #, on lines of their own",
            "enabled": "Off: nothing of it is told",
        }


class UncheckedFilter(admin.SimpleListFilter):
    title = "checked"
    parameter_name = "checked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("due", "Not for a long time")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() != "due":
            return queryset
        return queryset.filter(unchecked(queryset.order_by().values_list("tenant_id", flat=True).distinct()))


@admin.register(KnowledgeEntry)
class KnowledgeEntryAdmin(LessonAdmin):
    form = KnowledgeForm
    buttons = (*LessonAdmin.buttons, Button("checked", "Still right", "task_alt"))
    actions = (*LessonAdmin.actions, "still_right")
    fields = ("tenant", "title", "questions", "answer", "tags", "language", "source_url", "enabled")
    list_display = ("title", "language", "enabled", "tenant", "updated_at", "checked_at")
    list_filter = ("enabled", UncheckedFilter, "language", TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("title", "answer")
    change_list_template = "admin/assistant/articles.html"

    def get_urls(self) -> list[Any]:
        upload = partial(upload_page, self)
        upload.csrf_exempt = True  # type: ignore[attr-defined]  # the page asks for it itself, once the body has its limit
        pages = {"upload": upload, "unanswered": partial(unanswered_page, self)}
        own = [
            path(f"{name}/", self.admin_site.admin_view(view), name=f"assistant_knowledgeentry_{name}")
            for name, view in pages.items()
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """With how many articles are due, where there are any; of very many tenants each list says its own."""
        asks = "messages:read" in permissions_in(request, None)
        tenants = list(tenants_with(request, self.permission("read")).values_list("id", flat=True)[: MOST_COUNTED + 1])
        few = len(tenants) <= MOST_COUNTED
        due = self.get_queryset(request).filter(unchecked(tenants)).count() if few else 0
        return super().changelist_view(request, {**(extra_context or {}), "asks": asks, "due": due})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.checked_at = now()
        super().save_model(request, obj, form, change)

    def do_checked(self, request: HttpRequest, row: Any) -> str:
        row_change(row, {"checked_at": now()})
        self.note(request, "checked", row)
        return f"{row} is still right."

    @admin.action(description="Still right", permissions=["change"])
    def still_right(self, request: HttpRequest, queryset: Any) -> None:
        self.do(request, "checked", queryset)
