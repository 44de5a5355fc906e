"""``/api/v2/contacts/{id}/stop`` and ``/allow``: whether a person is written to, as staff decide it (CONV-11)."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.contact_shapes import ContactDetail
from conversations.api.contact_views import DETAIL, TAGS, contact_detail
from conversations.contacts.changes import contact_get
from messaging.consent.rules import staff_allow, staff_stop
from tenants.api.views import TenantAPIView, answered


class StopView(TenantAPIView):
    permissions = {"POST": "contacts:write"}

    @extend_schema(
        operation_id="contact_stop",
        summary="Send nothing more to this person",
        description="On any platform, whatever they write there, until it is allowed again. The web chat goes on.",
        tags=TAGS,
        request=None,
        responses=ContactDetail,
        examples=[answered(DETAIL)],
    )
    def post(self, request: Request, contact_id: uuid.UUID) -> Response:
        contact = contact_get(contact_id)
        if staff_stop(contact.id):
            self.audit("contact.stopped", contact)
        return Response(contact_detail(contact))


class AllowView(TenantAPIView):
    permissions = {"POST": "contacts:write"}

    @extend_schema(
        operation_id="contact_allow",
        summary="Let messages to this person go out again",
        description="Also where the person has stopped them: ask them first.",
        tags=TAGS,
        request=None,
        responses=ContactDetail,
        examples=[answered(DETAIL)],
    )
    def post(self, request: Request, contact_id: uuid.UUID) -> Response:
        contact = contact_get(contact_id)
        if staff_allow(contact.id):
            self.audit("contact.allowed", contact)
        return Response(contact_detail(contact))
