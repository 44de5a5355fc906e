"""The form of a channel, made from what its adapter's config_class declares.

Must not put a secret into a page: a stored one is a placeholder, and kept unless a new one is typed.
"""

from __future__ import annotations

import ipaddress
from typing import Any, ClassVar

from django import forms
from unfold.widgets import UnfoldAdminPasswordWidget

from channels_app.adapters.base import Adapter, ChannelConfig
from channels_app.models import Channel
from channels_app.registry import adapter_for
from channels_app.services import channel_fill
from tenants.console.pages.fields import LinesField
from tenants.console.plain_words import plain_words
from tenants.console.structure import Schema, label_of
from tenants.console.structure_field import field_for, place
from tenants.errors import ServiceError

PREFIX = "config_"  # keeps an adapter's fields apart from the model's own
SHARED = frozenset(ChannelConfig.model_fields)  # what every kind has


class ChannelForm(forms.ModelForm):
    """The part that all kinds share. Subclasses are made by ``form_for``."""

    adapter: ClassVar[Adapter]
    ip_allow_list = LinesField(
        required=False,
        label=label_of("ip_allow_list"),
        help_text="Networks that may call the webhook, one per line; empty: all",
    )

    def config(self) -> dict[str, Any]:
        """What was filled in, by the adapter's names; a secret only when it was typed."""
        values = {
            name.removeprefix(PREFIX): value for name, value in self.cleaned_data.items() if name.startswith(PREFIX)
        }
        given = {
            name: value
            for name, value in values.items()
            if name not in self.adapter.secret_keys or value not in ("", None)
        }
        fields = self.adapter.config_class.model_fields
        return {name: value for name, value in given.items() if value is not None or not fields[name].is_required()}

    def clean_ip_allow_list(self) -> list[str]:
        networks: list[str] = self.cleaned_data["ip_allow_list"]
        for network in networks:
            try:
                ipaddress.ip_network(network, strict=False)
            except ValueError as error:
                raise forms.ValidationError(f"{network} is not a network.") from error
        return networks

    def clean(self) -> Any:
        cleaned = super().clean()
        self.instance.kind = self.adapter.kind
        told_already = set(self.errors)
        try:
            channel_fill(self.instance, self.config())
        except ServiceError as error:
            for problem in error.details or [{"field": "", "message": error.message}]:
                name, *steps = str(problem["field"]).split(".")
                told = plain_words(problem)
                there = place([int(step) if step.isdigit() else step for step in steps])
                field = PREFIX + name if PREFIX + name in self.fields else None
                if field not in told_already and (field or not told_already):  # what follows from an error is none
                    self.add_error(field, f"{there}: {told}".removeprefix(": "))
        return cleaned


def form_for(kind: str, channel: Channel | None) -> type[ChannelForm]:
    """The form class of a kind, with the present values of ``channel`` (never of its secrets)."""
    adapter = adapter_for(kind)
    schema = Schema(adapter.config_class.model_json_schema())
    stored = {**channel.config, **channel.secrets} if channel else {}
    parts = schema.parts
    fields = {
        PREFIX + name: _field(name, parts[name], name in (schema["required"] or ()), adapter, stored)
        for name in sorted(parts, key=SHARED.__contains__)  # the kind's own come first
    }
    return type(f"{kind.title()}Form", (ChannelForm,), {"adapter": adapter, **fields})


def _field(name: str, schema: Schema, required: bool, adapter: Adapter, stored: dict[str, Any]) -> forms.Field:
    if name in adapter.secret_keys:
        hint = f"••••{str(stored[name])[-4:]}" if len(str(stored.get(name) or "")) >= 12 else "••••"
        attrs = {"autocomplete": "new-password", "placeholder": hint if stored.get(name) else ""}
        kept = "Leave empty to keep the present one." if stored.get(name) else ""
        return forms.CharField(
            widget=UnfoldAdminPasswordWidget(attrs=attrs, render_value=False), label=label_of(name), strip=True,
            required=required and not stored.get(name), help_text=schema["description"] or kept,
        )  # fmt: skip
    return field_for(name, schema, required=required, initial=stored.get(name))
