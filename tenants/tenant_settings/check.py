"""The check of settings before they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from pydantic import ValidationError

from tenants.errors import Invalid
from tenants.repeated import repeated_in
from tenants.strict import strict_of
from tenants.tenant_settings.settings import TenantSettings

#: settings that nothing obeys yet, by what will. Refused where they are set: a legal hold that does not hold,
#: or hours that are not kept, is worse than none (PRIV-4)
AWAITED: dict[str, str] = {
    "engine": "a choice of engines",
}


#: what a tenant may choose up to the operator's MAX_RATE_LIMIT
LIMITS = ("rate_limit", "burst_limit", "user_rate_limit", "user_burst_limit")


def settings_check(given: Mapping[str, Any]) -> TenantSettings:
    """What is about to be stored, typed. Raises Invalid ``invalid_settings`` with a detail per wrong setting,
    for one that nothing obeys yet (``not_obeyed_yet``), an entry that stands in its list twice (``repeated``), a soft limit of money behind the hard one and a rate beyond the operator's ceiling."""
    try:
        wanted = strict_of(TenantSettings).validate_python(given)
    except ValidationError as error:
        raise _invalid(
            {"field": ".".join(map(str, one["loc"])), "message": one["msg"], "code": one["type"]}
            for one in error.errors()
        ) from error
    defaults = TenantSettings()
    early = [name for name in AWAITED if getattr(wanted, name) != getattr(defaults, name)]
    if early:
        raise _invalid(
            {
                "field": name,
                "message": f"Nothing obeys this yet: it comes with {AWAITED[name]}.",
                "code": "not_obeyed_yet",
            }
            for name in early
        )
    if again := list(repeated_in(wanted)):
        raise _invalid(again)
    flows = [flow.id for flow in wanted.flows]
    if len(set(flows)) < len(flows):
        raise _invalid([{"field": "flows", "message": "Two flows have the same id.", "code": "repeated_id"}])
    if wanted.default_flow and wanted.default_flow not in flows:
        raise _invalid([{"field": "default_flow", "message": "No flow has this id.", "code": "unknown_flow"}])
    soft, hard = wanted.llm_budget.soft_usd, wanted.llm_budget.hard_usd
    if soft is not None and hard is not None and soft > hard:
        message = "Behind the hard limit this one is never reached."
        raise _invalid([{"field": "llm_budget.soft_usd", "message": message, "code": "above_the_hard_limit"}])
    most: int = settings.ENV["MAX_RATE_LIMIT"]
    above = [name for name in LIMITS if most and (getattr(wanted, name) or 0) > most]
    if above:
        message = f"The operator allows at most {most}."
        raise _invalid({"field": name, "message": message, "code": "above_the_ceiling"} for name in above)
    return wanted


def _invalid(details: Iterable[dict[str, str]]) -> Invalid:
    return Invalid("These settings cannot be stored.", code="invalid_settings", details=list(details))
