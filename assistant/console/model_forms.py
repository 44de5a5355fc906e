"""Forms of providers and language models: what each field is, told where it is filled in.

Owns the words and the checks of the forms. Must not ask a provider.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from assistant.checks import CAPABILITIES, MODEL_DEFAULTS
from assistant.llm.providers.given import Purpose
from assistant.llm.providers.setup import address_refused
from tenants.console.pages.fields import LinesField
from tenants.console.plain_words import plain_words
from tenants.errors import Invalid, ServiceError

NAME = re.compile("[a-z0-9-]+")
LANGUAGE = re.compile("[a-z]{2}")
KEY_KEPT = "Never shown again; leave it empty to keep the one that is stored"


#: what is chosen, as its makers call it
CHOICES: dict[str, dict[str, str]] = {
    "max_tokens_field": {"max_completion_tokens": "max_completion_tokens (new)", "max_tokens": "max_tokens (old)"},
    "json_mode": {"json_schema": "By its schema", "json_object": "As an object"},
}


class ProviderForm(forms.ModelForm):
    new_key = forms.CharField(
        label="Key", required=False, max_length=500, widget=UnfoldAdminPasswordWidget(), help_text=KEY_KEPT
    )

    class Meta:
        labels: ClassVar[dict[str, str]] = {
            "base_url": "Address", "max_tokens_field": "Name of the longest answer", "system_role": "Role of the prompt",
            "json_mode": "Answers of a form", "supports_usage_stream": "Counts tokens while it streams",
            "supports_tools": "Takes tools",
        }  # fmt: skip
        help_texts: ClassVar[dict[str, str]] = {
            "name": "As you call it: small letters, digits and hyphens. It stands before the names of its models",
            "kind": "“Compatible server” is any that speaks OpenAI's chat completions: vLLM, Ollama, OpenRouter …",
            "base_url": "Of a compatible server, as https://llm.example.com/v1; empty: the provider's own",
            "enabled": "Off: none of its models is asked",
            "requests_per_minute": "As many as your account allows; 0: as many as come",
            "max_tokens_field": "Of a compatible server that refuses the new name: the old one",
            "system_role": "Of a compatible server: which role it wants instructions in",
            "json_mode": "Of a compatible server: how it is held to a form; None: by words alone",
            "supports_usage_stream": "Off: the server refuses to; tokens are then estimated",
            "supports_tools": "Off: no question with tools goes there",
        }

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        for name, words in CHOICES.items():
            field: Any = self.fields.get(name)
            if field is not None:
                field.choices = [(value, words.get(value, label)) for value, label in field.choices]

    def clean_name(self) -> str:
        """As by REST; a name from before this was asked for stays."""
        name: str = self.cleaned_data["name"]
        if name != self.initial.get("name") and not NAME.fullmatch(name):
            raise ValidationError("Small letters, digits and hyphens alone.")
        return name

    def clean_new_key(self) -> str:
        key: str = self.cleaned_data["new_key"]
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ValidationError("A key has no spaces and plain characters only.")
        return key

    def clean(self) -> Any:
        """An address moves with its key."""
        found: dict[str, Any] = super().clean() or {}
        kind, address = found.get("kind", ""), found.get("base_url", "")
        before = (self.initial.get("kind", ""), self.initial.get("base_url", ""))
        if (kind, address) == before or self.errors:
            return found
        try:
            address_refused(kind, address)
        except ServiceError as error:
            told = plain_words(error.details[0]) if isinstance(error, Invalid) and error.details else error.message
            self.add_error("base_url", told)
        if not self.instance._state.adding and self.instance.key and not found.get("new_key"):
            self.add_error("new_key", "Another address needs the key typed anew.")
        return found


ABLE = {
    "tools": "calls tools",
    "json": "keeps to a form",
    "vision": "looks at pictures",
    "temperature": "takes a temperature",
}


PURPOSES: dict[Purpose, str] = {
    "answer": "answers people",
    "translation": "translates for colleagues",
    "summary": "sums conversations up",
}


class ModelForm(forms.ModelForm):
    capabilities = forms.MultipleChoiceField(
        required=False, choices=[(name, ABLE[name]) for name in CAPABILITIES], widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="As its provider says. Without tools it answers in words alone",
    )  # fmt: skip
    temperature = forms.FloatField(
        required=False, min_value=MODEL_DEFAULTS["temperature"][0], max_value=MODEL_DEFAULTS["temperature"][1],
        widget=UnfoldAdminTextInputWidget(), help_text="How freely it writes, 0 to 2; empty: as the provider has it",
    )  # fmt: skip
    max_tokens = forms.IntegerField(
        label="Longest answer", required=False, min_value=1, max_value=int(MODEL_DEFAULTS["max_tokens"][1]),
        widget=UnfoldAdminIntegerFieldWidget(), help_text="Tokens; empty: as long as is asked for",
    )  # fmt: skip
    intents = LinesField(required=False, help_text="What alone it is asked for, one per line; empty: everything")
    languages = LinesField(required=False, help_text="Two letters each, as de, one per line; empty: all")
    purposes = forms.MultipleChoiceField(
        required=False, choices=list(PURPOSES.items()), widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What alone it is asked for; none: everything",
    )  # fmt: skip

    class Meta:
        labels: ClassVar[dict[str, str]] = {
            "context_tokens": "Most tokens of question and answer", "input_usd": "Price of what it reads",
            "output_usd": "Price of what it writes",
        }  # fmt: skip
        help_texts: ClassVar[dict[str, str]] = {
            "provider": "Where it is asked; add that first",
            "name": "Exactly as the provider calls it. “Test connection” on the provider's page lists them",
            "enabled": "Off: it is asked on its own pages alone",
            "rank": "The lower, the sooner it is asked; among equals the cheaper comes first",
            "strength": "How hard a question it is meant for: 1 easy, 2 usual, 3 hard",
            "context_tokens": "As its provider says; a longer question goes to another model",
            "input_usd": "US dollars for a million tokens; 0: it costs nothing, and no budget holds it back",
            "output_usd": "US dollars for a million tokens",
        }

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        if self.instance.pk:
            self.initial.update({name: self.instance.defaults.get(name) for name in MODEL_DEFAULTS})

    def clean_languages(self) -> list[str]:
        given: list[str] = self.cleaned_data["languages"]
        if wrong := [one for one in given if not LANGUAGE.fullmatch(one)]:
            raise ValidationError(f"A language has two small letters, as de: {', '.join(wrong)[:100]} is none.")
        return given


class TryForm(forms.Form):
    system = forms.CharField(
        label="What it is told of you", required=False, max_length=8000, initial="You answer for a shop. Be brief.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )  # fmt: skip
    text = forms.CharField(
        label="What a person asks", max_length=4000, initial="Where is my parcel?",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )  # fmt: skip
    max_tokens = forms.IntegerField(
        label="Most tokens of the answer",
        min_value=1,
        max_value=2000,
        initial=200,
        widget=UnfoldAdminIntegerFieldWidget(),
    )
