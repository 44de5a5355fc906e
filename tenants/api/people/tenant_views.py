"""``/api/v2/tenant``: the caller's own tenant and its settings (TEN-2)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Annotated, Any, Literal

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.moments import Moment
from tenants.api.parse import Changes
from tenants.api.views import TenantAPIView, answered, asked, parse_body
from tenants.models import Tenant
from tenants.names import Seen
from tenants.people.tenant import settings_masked, tenant_change
from tenants.tenant_settings import AWAITED, TenantSettings, settings_read

TAGS = ["tenant"]
EXAMPLE = {
    "id": "0192f0d0-7b1a-7c3e-9a55-000000000001", "name": "Acme", "slug": "acme", "status": "active",
    "created_at": "2026-01-02T09:00:00.000Z", "updated_at": "2026-01-31T12:00:00.000Z",
    "settings": TenantSettings(languages=("en", "de"), bot_name="Ada").model_dump(mode="json", exclude=set(AWAITED)),
}  # fmt: skip
OFFERED = {name: field for name, field in TenantSettings.model_fields.items() if name not in AWAITED}


def _bounded(field: Any) -> Any:
    """The type of a setting with its bounds."""
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


SettingsShape: type[BaseModel] = create_model(
    "TenantSettingsShape",
    __config__=ConfigDict(json_schema_serialization_defaults_required=True),
    **{name: (field.annotation, field) for name, field in OFFERED.items()},  # type: ignore[call-overload]
)
SettingsChange: type[BaseModel] = create_model(
    "TenantSettingsChange",
    __config__=ConfigDict(extra="forbid"),
    **{  # type: ignore[call-overload]
        name: (_bounded(field) | None, Field(None, description=field.description)) for name, field in OFFERED.items()
    },
)


class TenantChange(Changes):
    name: Annotated[str, StringConstraints(min_length=1, max_length=200), Seen] = ""
    settings: SettingsChange = SettingsChange()  # type: ignore[valid-type]


class TenantShape(BaseModel):
    id: uuid.UUID
    name: str
    slug: str
    status: Literal["active", "suspended", "removing"]
    created_at: Moment
    updated_at: Moment
    settings: SettingsShape  # type: ignore[valid-type]


class TenantView(TenantAPIView):
    permissions = {"GET": "tenants:read", "PATCH": "tenants:write"}

    @extend_schema(
        operation_id="tenant_get",
        summary="Your tenant and its settings",
        description="All settings, with what holds where none was chosen; null: the deployment's default. "
        "Of the addresses in `alerts`, at which their holder can write, callers without `tenants:write` see the host.",
        tags=TAGS,
        responses=TenantShape,
        examples=[answered(EXAMPLE)],
    )
    def get(self, request: Request) -> Response:
        row = Tenant.objects.get(id=self.principal.tenant_id)
        return Response(tenant_shape(row, whole="tenants:write" in self.principal.permissions))

    @extend_schema(
        operation_id="tenant_change",
        summary="Change your tenant's name and settings",
        description="A setting that is named is replaced as a whole, and null takes the choice away; what is left out stays. 400 "
        "`invalid_settings` names each that is wrong, with its code: `operators_only` where a rate limit would be raised, which "
        "the operator of the service does alone.",
        tags=TAGS,
        request=TenantChange,
        responses=TenantShape,
        examples=[asked({"settings": {"languages": ["en", "de"], "bot_name": "Ada"}}), answered(EXAMPLE)],
    )
    def patch(self, request: Request) -> Response:
        body = parse_body(request, TenantChange)
        change, fields = settings_changed(body)
        row = tenant_change(
            self.principal.tenant_id, change, name=body.name,
            then=lambda stored: self.audit("tenant.updated", stored, {"fields": fields}),
        )  # fmt: skip
        return Response(tenant_shape(row, whole=True))


def settings_changed(body: TenantChange) -> tuple[Callable[[dict[str, Any]], dict[str, Any]], list[str]]:
    """What becomes of the stored settings, and the names of what was named."""
    settings: Any = body.settings
    chosen = settings.model_dump(mode="json", exclude_unset=True)

    def change(stored: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in stored.items() if name not in chosen}
        return {**kept, **{name: value for name, value in chosen.items() if value is not None}}

    return change, sorted([*(["name"] if body.name else []), *(f"settings.{name}" for name in chosen)])


def tenant_shape(row: Tenant, *, whole: bool) -> dict[str, Any]:
    names = ("id", "name", "slug", "status", "created_at", "updated_at")
    settings = settings_read(row).model_dump(mode="json", include=set(OFFERED))
    return {
        **{name: getattr(row, name) for name in names},
        "settings": settings if whole else settings_masked(settings),
    }
