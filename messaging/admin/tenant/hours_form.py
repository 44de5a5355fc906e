"""The form of hours as people write them: "09:00-12:30, 13:30-18:00", and a holiday a line.

Owns that notation. Must not store anything.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django import forms
from pydantic import ValidationError
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from tenants.api.parse import problems
from tenants.console.plain_words import plain_words
from tenants.hours import WEEKDAYS, BusinessHours, Holiday, Span, zone_names
from tenants.tenant_settings import WEEK_MINUTES, TenantSettings

NAMES = dict(zip(WEEKDAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True))
ALWAYS, TIMES, TENANTS = "always", "times", "tenants"
TIME = r"(\d{1,2})(?:[:.](\d{2}))?"
SPAN = re.compile(rf"{TIME}\s*[-–—]\s*{TIME}")
#: what begins like a time and is none: never taken for a name, or the day would be closed without a word
NO_TIME = r"(?!\d{1,2}[:.]\d|\d{1,2}\s*(?:[-–—]|$))"
HOLIDAY = re.compile(rf"(?:(\d{{4}})-)?(\d{{2}})-(\d{{2}})((?:[\s,]+{SPAN.pattern})*)(?:\s+{NO_TIME}(\S.*))?")
NO_YEAR = 2000  # of a yearly holiday: it has a 29th of February


def spans_read(words: str) -> list[Span]:
    """Raises ValueError with what to say about it."""
    parts = [part.strip() for part in re.split(r"[,;]|\band\b", words) if part.strip()]
    return [_span(part) for part in parts]


def spans_written(spans: Iterable[Span]) -> str:
    return ", ".join(
        f"{span.start:%H:%M}-{'24:00' if span.end == datetime.time(0) else f'{span.end:%H:%M}'}" for span in spans
    )


def holidays_read(words: str) -> Iterator[Holiday]:
    """Raises ValueError with what to say about it."""
    for line in filter(None, map(str.strip, words.splitlines())):
        found = HOLIDAY.fullmatch(line)
        if not found:
            raise ValueError(f"“{line}” is no holiday: begin with its date, like 2026-12-25 or 12-25.")
        year, month, day, times, name = found[1], found[2], found[3], found[4], found[9] or ""
        try:
            date = datetime.date(int(year or NO_YEAR), int(month), int(day))
        except ValueError:
            raise ValueError(f"“{line}”: there is no such day.") from None
        spans = [_span(match[0]) for match in SPAN.finditer(times)]
        yield _made(line, date=date, name=name.strip(), yearly=not year, open=tuple(spans))


def holidays_written(holidays: Iterable[Holiday]) -> str:
    lines = (
        (f"{day.date:%m-%d}" if day.yearly else f"{day.date:%Y-%m-%d}", spans_written(day.open), day.name)
        for day in holidays
    )
    return "\n".join(" ".join(filter(None, line)) for line in lines)


def _span(words: str) -> Span:
    found = SPAN.fullmatch(words)
    if not found:
        raise ValueError(f"“{words}” is no time: write it like 09:00-17:30.")
    (start_h, start_m, end_h, end_m) = (int(part or 0) for part in found.groups())
    try:
        start, end = datetime.time(start_h, start_m), datetime.time(end_h % 24 if end_m == 0 else end_h, end_m)
        if end_h > 24:
            raise ValueError
    except ValueError:
        raise ValueError(f"“{words}”: there is no such time.") from None
    return _made_span(words, start, end)


def _made_span(words: str, start: datetime.time, end: datetime.time) -> Span:
    try:
        return Span(start=start, end=end)
    except ValidationError:
        raise ValueError(f"“{words}”: the end must be after the start.") from None


def _made(line: str, **fields: Any) -> Holiday:
    try:
        return Holiday(**fields)
    except ValidationError as error:
        raise ValueError(f"“{line}”: {told(error)}") from None


def told(error: ValidationError) -> str:
    """What is wrong, for people."""
    return " ".join(dict.fromkeys(map(plain_words, problems(error))))


class SpansField(forms.CharField):
    def __init__(self, **options: Any):
        super().__init__(required=False, max_length=300, widget=UnfoldAdminTextInputWidget(), **options)

    def clean(self, value: Any) -> Any:
        try:
            return spans_read(super().clean(value))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class HoursForm(forms.Form):
    """Hours of a tenant or, ``of_channel``, of one of its channels. After ``is_valid``, `hours` is what was entered."""

    opening = forms.ChoiceField(label="People answer", widget=UnfoldAdminRadioSelectWidget())
    time_zone = forms.ChoiceField(
        choices=[(name, name) for name in sorted(zone_names())], widget=UnfoldAdminSelectWidget(),
        help_text="Times below are those of the clocks there, in summer and in winter",
    )  # fmt: skip
    holidays = forms.CharField(
        required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}), max_length=50_000,
        help_text="One per line: a date, 12-25 for every year; then times if people answer for a part of the day, and a name: "
        "2026-12-24 09:00-12:00 Christmas Eve",
    )  # fmt: skip

    def __init__(self, *args: Any, of_channel: bool = False, **options: Any):
        super().__init__(*args, **options)
        opening: Any = self.fields["opening"]
        opening.choices = [
            *([(TENANTS, "at the tenant's hours")] if of_channel else ()), (ALWAYS, "at any hour"), (TIMES, "at these times"),
        ]  # fmt: skip
        hint = "Like 09:00-12:30, 13:30-18:00; empty: closed. 24:00 is the end of the day"
        days: dict[str, forms.Field] = {
            name: SpansField(label=NAMES[name], help_text=hint if name == "mon" else "") for name in WEEKDAYS
        }
        holidays = self.fields.pop("holidays")
        self.fields |= {**days, "holidays": holidays}

    @staticmethod
    def filled_with(hours: BusinessHours | None) -> dict[str, Any]:
        """The values that show ``hours``; None: a channel without its own."""
        shown = hours or BusinessHours()
        return {
            "opening": TENANTS if hours is None else TIMES if shown.days else ALWAYS,
            "time_zone": shown.time_zone,
            "holidays": holidays_written(shown.holidays),
            **{name: spans_written(shown.days.get(name, ())) for name in WEEKDAYS},
        }

    def clean_holidays(self) -> list[Holiday]:
        try:
            return list(holidays_read(self.cleaned_data["holidays"]))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> Any:
        cleaned = super().clean() or {}
        self.hours: BusinessHours | None = None
        if self.errors or cleaned["opening"] == TENANTS:
            return cleaned
        days = {name: cleaned[name] for name in WEEKDAYS if cleaned[name]} if cleaned["opening"] == TIMES else {}
        if cleaned["opening"] == TIMES and not days:
            raise forms.ValidationError("Enter times for a day at least, or choose “at any hour”.")
        for name, spans in days.items():
            self._checked(name, {"days": {name: spans}})
        self._checked("holidays", {"holidays": cleaned["holidays"]})
        if not self.errors:
            self.hours = BusinessHours(time_zone=cleaned["time_zone"], days=days, holidays=tuple(cleaned["holidays"]))
        return cleaned

    def _checked(self, field: str, part: Mapping[str, Any]) -> None:
        try:
            BusinessHours.model_validate(part)
        except ValidationError as error:
            self.add_error(field, told(error))


class RepliesForm(forms.Form):
    """What people who wait are told, and how long is too long."""

    out_of_hours_reply = forms.CharField(
        required=False, max_length=1000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        label="Out-of-hours reply",
        help_text="Said once to a person who waits for a human while it is closed. {opens} becomes the next opening. Empty: "
        "our words, in the person's language",
    )  # fmt: skip
    out_of_hours_replies = forms.CharField(
        required=False, max_length=60_000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}), label="The same by language",
        help_text="One per line, like “de: Wir sind {opens} wieder da.”",
    )  # fmt: skip
    expected_reply_minutes = forms.IntegerField(
        required=False, min_value=1, max_value=WEEK_MINUTES, widget=UnfoldAdminIntegerFieldWidget(),
        label="Expected reply (minutes)",
        help_text="How soon people usually answer, as who begins to wait is told. Empty: nothing is promised",
    )  # fmt: skip
    first_response_minutes = forms.IntegerField(
        required=False, min_value=1, max_value=WEEK_MINUTES, widget=UnfoldAdminIntegerFieldWidget(),
        label="Too long (minutes)",
        help_text="Open time after which staff are told that a person has waited too long. Empty: they are not told",
    )  # fmt: skip

    @staticmethod
    def filled_with(chosen: TenantSettings) -> dict[str, Any]:
        lines = (f"{language}: {said}" for language, said in chosen.out_of_hours_replies.items())
        return {
            "out_of_hours_reply": chosen.out_of_hours_reply,
            "out_of_hours_replies": "\n".join(lines),
            "expected_reply_minutes": chosen.expected_reply_minutes,
            "first_response_minutes": chosen.first_response_minutes,
        }

    def clean_out_of_hours_replies(self) -> dict[str, str]:
        lines = filter(None, map(str.strip, self.cleaned_data["out_of_hours_replies"].splitlines()))
        pairs = [line.partition(":") for line in lines]
        wrong = next((language for language, _, said in pairs if not said.strip()), None)
        if wrong is not None:
            raise forms.ValidationError(f"“{wrong}”: write the language, a colon and the words.")
        return {language.strip(): said.strip() for language, _, said in pairs}
