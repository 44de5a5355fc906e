"""What a tenant may set (TEN-2): keys, types and defaults, and the remembered state of each tenant.

Owns the meaning of ``Tenant.settings``. Must not act on any of it.
"""

from tenants.tenant_settings.check import AWAITED, LIMITS, settings_check
from tenants.tenant_settings.parts import Alerts, Features, Flow, LlmBudget, Quiet
from tenants.tenant_settings.safety import FLAGS, PERSONAL, SafetyRules
from tenants.tenant_settings.settings import WEEK_MINUTES, TenantSettings
from tenants.tenant_settings.state import (
    TenantState,
    invalidate,
    is_active,
    settings_for,
    settings_read,
    suspended,
    tenant_state,
)

__all__ = [
    "AWAITED",
    "FLAGS",
    "LIMITS",
    "PERSONAL",
    "WEEK_MINUTES",
    "Alerts",
    "Features",
    "Flow",
    "LlmBudget",
    "Quiet",
    "SafetyRules",
    "TenantSettings",
    "TenantState",
    "invalidate",
    "is_active",
    "settings_check",
    "settings_for",
    "settings_read",
    "suspended",
    "tenant_state",
]
