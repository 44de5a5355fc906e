"""A tenant's own templates: list, create, change, delete; and how templates look in the API.

Owns their rows. A template of a channel may be written by hand where the platform cannot be asked, and is
the platform's word otherwise (sync.py).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Annotated, Any

from django.db import IntegrityError
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from channels_app.models import MessageTemplate
from channels_app.templates.resolve import LANGUAGE, Variant, variables_in
from channels_app.words.moments import Moment
from tenants.api.pages import ListQuery, Page, Walk
from tenants.api.parse import Changes
from tenants.errors import Conflict, NotFound
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, key_taken, now, retried

BY_NAME = Walk(
    "templates", by="name", sorts={"name": "name", "created_at": "created_at"}, searched=("name",), dated="created_at"
)
Language = Annotated[str, StringConstraints(pattern=LANGUAGE, max_length=15)]
Variants = Annotated[dict[Language, Variant], Field(min_length=1, max_length=50)]


class TemplateBody(BaseModel):
    """A new template. Its name is what a message calls it by, and stays."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$", max_length=200)
    variants: Variants


class TemplateChange(Changes):
    """``variants`` replaces all languages."""

    variants: Variants


class TemplateShape(BaseModel):
    id: uuid.UUID
    name: str
    channel_id: uuid.UUID | None = Field(description="Set: approved by this channel's platform; read only")
    category: str
    languages: list[str]
    variables: list[str] = Field(description="Of all languages")
    variants: dict[str, Any]
    synced_at: Moment | None
    created_at: Moment
    updated_at: Moment


class TemplateDetail(TemplateShape):
    """One template."""


class TemplatePage(Page):
    items: list[TemplateShape]


class TemplateQuery(ListQuery):
    channel_id: uuid.UUID | None = None
    search: str | None = Field(None, max_length=200, description="As `search_query`: in the name")
    cursor: str | None = Field(None, max_length=2000)


def template_shape(row: MessageTemplate) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "channel_id": row.channel_id,
        "category": row.category,
        "languages": sorted(row.variants),
        "variables": variables_in([variant.get("content") for variant in row.variants.values()]),
        "variants": row.variants,
        "synced_at": row.synced_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def template_page(query: TemplateQuery) -> dict[str, Any]:
    """A page of templates by name. Raises Invalid ``invalid_cursor``."""
    rows = MessageTemplate.objects.all()
    if query.channel_id:
        rows = rows.filter(channel_id=query.channel_id)
    if query.search:
        rows = rows.filter(name__icontains=query.search)
    return BY_NAME.answer(rows, query, shape=lambda page: map(template_shape, page))


def template_get(template_id: uuid.UUID) -> MessageTemplate:
    """Raises NotFound, for another tenant's as for none at all."""
    row = MessageTemplate.objects.filter(id=template_id).first()
    if row is None:
        raise NotFound("There is no such template.", code="template_not_found")
    return row


@retried
def template_create(*, name: str, variants: Mapping[str, Variant]) -> MessageTemplate:
    """A template of the tenant in scope. Raises Conflict ``template_exists``."""
    tenant_id = current_tenant_id()
    try:
        with atomic():
            return MessageTemplate.objects.create(
                id=own_id(tenant_id, name), tenant_id=tenant_id, name=name, variants=_stored(variants)
            )
    except IntegrityError as error:
        if not key_taken(error):
            raise
        raise Conflict("There is a template of this name.", code="template_exists") from error


def template_change(template_id: uuid.UUID, *, variants: Mapping[str, Variant]) -> MessageTemplate:
    """Raises NotFound, Conflict ``template_of_platform``."""
    row = _own(template_id)
    MessageTemplate.objects.filter(id=row.id).update(variants=_stored(variants), updated_at=now())
    return template_get(template_id)


def template_delete(template_id: uuid.UUID) -> MessageTemplate:
    """Raises NotFound, Conflict ``template_of_platform``."""
    row = _own(template_id)
    MessageTemplate.objects.filter(id=row.id).delete()
    return row


def own_id(tenant_id: uuid.UUID, name: str) -> uuid.UUID:
    """The key of a tenant's own template is made from its name: two of one name cannot both be stored. (A
    unique constraint does not see rows without a channel.)"""
    return uuid.uuid5(tenant_id, f"template:{name}")


def _own(template_id: uuid.UUID) -> MessageTemplate:
    row = template_get(template_id)
    if row.synced_at is not None:
        raise Conflict("This template is the platform's: change it there.", code="template_of_platform")
    return row


def _stored(variants: Mapping[str, Variant]) -> dict[str, Any]:
    return {language: variant.model_dump(mode="json", exclude_none=True) for language, variant in variants.items()}
