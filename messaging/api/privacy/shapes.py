"""How requests of privacy look in the API, and whom they mean."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field

from channels_app.content.ids import PersonId
from channels_app.words.moments import Moment
from conversations.models import Identity
from messaging.privacy.erase import HELD
from messaging.privacy.export.job import download_path
from messaging.privacy.models import Erasure, Export
from tenants.api.pages import ListQuery, Page
from tenants.errors import Conflict, Invalid, NotFound

MOST_NAMED = 20  # contacts that an ambiguous id names


class PersonBody(BaseModel):
    """Who: either of the two."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1})

    contact_id: uuid.UUID | None = None
    learner_id: PersonId | None = Field(
        None, description="The person's id in your system: one of their ids on a channel"
    )

    def contact(self) -> uuid.UUID:
        """Raises Invalid ``contact_or_learner``, NotFound ``contact_not_found``, Conflict ``person_ambiguous``."""
        if (self.contact_id is None) == (self.learner_id is None):
            raise Invalid("Give either `contact_id` or `learner_id`.", code="contact_or_learner")
        if self.contact_id:
            return self.contact_id
        named = Identity.objects.filter(value=self.learner_id).order_by().values_list("contact_id", flat=True)
        found = sorted(named.distinct()[:MOST_NAMED])
        if not found:
            raise NotFound("There is no such contact.", code="contact_not_found")
        if len(found) > 1:
            told = {"contact_ids": list(map(str, found))}
            message = "Several contacts have this id on their channels: name one of them, or merge them first."
            raise Conflict(message, code="person_ambiguous", details=told)
        return found[0]


class RequestShape(BaseModel):
    id: uuid.UUID
    contact_id: uuid.UUID
    table: str | None = Field(description="What the work is at")
    counts: dict[str, int] = Field(description="Rows by table, so far; of an export also files")
    requested_by: str = Field(description="As in the audit trail")
    created_at: Moment
    finished_at: Moment | None


class ExportShape(RequestShape):
    status: Literal["running", "ready", "failed", "expired", "erased"] = Field(
        description="expired: the file is erased, its time is over; erased: with the person"
    )
    progress: int = Field(ge=0, le=100, description="Per cent of the rows that there were when it began")
    size: int | None = Field(description="Bytes of the file")
    sha256: str | None
    downloads: int
    downloaded_at: Moment | None = Field(description="The last time")
    expires_at: Moment | None = Field(description="When the file is erased")
    download_url: str | None = Field(
        description="The file, a ZIP. The address is the permission, for 15 minutes; ask again for a new one"
    )


class ExportDetail(ExportShape):
    """One export."""


class ExportPage(Page):
    items: list[ExportShape]


class ExportQuery(ListQuery):
    contact_id: uuid.UUID | None = None
    status: Export.Status | None = None


class DeletionShape(RequestShape):
    status: Literal["running", "held", "done"] = Field(description="held: a legal hold keeps the person")


class DeletionDetail(DeletionShape):
    """One erasure."""


class DeletionPage(Page):
    items: list[DeletionShape]


class DeletionQuery(ListQuery):
    contact_id: uuid.UUID | None = None
    status: Erasure.Status | None = None


def export_shape(row: Export) -> dict[str, Any]:
    names = (
        "id", "contact_id", "status", "counts", "requested_by", "created_at", "finished_at", "size", "downloads",
        "downloaded_at", "expires_at",
    )  # fmt: skip
    return {
        **{name: getattr(row, name) for name in names},
        "table": row.table or None,
        "sha256": row.sha256 or None,
        "progress": row.progress,
        "download_url": download_url(row),
    }


def download_url(row: Export) -> str | None:
    path = download_path(row)
    return f"{settings.PUBLIC_URL}{path}" if path else None


def deletion_shape(row: Erasure) -> dict[str, Any]:
    names = ("id", "contact_id", "counts", "requested_by", "created_at", "finished_at")
    held = row.status == Erasure.Status.RUNNING and row.table == HELD
    return {
        **{name: getattr(row, name) for name in names},
        "status": "held" if held else row.status,
        "table": None if held else row.table or None,
    }
