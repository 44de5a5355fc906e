"""The console's pages on providers of language models, on models, and on what they took.

Must not show a key, nor ask a provider by itself (assistant/llm/providers/setup.py).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from unfold.decorators import display

from assistant.checks import MODEL_DEFAULTS
from assistant.console.compare import compare_page
from assistant.console.figures import figures_page
from assistant.console.model_forms import ModelForm, ProviderForm, TryForm
from assistant.engines import engine_of_model
from assistant.llm.ask import chat_with
from assistant.llm.chat import ChatError, ChatRequest, Said
from assistant.llm.providers.offers import offer_of
from assistant.llm.providers.setup import TEST_S, provider_test
from assistant.llm.providers.trying import model_try
from assistant.llm.providers.unasked import unasked
from assistant.llm.told import words_of
from assistant.models import LanguageModel, ModelUse, Provider
from channels_app.http.waiting import asking
from tenants.console.dollars import dollars
from tenants.console.pages.parts import TenantFilter
from tenants.console.pages.rows import Button, TenantAdmin
from tenants.console.pages.whose import permissions_in
from tenants.errors import ServiceError, Unavailable
from tenants.scope import tenant_scope
from tenants.storage.crypto import mask
from tenants.tenant_settings import settings_for


@admin.register(Provider)
class ProviderAdmin(TenantAdmin):
    begins = (
        "A provider is where language models are asked: its kind, its key and, for a server "
        "of your own, its address. Add its models afterwards."
    )
    resource = "models"
    form = ProviderForm
    buttons = (Button("test", "Test connection", "network_ping"),)
    fields = (
        "tenant", "name", "kind", "base_url", "new_key", "enabled", "requests_per_minute", "max_tokens_field", "system_role",
        "json_mode", "supports_usage_stream", "supports_tools",
    )  # fmt: skip
    readonly_fields = ("stored_key",)
    list_display = ("name", "kind", "address", "stored_key", "enabled", "tenant", "updated_at")
    list_filter = ("kind", "enabled", TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("name", "base_url")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.fields, "stored_key") if obj else self.fields

    @display(description="Address")
    def address(self, provider: Provider) -> str:
        return provider.base_url or "the provider's own"

    @display(description="Stored key")
    def stored_key(self, provider: Provider) -> str:
        return mask(provider.key) or "none"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if form.cleaned_data.get("new_key"):
            obj.key = form.cleaned_data["new_key"]
        super().save_model(request, obj, form, change)

    def do_test(self, request: HttpRequest, row: Provider) -> str:
        tried = provider_test(row)
        self.note(request, "tested", row, {"code": tried.code})
        if tried.code:
            raise Unavailable(f"{row} gave no answer. {words_of(tried.code)}")
        shown = ", ".join(tried.models[:8]) + (" …" if len(tried.models) > 8 else "")
        return f"{row} answered within {tried.took_ms} ms. Its models: {shown or 'none'}."


@admin.register(LanguageModel)
class LanguageModelAdmin(TenantAdmin):
    begins = (
        "Without a language model the built-in assistant answers. Add a provider with its key "
        "first, then its models here, and try them."
    )
    resource = "models"
    form = ModelForm
    buttons = (
        Button("test", "Test", "network_ping"), Button("switch", "Switch on or off", "power_settings_new"),
    )  # fmt: skip
    fields = (
        "tenant", "provider", "name", "enabled", "rank", "strength", "capabilities", "context_tokens", "input_usd", "output_usd",
        "temperature", "max_tokens", "intents", "languages", "purposes",
    )  # fmt: skip
    readonly_fields = ("asked",)
    list_display = ("name", "provider", "rank", "strength", "input_usd", "output_usd", "asked", "tenant")
    list_filter = ("enabled", TenantFilter)
    list_select_related = ("tenant", "provider")
    search_fields = ("name",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("asked", *self.fields) if obj else self.fields

    @display(description="Asked")
    def asked(self, row: LanguageModel) -> str:
        with tenant_scope(row.tenant_id):
            why_not = unasked(row)
        return f"No. {why_not}" if why_not else "Yes"

    def get_urls(self) -> list[Any]:
        pages = {"try": self.try_view, "compare": self.compare_view}
        own = [
            path(f"<uuid:object_id>/{name}/", self.admin_site.admin_view(view), name=f"assistant_languagemodel_{name}")
            for name, view in pages.items()
        ]
        return [*own, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        given = {name: form.cleaned_data.get(name) for name in MODEL_DEFAULTS}
        obj.defaults = {name: number for name, number in given.items() if number is not None}
        super().save_model(request, obj, form, change)

    def page_context(self, request: HttpRequest, row: LanguageModel) -> dict[str, Any]:
        context = super().page_context(request, row)
        if self.allowed(request, "write", row):
            ways = [("try", "Try it", "play_arrow"), ("compare", "Compare", "compare_arrows")]
            reads = "intents:read" in permissions_in(request, row.tenant_id)
            context["links"] = [
                (label, icon, reverse(f"admin:assistant_languagemodel_{name}", args=[row.pk]))
                for name, label, icon in ways
                if name != "compare" or reads
            ]
        return context

    def try_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """A question of sample words, paid for as any."""
        row = self._row(request, object_id)
        form, tried = TryForm(request.POST if request.method == "POST" else None), None
        with tenant_scope(row.tenant_id):
            if form.is_bound and form.is_valid():
                said = form.cleaned_data
                try:
                    tried = model_try(row, said["text"], system=said["system"], max_tokens=said["max_tokens"])
                except ServiceError as error:
                    form.add_error(None, error.message)
                else:
                    self.note(request, "tested", row, {"code": tried.code})
        said_no = words_of(tried.code) if tried and tried.code else ""
        cost = dollars(tried.result.cost_usd) if tried and tried.result else ""
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "original": row, "title": f"Try {row}",
            "form": form, "tried": tried, "cost": cost, "said_no": said_no, "seconds": round(TEST_S),
        }  # fmt: skip
        return render(request, "admin/assistant/try_model.html", context)

    def compare_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        row = self._row(request, object_id)
        with tenant_scope(row.tenant_id):
            engine = engine_of_model(row, settings_for(row.tenant_id).model_dump())
            at = reverse("admin:assistant_languagemodel_do", args=[row.pk, "switch"])
            deed = ("Switch it off" if row.enabled else "Switch it on", at)
            return compare_page(self, request, row, name=f"model:{row}", engine=engine, deed=deed)

    def _row(self, request: HttpRequest, object_id: Any) -> LanguageModel:
        row = self.get_queryset(request).select_related("provider").filter(pk=object_id).first()
        if row is None:
            raise Http404
        if not self.allowed(request, "write", row):
            raise PermissionDenied
        return row

    def do_switch(self, request: HttpRequest, row: LanguageModel) -> str:
        row.enabled = not row.enabled
        row.save(update_fields=["enabled", "updated_at"])
        self.note(request, "switched", row, {"enabled": row.enabled})
        return f"{row} is {'on' if row.enabled else 'off'}."

    def do_test(self, request: HttpRequest, row: LanguageModel) -> str:
        """One short question, paid for as any."""
        asked = ChatRequest((Said("user", "Answer with the word: ready"),), max_tokens=20, deadline_s=TEST_S)
        try:
            with asking(TEST_S):
                result = chat_with(offer_of(row), asked)
        except ChatError as error:
            self.note(request, "tested", row, {"code": error.code})
            raise Unavailable(f"{row} gave no answer. {words_of(error.code)}") from None
        self.note(request, "tested", row, {"code": ""})
        return f"{row} answered within {result.latency_ms} ms for {dollars(result.cost_usd)} US dollars."


@admin.register(ModelUse)
class ModelUseAdmin(TenantAdmin):
    begins = "What each language model took on each day stands here, once one is asked."
    resource = "models"
    deeds = frozenset()
    fields = ("day", "model", "questions", "failures", "input_tokens", "output_tokens", "cost", "mean")
    readonly_fields = fields
    list_display = (*fields, "tenant")
    list_filter = ("day", TenantFilter)
    list_select_related = ("tenant",)
    search_fields = ("model",)

    change_list_template = "admin/assistant/uses.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(partial(figures_page, self))
        return [path("figures/", view, name="assistant_modeluse_figures"), *super().get_urls()]

    @display(description="US dollars", ordering="cost_micros")
    def cost(self, use: ModelUse) -> str:
        return dollars(use.cost_micros / 1_000_000)

    @display(description="Mean, ms")
    def mean(self, use: ModelUse) -> int:
        return round(use.latency_ms / max(1, use.questions))
