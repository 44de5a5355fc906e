"""How a member of staff works, on the page of their membership: how much at a time, in which languages, with which skills.

Owns what a form says of it. Must not know what work is (tenants/members/desk.py says what the three mean).
"""

from __future__ import annotations

from typing import Any

from django import forms
from pydantic import ValidationError
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from tenants.api.parse import problems
from tenants.console.pages.fields import LinesField
from tenants.console.plain_words import plain_words
from tenants.members.desk import DEFAULT_CAPACITY, Desk, desk_read
from tenants.models import Membership

NAMES = ("capacity", "languages", "skills")


class DeskForm(forms.ModelForm):
    """What a form leaves out stays."""

    capacity = forms.IntegerField(
        required=False, label="Conversations at a time", widget=UnfoldAdminIntegerFieldWidget,
        help_text=f"As many as a rule gives them; they may take more themselves. Empty: {DEFAULT_CAPACITY}",
    )  # fmt: skip
    languages = LinesField(
        required=False, help_text="What they answer in, one per line, like en or de. Empty: all of them"
    )
    skills = LinesField(
        required=False,
        help_text="What they are good at, one per line. A conversation with a label of that name asks for it",
    )

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.initial = {**desk_read(self.instance.desk).model_dump(), **self.initial}

    def clean(self) -> Any:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            desk = Desk.model_validate({name: cleaned[name] for name in NAMES if name in cleaned})
        except ValidationError as error:
            for problem in problems(error):
                field, _, place = problem["field"].partition(".")
                line = f"line {int(place) + 1}: " if place.isdigit() else ""
                self.add_error(field, f"{line}{plain_words(problem)}")
        else:
            self.instance.desk = desk.model_dump(mode="json")
        return cleaned


class DeskShown:
    """The same for people who only read it."""

    @display(description="Conversations at a time")
    def at_once(self, row: Membership) -> int:
        return desk_read(row.desk).most

    @display(description="Languages")
    def speaks(self, row: Membership) -> str:
        return ", ".join(desk_read(row.desk).languages) or "—"

    @display(description="Skills")
    def good_at(self, row: Membership) -> str:
        return ", ".join(desk_read(row.desk).skills) or "—"
