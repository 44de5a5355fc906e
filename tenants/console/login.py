"""The form of the console's login. Must not say whether it was the name or the password that is wrong."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from unfold.forms import AuthenticationForm

from tenants.access.logins import try_begins, try_was_right

TOO_MANY = "too_many_logins"


class LoginForm(AuthenticationForm):
    """``wait_s``: how long no password is looked at; 0 where one was."""

    wait_s = 0
    error_messages: ClassVar[Any] = {
        **AuthenticationForm.error_messages,
        TOO_MANY: "Too many wrong passwords. Try again in %(minutes)d min. If you do not remember yours, the operator "
        "of this service can give you a new one.",
    }

    def clean(self) -> dict[str, Any]:
        name, request = str(self.cleaned_data.get("username") or ""), self.request
        if request is None or not name or not self.cleaned_data.get("password"):
            return super().clean()
        wait_s = try_begins(request, name)
        if wait_s:
            self.wait_s = math.ceil(wait_s)
            minutes = math.ceil(wait_s / 60)
            raise ValidationError(self.error_messages[TOO_MANY], code=TOO_MANY, params={"minutes": minutes})
        cleaned = super().clean()
        try_was_right(request, name)
        return cleaned

    @property
    def too_many(self) -> bool:
        return self.has_error(NON_FIELD_ERRORS, TOO_MANY)
