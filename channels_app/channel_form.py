"""The form of a channel, made from what its adapter's config_class declares.

Must not put a secret into a page: a stored one is a placeholder, and kept unless a new one is typed.
"""

from __future__ import annotations

import ipaddress
from typing import Any, ClassVar

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from channels_app.adapters.base import Adapter, ChannelConfig
from channels_app.models import Channel
from channels_app.registry import adapter_for
from channels_app.services import channel_fill
from tenants.console.pages import JSONValueField, LinesField
from tenants.errors import ServiceError

PREFIX = "config_"  # keeps an adapter's fields apart from the model's own
SHARED = frozenset(ChannelConfig.model_fields)  # what every kind has
LONG = 200  # characters from which a text gets several lines


class ChannelForm(forms.ModelForm):
    """The part that all kinds share. Subclasses are made by ``form_for``."""

    adapter: ClassVar[Adapter]
    ip_allow_list = LinesField(required=False, help_text="Networks that may call the webhook, one per line; empty: all")

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
        if self.errors:
            return cleaned
        try:
            channel_fill(self.instance, self.config())
        except ServiceError as error:
            for problem in error.details or [{"field": "", "message": error.message}]:
                field = PREFIX + str(problem["field"]).partition(".")[0]
                self.add_error(field if field in self.fields else None, problem["message"])
        return cleaned


def form_for(kind: str, channel: Channel | None) -> type[ChannelForm]:
    """The form class of a kind, with the present values of ``channel`` (never of its secrets)."""
    adapter = adapter_for(kind)
    schema = adapter.config_class.model_json_schema()
    stored = {**channel.config, **channel.secrets} if channel else {}
    properties = schema["properties"]
    fields = {
        PREFIX + name: _field(name, _plain(properties[name]), name in schema.get("required", ()), adapter, stored)
        for name in sorted(properties, key=SHARED.__contains__)  # the kind's own come first
    }
    return type(f"{kind.title()}Form", (ChannelForm,), {"adapter": adapter, **fields})


def _field(name: str, schema: dict[str, Any], required: bool, adapter: Adapter, stored: dict[str, Any]) -> forms.Field:
    common: dict[str, Any] = {
        "label": name.replace("_", " ").capitalize(),
        "help_text": schema.get("description", ""),
        "required": required,
    }
    if name in adapter.secret_keys:
        hint = f"••••{str(stored[name])[-4:]}" if len(str(stored.get(name) or "")) >= 12 else "••••"
        attrs = {"autocomplete": "new-password", "placeholder": hint if stored.get(name) else ""}
        common |= {"required": required and not stored.get(name), "strip": True}
        common["help_text"] = common["help_text"] or (
            "Leave empty to keep the present one." if stored.get(name) else ""
        )
        return forms.CharField(widget=UnfoldAdminPasswordWidget(attrs=attrs, render_value=False), **common)
    common["initial"] = stored.get(name, schema.get("default"))
    type_ = schema.get("type")
    if "enum" in schema:
        choices = [(value, str(value)) for value in schema["enum"]]
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget, **common)
    if type_ == "boolean":
        return forms.BooleanField(widget=UnfoldBooleanSwitchWidget, **{**common, "required": False})
    if type_ == "integer":
        return forms.IntegerField(widget=UnfoldAdminIntegerFieldWidget, **common)
    if type_ == "number":
        return forms.FloatField(widget=UnfoldAdminIntegerFieldWidget, **common)
    if type_ == "array" and _plain(schema.get("items", {})).get("type") == "string":
        return LinesField(**common)
    if type_ in ("array", "object"):
        return JSONValueField(widget=UnfoldAdminTextareaWidget, **common)
    if schema.get("maxLength", 0) > LONG and schema.get("pattern") is None:
        return forms.CharField(widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}), **common)
    return forms.CharField(widget=UnfoldAdminTextInputWidget, **common)


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of the value itself when None is allowed beside it."""
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    return {**schema, **options[0]} if options else schema
