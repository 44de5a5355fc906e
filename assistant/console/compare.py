"""The console's page of what a change of prompt or model would do: a set of questions asked of both, and the difference.

Owns the page. Must not judge an answer (assistant/evaluations/run.py).
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from unfold.widgets import UnfoldAdminSelectWidget

from assistant.engines import BUILTIN, CURRENT, engine_named
from assistant.evaluations.models import EvaluationCase
from assistant.evaluations.run import Report, difference
from assistant.evaluations.views import MOST_ASKED, RUN_S, cases_of, needed_to_ask, reports_by
from assistant.llm.told import words_of
from assistant.port import Engine
from tenants.console.pages.rows import TenantAdmin
from tenants.console.pages.whose import permissions_in
from tenants.errors import ServiceError
from tenants.scope import current_tenant_id
from tenants.tenant_settings import settings_for

BESIDE = ((CURRENT, "What answers people now"), (BUILTIN, "The built-in assistant"))
KINDS = (
    ("worse", "Right now, wrong then"), ("better", "Wrong now, right then"), ("reworded", "Said in other words"),
)  # fmt: skip


class CompareForm(forms.Form):
    set = forms.ChoiceField(label="Questions of the set", widget=UnfoldAdminSelectWidget())
    against = forms.ChoiceField(label="Beside", choices=BESIDE, widget=UnfoldAdminSelectWidget())

    def __init__(self, sets: list[str], *args: Any, **options: Any):
        super().__init__(*args, **options)
        chosen: Any = self.fields["set"]
        chosen.choices = [(name, name) for name in sets]


def compare_page(
    page: TenantAdmin,
    request: HttpRequest,
    row: Any,
    *,
    name: str,
    engine: Engine | None,
    deed: tuple[str, str],
    without: str = "",
) -> HttpResponse:
    """Of ``engine``, which is called ``name``; ``without`` says why there is none. ``deed``: label and address of the button that
    lets it hold. Call in the tenant's scope."""
    if not permissions_in(request, row.tenant_id).issuperset(needed_to_ask([name])):
        raise PermissionDenied
    sets = list(EvaluationCase.objects.order_by("name").values_list("name", flat=True).distinct()[:200])
    form = CompareForm(sets, request.POST if request.method == "POST" else None)
    told: dict[str, Any] = {}
    if engine is not None and form.is_bound and form.is_valid():
        beside = form.cleaned_data["against"]
        try:
            current = engine_named(beside, settings_for(current_tenant_id()).model_dump())
            then, after = reports_by(cases_of(form.cleaned_data["set"]), [(beside, current), (name, engine)])
        except ServiceError as error:
            form.add_error(None, error.message)
        else:
            changed = difference(then, after)
            page.note(request, "compared", row, {"against": beside, "share": changed["share"]})
            told = {
                "reports": [_told(dict(BESIDE)[beside], then), _told(str(row), after)],
                "changed": [(label, changed[kind]) for kind, label in KINDS if changed[kind]],
                "points": round(100 * changed["share"]),
            }  # fmt: skip
    context = {
        **page.admin_site.each_context(request), "opts": page.opts, "original": row, "title": f"Compare {row}", "form": form,
        "sets": sets, "most": MOST_ASKED, "seconds": round(RUN_S), "deed": deed,
        "without": without if engine is None else "", **told,
    }  # fmt: skip
    return render(request, "admin/assistant/compare.html", context)


def _told(who: str, report: Report) -> dict[str, Any]:
    """With how many answers a model gave, and in how many it failed: then the built-in assistant stood in for it."""
    return {
        **report.to_json(), "who": who, "by_model": sum(bool(verdict.model) for verdict in report.verdicts),
        "why": " ".join(sorted(set(map(words_of, report.failed)))),
    }  # fmt: skip
