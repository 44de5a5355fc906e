"""The console's pages of versions: which answers, how well each does, and how far a training is. Must not train."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.safestring import mark_safe
from unfold.decorators import display

from assistant.intents.learning.stored import training_state
from assistant.intents.lessons import invalidate
from assistant.intents.versions.held import held, version_activate, version_release
from assistant.intents.versions.listed import versions_listed
from assistant.intents.versions.models import TrainingLane
from assistant.intents.versions.picture import NOTHING, lines_of, pairs_of, picture_of
from assistant.intents.versions.runs import lane_of, training_ask
from assistant.models import Intent, TrainedModel
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin
from tenants.console.pages.whose import tenants_with
from tenants.models import Tenant
from tenants.scope import tenant_scope

MOST_SHOWN = 20  # tenants whose training the list shows
STAGES = {
    "": "it begins", "letters": "learning by letters", "meaning": "learning by meaning",
    "measuring": "measuring what was learnt",
}  # fmt: skip
FAILURES = {
    "training_failed": "The last training failed: the log of the worker says why.",
    "training_not_kept": "The last training could not be kept.",
    "worker_lost": "The last training ended its workers: give fewer examples.",
}
ACTIVATE = Button("activate", "Answer from this version", "history", "Answer people from this version?")
PIN = Button("pin", "Pin this version", "keep", "Answer from this version, whatever is taught later?")
NEWEST = Button("newest", "Back to the newest", "update")
MEASURE = Button("measure", "Train, and compare with this version", "balance")


@admin.register(TrainedModel)
class TrainedModelAdmin(TenantAdmin):
    resource = "intents"
    deeds = frozenset()
    fields = ("tenant", "version", "answering", "condition", "trained_at", "learnt_from", "report")
    readonly_fields = ("answering", "condition", "learnt_from", "report")
    list_display = ("__str__", "condition", "precision", "recall", "trained_at", "tenant")
    list_filter = (TenantFilter,)
    list_select_related = ("tenant",)
    list_before_template = "admin/assistant/trainedmodel/runs.html"

    class Media:
        js = [forms.widgets.Script("console/trainings.js", type="module")]

    @display(description="State")
    def condition(self, trained: TrainedModel) -> str:
        words = {"learning": "Learning", "ready": "Ready", "too_large": "Too large to be kept: give fewer examples"}
        return words[training_state(trained)]

    def precision(self, trained: TrainedModel) -> str:
        return f"{trained.metrics['precision']:.0%}" if "precision" in trained.metrics else "—"

    def recall(self, trained: TrainedModel) -> str:
        return f"{trained.metrics['recall']:.0%}" if "recall" in trained.metrics else "—"

    @display(description="Answers")
    def answering(self, trained: TrainedModel) -> str:
        of = versions_listed()
        if trained.id != of.answers_id:
            return "No" if trained.id in of.kept else "No, and what it learnt is kept no longer"
        if of.held and of.held.row.id == trained.id:
            return "Yes, pinned: whatever is taught" if of.held.pinned else "Yes, until something else is taught"
        return "Yes, as the newest"

    @display(description="Learnt from")
    def learnt_from(self, trained: TrainedModel) -> str:
        intents = trained.state.get("intents", {})
        return f"{sum(intents.values())} examples of {len(intents)} intents, {trained.state.get('facts', 0)} articles"

    @display(description="Measures")
    def report(self, trained: TrainedModel) -> str:
        metrics = trained.metrics
        if "precision" not in metrics:
            return "Not measured: “Train and measure” on the list of trainings does."
        pairs = pairs_of(metrics)
        named = {name for pair in pairs for name in (pair.meant, pair.taken_for)}
        own = dict(Intent.objects.filter(name__in=named).values_list("name", "id"))

        def shown(name: str) -> dict[str, str]:
            address = reverse("admin:assistant_intent_change", args=[own[name]]) if name in own else ""
            return {"name": name or NOTHING, "address": address}

        context = {
            "metrics": metrics, "lines": lines_of(trained.version, metrics), "picture": picture_of(metrics),
            "pairs": [(shown(pair.meant), shown(pair.taken_for), pair) for pair in pairs],
        }  # fmt: skip
        return mark_safe(render_to_string("admin/assistant/trainedmodel/report.html", context))  # noqa: S308  a template

    # ---- what is done ----------------------------------------------------------------

    def buttons_of(self, request: HttpRequest, row: Any) -> Iterable[Button]:
        if not self.allowed(request, "write", row):
            return ()
        with tenant_scope(row.tenant_id):
            of = versions_listed()
        own = of.held is not None and of.held.row.id == row.id
        found = []
        if row.id in of.kept:
            found += [] if own or row.id == of.answers_id else [ACTIVATE]
            found += [] if own and of.held and of.held.pinned else [PIN]
            found += [] if row.id == of.newest_id else [MEASURE]
        return [*found, NEWEST] if of.held else found

    def do_activate(self, request: HttpRequest, row: Any) -> str:
        return self._activated(request, row, pinned=False)

    def do_pin(self, request: HttpRequest, row: Any) -> str:
        return self._activated(request, row, pinned=True)

    def _activated(self, request: HttpRequest, row: Any, *, pinned: bool) -> str:
        version_activate(row, pinned=pinned)
        invalidate(row.tenant_id)
        self.note(request, "activated", row, {"version": row.version, "pinned": pinned})
        until = "until it is released" if pinned else "until something else is taught"
        return f"People are answered from version {row.version} within seconds, {until}."

    def do_newest(self, request: HttpRequest, row: Any) -> str:
        if version_release():
            invalidate(row.tenant_id)
            self.note(request, "released", row)
        return "The newest version answers."

    def do_measure(self, request: HttpRequest, row: Any) -> str:
        self.note(request, "asked", training_ask(row.id), {"against": row.version})
        return "A worker begins within seconds: the list of trainings shows how far it is."

    # ---- the list --------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        def page(view: Any) -> Any:
            return self.admin_site.admin_view(view)

        return [
            path("runs/", page(self.runs_view), name="assistant_trainedmodel_runs"),
            path("train/<uuid:tenant_id>/", page(self.train_view), name="assistant_trainedmodel_train"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().changelist_view(request, {"trainings": self._runs(request), **(extra_context or {})})

    def runs_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_module_permission(request):
            raise PermissionDenied
        names = ("id", "open", "percent", "words")
        return JsonResponse({"runs": [{name: run[name] for name in names} for run in self._runs(request)]})

    def train_view(self, request: HttpRequest, tenant_id: uuid.UUID) -> HttpResponse:
        tenant = tenants_with(request, self.permission("write")).filter(id=tenant_id).first()
        if tenant is None:
            raise PermissionDenied
        if request.method == "POST":
            self.do(request, "train", [TrainingLane(tenant=tenant)])
        return HttpResponseRedirect(reverse("admin:assistant_trainedmodel_changelist"))

    def do_train(self, request: HttpRequest, row: Any) -> str:
        self.note(request, "asked", training_ask())
        return "A worker begins within seconds."

    def _runs(self, request: HttpRequest) -> list[dict[str, Any]]:
        may = set(tenants_with(request, self.permission("write")).values_list("id", flat=True))
        return [
            _run(tenant, tenant.id in may) for tenant in tenants_with(request, self.permission("read"))[:MOST_SHOWN]
        ]


def _run(tenant: Tenant, may: bool) -> dict[str, Any]:
    with tenant_scope(tenant.id):
        lane, chosen = lane_of(), held()
    is_open = lane is not None and lane.state in TrainingLane.OPEN
    until = "pinned: whatever is taught" if chosen and chosen.pinned else "until something else is taught"
    answers = f"Version {chosen.row.version} answers, {until}." if chosen else "The newest version answers."
    if chosen and not chosen.usable:
        answers = f"Version {chosen.row.version} was chosen, but another release learnt it: the newest answers."
    return {
        "id": str(tenant.id), "tenant": tenant.name, "open": is_open, "percent": lane.percent if lane else 0,
        "words": _words(lane), "answers": answers, "may": may,
    }  # fmt: skip


def _words(lane: TrainingLane | None) -> str:
    if lane is None:
        return "No training was asked for yet."
    if lane.state == TrainingLane.State.QUEUED:
        return "Waiting for a worker"
    if lane.state == TrainingLane.State.RUNNING:
        return f"{lane.percent} %: {STAGES[lane.stage]}"
    if lane.code:
        return FAILURES[lane.code]
    return (
        f"The last training is done: version {lane.trained.version}." if lane.trained else "The last training is done."
    )
