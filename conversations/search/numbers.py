"""Telephone numbers as people write them, and as they are kept.

Must not know databases.
"""

from __future__ import annotations

import re

import phonenumbers

from tenants.scope import current_tenant_id
from tenants.tenant_settings import settings_for

NUMBER = re.compile(r"[+(]{0,2}[0-9][0-9\s()./-]{2,30}")


def digits_of(search: str) -> str:
    """Of what may be a number or the end of one, however it was written; "" for what is none."""
    return re.sub("[^0-9]", "", search) if NUMBER.fullmatch(search) else ""


def numbers(search: str) -> list[str]:
    """How a number begins as it is kept: with its country where it has one, else with that of the tenant, without the zero
    that a country puts before it; [] for what is none."""
    digits = digits_of(search)
    if not digits:
        return []
    if search.lstrip("( ").startswith("+"):
        return [f"+{digits}"]
    if digits.startswith("00"):
        return [f"+{digits[2:]}"]
    national = digits.lstrip("0")
    return [f"+{national}", f"{_country()}{national}"]


def _country() -> str:
    code = phonenumbers.country_code_for_region(settings_for(current_tenant_id()).region or "")
    return f"+{code}" if code else "+"
