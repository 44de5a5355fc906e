"""The console's page of evaluation questions, with a button that asks all of a set. Must not judge by itself."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import path

from assistant.console.asked import asked_page
from assistant.console.judged import judged_page
from assistant.engines import BUILTIN, CURRENT
from assistant.evaluations.models import EvaluationCase
from assistant.evaluations.run import difference
from assistant.evaluations.views import ASKS_MODELS, WRITE, reports_of
from assistant.lesson_fields import LanguageField
from tenants.console.pages.fields import LinesField
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin
from tenants.console.pages.whose import permissions_in
from tenants.scope import tenant_scope

MOST_TOLD = 5  # wrong answers that a notice names


class CaseForm(forms.ModelForm):
    language = LanguageField(places=True, help_text="Two letters, as de; empty: any")
    facts = LinesField(required=False, help_text="Words that must all stand in the answer, one entry per line")

    class Meta:
        help_texts: ClassVar[dict[str, str]] = {
            "name": "Questions of one set are asked together: letters, digits, - and _",
            "question": "As a person may write it; not a person's own words, which are not erased with them here",
            "intent": "The name of the intent that must be recognised; empty: any",
            "source": "Title, address or id of the article that must be cited; empty: any",
        }


@admin.register(EvaluationCase)
class EvaluationCaseAdmin(TenantAdmin):
    begins = (
        "A question and what it is to be taken for: a run tells how many are answered so. "
        "Answers that staff have judged become some."
    )
    resource = "intents"
    form = CaseForm
    fields = ("tenant", "name", "question", "language", "intent", "facts", "source")
    list_display = ("question", "name", "intent", "source", "tenant", "created_at")
    list_filter = ("name", TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("question",)
    change_list_template = "admin/assistant/cases.html"
    buttons = (Button("run", "Ask the assistant", "fact_check"),)

    def get_urls(self) -> list[Any]:
        own = [
            path(f"{name}/", self.admin_site.admin_view(partial(view, self)), name=f"assistant_evaluationcase_{name}")
            for name, view in {"judged": judged_page, "asked": asked_page}.items()
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        held = permissions_in(request, None)
        ways = {"asks": "messages:read" in held, "runs": not held.isdisjoint((WRITE, ASKS_MODELS))}
        return super().changelist_view(request, {**(extra_context or {}), **ways})

    def do_run(self, request: HttpRequest, row: Any) -> str:
        with tenant_scope(row.tenant_id):
            report, plain = reports_of(row.name, [CURRENT, BUILTIN])
        self.note(request, "evaluated", row)
        changed = difference(plain, report)
        wrong = [verdict for verdict in report.verdicts if verdict.missed]
        told = [f"“{verdict.case.question}” lacks {', '.join(verdict.missed)}" for verdict in wrong[:MOST_TOLD]]
        more = f" and {len(wrong) - MOST_TOLD} more" if len(wrong) > MOST_TOLD else ""
        left = f" {report.left_out} were not asked, for want of time." if report.left_out else ""
        beside = (
            ""
            if not changed["better"] and not changed["worse"]
            else (f" Beside the built-in assistant: {len(changed['better'])} better, {len(changed['worse'])} worse.")
        )
        return (
            f"{report.right} of {len(report.verdicts)} right ({report.share:.0%}).{left}{beside}"
            f"{' Wrong: ' + '; '.join(told) + more + '.' if told else ''}"
        )
