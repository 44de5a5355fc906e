"""The console's page on which a set of questions is asked: how each was answered, and what the answer lacks (AI-10).

Owns the page. Must not judge an answer (assistant/evaluations/run.py).
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from unfold.widgets import UnfoldAdminSelectWidget

from assistant.console.choice import tenant_asked
from assistant.console.engines import engines_shown
from assistant.evaluations.models import EvaluationCase
from assistant.evaluations.run import Report, Verdict
from assistant.evaluations.views import ASKS_MODELS, MOST_ASKED, READ, RUN_S, WRITE, needed_to_ask, reports_of
from assistant.llm.told import words_of
from tenants.access.limits import client_ip
from tenants.console.pages.rows import TenantAdmin
from tenants.console.pages.whose import permissions_in
from tenants.errors import ServiceError
from tenants.scope import tenant_scope
from tenants.trail.audit import audit

MOST_SETS = 200
LACKS = {
    "answer": "an answer",
    "model": "the model's own answer",
    "intent": "the intent",
    "facts": "the facts",
    "source": "the source",
}


class AskForm(forms.Form):
    set = forms.ChoiceField(label="Questions of the set", widget=UnfoldAdminSelectWidget())
    engine = forms.ChoiceField(label="Asked of", widget=UnfoldAdminSelectWidget())

    def __init__(self, sets: list[str], engines: list[tuple[str, str]], *args: Any, **options: Any):
        super().__init__(*args, **options)
        chosen: dict[str, Any] = self.fields
        chosen["set"].choices = [(name, name) for name in sets]
        chosen["engine"].choices = engines


def asked_page(page: TenantAdmin, request: HttpRequest) -> HttpResponse:
    """``tenant``: whose. A POST asks."""
    tenant, tenants = tenant_asked(request, WRITE, ASKS_MODELS)
    held = permissions_in(request, tenant.pk)
    if READ not in held:
        raise PermissionDenied
    told: dict[str, Any] = {}
    with tenant_scope(tenant.pk):
        names = EvaluationCase.objects.order_by("name").values_list("name", flat=True).distinct()
        engines = [one for one in engines_shown() if held.issuperset(needed_to_ask([one[0]]))]
        form = AskForm(list(names[:MOST_SETS]), engines, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            given = form.cleaned_data
            try:
                [report] = reports_of(given["set"], [given["engine"]])
            except ServiceError as error:
                form.add_error(None, error.message)
            else:
                audit(
                    request.user,
                    "evaluationcase.evaluated",
                    f"tenant:{tenant.pk}",
                    {"share": report.share},
                    client_ip(request),
                )
                told = _told(report)
    context = {
        **page.admin_site.each_context(request), "opts": page.opts, "title": "Ask a set of questions", "tenant": tenant,
        "tenants": tenants if len(tenants) > 1 else [], "form": form, "sets": form.fields["set"].choices,  # type: ignore[attr-defined]
        "most": MOST_ASKED, "seconds": round(RUN_S), **told,
    }  # fmt: skip
    return render(request, "admin/assistant/asked.html", context)


def _told(report: Report) -> dict[str, Any]:
    """The wrong ones first."""
    order = sorted(report.verdicts, key=lambda verdict: not verdict.missed)
    return {
        "report": report.to_json(),
        "percent": round(100 * report.share),
        "verdicts": [_verdict(one) for one in order],
    }


def _verdict(one: Verdict) -> dict[str, Any]:
    code = one.error or one.degraded
    return {
        **one.to_json(), "case": one.case, "lacks": ", ".join(LACKS[what] for what in one.missed),
        "why": words_of(code) if code else "",
    }  # fmt: skip
