"""What others would have answered to the same words: another model, another version of the prompt, the built-in assistant (AI-10).

Owns the form and how an answer is shown. Nothing is sent or kept (messaging/assist/asking.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from assistant.engines import is_held
from assistant.llm.told import words_of
from conversations.models import Message
from messaging.assist.asking import Answer, ask_each, asked_again

MOST = 4  # asked at once: one after the other, within a request


class AskForm(forms.Form):
    engines = forms.MultipleChoiceField(
        label="Ask them the same",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose whom to ask."},
    )

    def __init__(self, shown: Sequence[tuple[str, str]], *args: Any, **options: Any):
        super().__init__(*args, **options)
        chosen: Any = self.fields["engines"]
        chosen.choices = shown

    def clean_engines(self) -> list[str]:
        chosen: list[str] = self.cleaned_data["engines"]
        if len(chosen) > MOST:
            raise forms.ValidationError(f"Choose {MOST} at most.")
        return chosen

    def answers(self, message: Message) -> list[dict[str, Any]]:
        """To what ``message`` answered, as it stood then. Raises NotFound, Unprocessable ``no_words_of_a_person``."""
        engines: Any = self.fields["engines"]
        names = dict(engines.choices)
        return [_shown(names[one.engine], one) for one in ask_each(self.cleaned_data["engines"], asked_again(message))]


def _shown(who: str, answer: Answer) -> dict[str, Any]:
    told = answer.to_json()
    return {
        "who": who,
        "model": answer.reply.model,
        "text": answer.text,
        "handover": answer.reply.handover,
        "settled": is_held(answer.engine) and not (answer.reply.model or told["error"] or told["degraded"]),
        "cost": answer.reply.usage.get("cost_usd"),
        "took_ms": answer.latency_ms,
        "failed": words_of(code) if (code := told["error"] or told["degraded"]) else "",
        "sources": told["sources"],
    }
