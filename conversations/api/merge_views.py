"""``/api/v2/contacts/{id}/merges``: contacts that turned out to be one person, and the way back (CONV-4)."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.contact_shapes import MergeBody, MergedContact, MergeDetail, MergeDone, MergePage, MergeQuery
from conversations.api.contact_views import CONTACT, DETAIL, IDENTITY, TAGS, contact_detail
from conversations.contacts.changes import contact_get
from conversations.contacts.people import contacts_merge, contacts_part
from conversations.models import ContactMerge
from tenants.api.pages import Walk, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.errors import NotFound
from tenants.trail.audit import actor_name

MERGES = Walk("merges", latest=True, sorts={"created_at": ""}, searched=("by",), dated="created_at")
MERGE = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000f7", "contact_id": CONTACT["id"],
    "former_id": "0192f0d0-7b1a-7c3e-9a55-0000000000d9", "identities": [IDENTITY["id"]], "fields": ["phone"],
    "by": "key:ab12cd34", "created_at": "2026-01-31T12:00:00.000Z", "undone_at": None, "undone_by": None,
}  # fmt: skip


def merge_shape(row: ContactMerge) -> dict[str, Any]:
    names = ("id", "contact_id", "former_id", "by", "created_at", "undone_at")
    return {
        **{name: getattr(row, name) for name in names},
        "identities": row.moved["identities"],
        "fields": sorted(row.changed.keys() - {"decided"}),
        "undone_by": row.undone_by or None,
    }


class ContactMergesView(TenantAPIView):
    reads = "contact"
    permissions = {"GET": "contacts:read", "POST": "contacts:write"}

    @extend_schema(
        operation_id="contact_merge_list",
        summary="Who went into this contact",
        description="The latest first. Contacts that a platform calls one person are merged by themselves, and listed too.",
        tags=TAGS,
        parameters=[MergeQuery],  # type: ignore[list-item]
        responses=MergePage,
        examples=[answered(listed(MERGE))],
    )
    def get(self, request: Request, contact_id: uuid.UUID) -> Response:
        query, contact = parse_query(request, MergeQuery), contact_get(contact_id)
        rows = ContactMerge.objects.filter(contact_id=contact.id)
        rows = rows if query.undone is None else rows.filter(undone_at__isnull=not query.undone)
        return Response(MERGES.answer(rows, query, shape=lambda page: map(merge_shape, page), within=contact.id))

    @extend_schema(
        operation_id="contact_merge_create",
        summary="Merge another contact into this one",
        description="Its identities come over with all their conversations, which stay as they are; its visits go on. Facts of "
        "this contact count, and before them what staff have decided of either. It can be undone at any time. "
        "409 `being_erased`: one of them is being erased.",
        tags=TAGS,
        request=MergeBody,
        responses={201: MergedContact},
        examples=[asked({"contact_id": MERGE["former_id"]}), answered({"contact": DETAIL, "merge": MERGE}, 201)],
    )
    def post(self, request: Request, contact_id: uuid.UUID) -> Response:
        joined_id = parse_body(request, MergeBody).contact_id
        contacts_merge(contact_id, joined_id, actor_name(self.principal)[:200])
        contact = contact_get(contact_id)
        self.audit("contact.merged", contact, {"former": str(joined_id)})
        entry = ContactMerge.objects.filter(contact_id=contact_id, former_id=joined_id).order_by("-id")[0]
        return Response({"contact": contact_detail(contact), "merge": merge_shape(entry)}, 201)


class ContactMergeView(TenantAPIView):
    reads = "contact"
    permissions = {"GET": "contacts:read"}

    @extend_schema(
        operation_id="contact_merge_get",
        summary="One entry of the ledger",
        description="Who went into the contact, what came over, and whether it was undone.",
        tags=TAGS,
        responses=MergeDetail,
        examples=[answered(MERGE)],
    )
    def get(self, request: Request, contact_id: uuid.UUID, merge_id: uuid.UUID) -> Response:
        return Response(merge_shape(_merge(contact_id, merge_id)))


class ContactMergeUndoView(TenantAPIView):
    permissions = {"POST": "contacts:write"}

    @extend_schema(
        operation_id="contact_merge_undo",
        summary="Part two contacts again",
        description="The former contact is there again under its id, with its facts as they were, its identities and all "
        "conversations of them, those begun since included. 409 `merge_covered`: the contact was merged into another one since, "
        "which is undone first. 409 `being_erased`: the contact is being erased.",
        tags=TAGS,
        request=None,
        responses=MergeDone,
        examples=[answered({**MERGE, "undone_at": "2026-01-31T13:00:00.000Z", "undone_by": "key:ab12cd34"})],
    )
    def post(self, request: Request, contact_id: uuid.UUID, merge_id: uuid.UUID) -> Response:
        former_id = contacts_part(_merge(contact_id, merge_id).id, actor_name(self.principal))
        self.audit("contact.parted", f"contact:{contact_id}", {"former": str(former_id)})
        return Response(merge_shape(_merge(contact_id, merge_id)))


def _merge(contact_id: uuid.UUID, merge_id: uuid.UUID) -> ContactMerge:
    row: ContactMerge | None = ContactMerge.objects.filter(id=merge_id, contact_id=contact_id).first()
    if row is None:
        raise NotFound("There is no such merge.", code="merge_not_found")
    return row
