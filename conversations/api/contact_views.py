"""``/api/v2/contacts``: people, what is known of them, and what there was with them on all channels (CONV-4)."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from channels_app.api.channel_views import channel_get
from conversations import selectors
from conversations.api.contact_shapes import (
    ContactBody,
    ContactChange,
    ContactConversationPage,
    ContactDetail,
    ContactPage,
    ContactQuery,
    HistoryPage,
    IdentityAttached,
    IdentityBody,
    IdentityDetail,
    IdentityList,
    Preferences,
    PreferencesChange,
    Statistics,
)
from conversations.contacts.changes import (
    contact_change,
    contact_create,
    contact_get,
    contact_statistics,
    identities_in,
    identities_of,
    identity_get,
)
from conversations.contacts.identities import identity_attach, identity_detach
from conversations.models import Contact, Identity, Message
from conversations.search.people import addressed_found, few_found, people_found
from conversations.shapes import ConversationQuery, HistoryQuery
from tenants.api.pages import Walk, WholeQuery, listed
from tenants.api.views import TenantAPIView, answered, asked, parse_body, parse_query
from tenants.storage.looking import Found, among

TAGS = ["contacts"]
IDENTITIES = Walk("identities", sorts={"created_at": ""}, searched=("value",), dated="created_at")
CONTACTS = Walk(
    "contacts", by="last_active_at", latest=True, sorts={"last_active_at": "last_active_at"},
    found=people_found, dated="last_active_at",
)  # fmt: skip
HISTORY = Walk(
    "history", by="created_at", latest=True, sorts={"created_at": "created_at"}, searched=("text",), dated="created_at"
)

CONTACT = {
    "id": "0192f0d0-7b1a-7c3e-9a55-00000000000d", "name": "Mira Braun", "email": "mira@example.com",
    "phone": "+4915112345678", "language": "de", "profile": {"tier": "gold"}, "preferences": {"newsletter": False},
    "decided": ["email", "name"], "last_active_at": "2026-01-31T12:00:00.000Z", "created_at": "2026-01-02T09:00:00.000Z",
}  # fmt: skip
CHANNEL = {"id": "0192f0d0-7b1a-7c3e-9a55-00000000000c", "kind": "sms", "name": "Support number"}
IDENTITY = {
    "id": "0192f0d0-7b1a-7c3e-9a55-0000000000d2", "channel": CHANNEL, "scheme": "phone", "user_id": "+4915112345678",
    "address": "", "verified": True, "stopped_at": None, "stopped_by": None, "created_at": "2026-01-02T09:00:00.000Z",
}  # fmt: skip
DETAIL = {**CONTACT, "identities": [IDENTITY]}
STATISTICS = {
    "conversations": 3, "open_conversations": 1, "by_status": {"active": 1, "completed": 2},
    "by_channel": {"sms": 2, "web": 1}, "messages": 41, "sessions": 4, "first_conversation_at": "2026-01-02T09:00:00.000Z",
    "last_conversation_at": "2026-01-31T11:00:00.000Z", "last_active_at": "2026-01-31T12:00:00.000Z",
    "average_satisfaction": 4.5, "rated": 2,
}  # fmt: skip
TALK = {
    "id": "0192f0d0-7b1a-7c3e-9a55-000000000001", "status": "active", "control_owner": "bot", "held_by": "bot",
    "control_epoch": 0, "assignee": None, "channel": CHANNEL, "contact": {"id": CONTACT["id"], "name": CONTACT["name"]},
    "team": None, "subject": "", "priority": "normal", "message_count": 2, "last_seq": 2, "last_message": "It is ready.",
    "last_message_at": "2026-01-31T12:00:00.000Z", "waiting_since": None, "snoozed_until": None,
    "created_at": "2026-01-31T11:00:00.000Z", "ended_at": None,
}  # fmt: skip
SAID = {
    "id": "0192f0d0-7b1a-7c3e-9a55-00000000000e", "seq": 2, "conversation_id": TALK["id"], "direction": "outbound",
    "role": "bot", "content": {"type": "text", "text": "It is ready."}, "attachments": [], "status": "delivered",
    "message_id": None, "reply_to": None, "language": "en", "analysis": {}, "created_at": "2026-01-31T12:00:00.000Z",
    "edited_at": None, "deleted_at": None, "reactions": [], "change": None, "channel": CHANNEL,
}  # fmt: skip


def contact_shape(contact: Contact) -> dict[str, Any]:
    names = ("id", "name", "email", "phone", "language", "profile", "preferences", "last_active_at", "created_at")
    return {**{name: getattr(contact, name) for name in names}, "decided": sorted(contact.decisions)}


def contact_detail(contact: Contact) -> dict[str, Any]:
    return {**contact_shape(contact), "identities": [identity_shape(row) for row in identities_of(contact.id)]}


def identity_shape(row: Identity) -> dict[str, Any]:
    names = ("id", "scheme", "address", "verified", "stopped_at", "stopped_by", "created_at")
    return {
        **{name: getattr(row, name) for name in names},
        "channel": selectors.channel_brief(row.channel),
        "user_id": row.value,
    }


def contact_page(query: ContactQuery) -> dict[str, Any]:
    """Those who were active last first. Raises as `Walk.answer`."""
    rows, walk = Contact.objects.all(), CONTACTS
    address = Q(email__icontains=query.email) if query.email else Q()  # not iexact, which MongoDB takes for a pattern
    if query.user_id or query.phone:
        known = Identity.objects.filter(value=query.user_id).values("contact_id")
        few = Q(id__in=known) if query.user_id else Q()
        rows = among(rows, few & (Q(phone=query.phone) if query.phone else Q())).filter(address)
        walk = replace(walk, found=few_found)
    elif query.email and query.search_query:
        walk = replace(
            walk, found=lambda *asked: (Found(some.filter(address), few) for some, few in people_found(*asked))
        )
    elif query.email:
        query, walk = query.model_copy(update={"search_query": query.email}), replace(walk, found=addressed_found)
    return walk.answer(rows, query, shape=lambda page: map(contact_shape, page))


class ContactsView(TenantAPIView):
    reads = "contact"
    permissions = {"GET": "contacts:read", "POST": "contacts:write"}

    @extend_schema(
        operation_id="contact_list",
        summary="List and search contacts",
        description="Those who were active last first; `start_date` and `end_date` are of that. `sort_by`: `last_active_at`. "
        "`search_query`: beginnings of words of name and e-mail address, whose accents do not count (`jose gar` finds José "
        "García), or the last four digits of a telephone number or more; of the 1,000 who were active last any part of these.",
        tags=TAGS,
        parameters=[ContactQuery],  # type: ignore[list-item]
        responses=ContactPage,
        examples=[answered(listed(CONTACT))],
    )
    def get(self, request: Request) -> Response:
        return Response(contact_page(parse_query(request, ContactQuery)))

    @extend_schema(
        operation_id="contact_create",
        summary="Create a contact",
        description="A person who has not written yet. One who writes gets a contact by themselves: merge the two then.",
        tags=TAGS,
        request=ContactBody,
        responses={201: ContactDetail},
        examples=[asked({"name": "Mira Braun", "email": "mira@example.com"}), answered(DETAIL, 201)],
    )
    def post(self, request: Request) -> Response:
        contact = contact_create(parse_body(request, ContactBody).model_dump())
        self.audit("contact.created", contact, {"fields": sorted(contact.decisions)})
        return Response(contact_detail(contact), 201)


class ContactView(TenantAPIView):
    reads = "contact"
    permissions = {"GET": "contacts:read", "PATCH": "contacts:write"}

    @extend_schema(
        operation_id="contact_get",
        summary="One contact",
        description="404 `contact_merged` names the contact that this one went into.",
        tags=TAGS,
        responses=ContactDetail,
        examples=[answered(DETAIL)],
    )
    def get(self, request: Request, contact_id: uuid.UUID) -> Response:
        return Response(contact_detail(contact_get(contact_id)))

    @extend_schema(
        operation_id="contact_change",
        summary="Change a contact",
        description="What changes by this is decided: no platform and no visitor changes it any more. Of `profile` and "
        "`preferences` what is not named stays. 422 `too_many_facts`: 50 each.",
        tags=TAGS,
        request=ContactChange,
        responses=ContactDetail,
        examples=[asked({"name": "Mira Braun", "profile": {"tier": "gold", "old": None}}), answered(DETAIL)],
    )
    def patch(self, request: Request, contact_id: uuid.UUID) -> Response:
        changes = parse_body(request, ContactChange).given()
        contact = contact_change(contact_id, changes)
        self.audit("contact.updated", contact, {"fields": sorted(changes)})
        return Response(contact_detail(contact))


class ContactPreferencesView(TenantAPIView):
    reads = "contact"
    permissions = {"GET": "contacts:read", "PATCH": "contacts:write"}

    @extend_schema(
        operation_id="contact_preferences_get",
        description="What was set for the person, as names and values.",
        summary="What a person prefers",
        tags=TAGS,
        responses=Preferences,
        examples=[answered({"preferences": CONTACT["preferences"]})],
    )
    def get(self, request: Request, contact_id: uuid.UUID) -> Response:
        return Response({"preferences": contact_get(contact_id).preferences})

    @extend_schema(
        operation_id="contact_preferences_change",
        summary="Change what a person prefers",
        description="What is not named stays; null takes a preference away.",
        tags=TAGS,
        request=PreferencesChange,
        responses=Preferences,
        examples=[asked({"preferences": {"newsletter": False}}), answered({"preferences": CONTACT["preferences"]})],
    )
    def patch(self, request: Request, contact_id: uuid.UUID) -> Response:
        contact = contact_change(contact_id, parse_body(request, PreferencesChange).given())
        self.audit("contact.updated", contact, {"fields": ["preferences"]})
        return Response({"preferences": contact.preferences})


class ContactIdentitiesView(TenantAPIView):
    reads = "contact"
    permissions = {"GET": "contacts:read", "POST": "contacts:write"}

    @extend_schema(
        operation_id="contact_identity_list",
        summary="Who a person is on each channel",
        description="The oldest first; `search_query`: in the ids.",
        tags=TAGS,
        parameters=[WholeQuery],  # type: ignore[list-item]
        responses=IdentityList,
        examples=[answered(listed(IDENTITY))],
    )
    def get(self, request: Request, contact_id: uuid.UUID) -> Response:
        query, contact = parse_query(request, WholeQuery), contact_get(contact_id)
        page = IDENTITIES.answer(
            identities_in(contact.id),
            query,
            within=contact.id,
            shape=lambda rows: [identity_shape(row) for row in rows],
        )
        return Response(page)

    @extend_schema(
        operation_id="contact_identity_attach",
        summary="Attach an id to a contact",
        description="So that what the person writes from there finds this contact. It is claimed, not `verified`. One that the "
        "contact has already is answered with 200. On the web chat `user_id` is what your tokens call the person; on other "
        "kinds the address that you may write to first (422 `person_writes_first`, `recipient_invalid`). 409 "
        "`identity_taken` names the contact that has it, `person_erased`: its person was erased. 422 `too_many_identities`: 50.",
        tags=TAGS,
        request=IdentityBody,
        responses={200: IdentityAttached, 201: IdentityAttached},
        examples=[
            asked({"channel_id": CHANNEL["id"], "user_id": IDENTITY["user_id"]}),
            answered({**IDENTITY, "verified": False}, 200, 201),
        ],
    )
    def post(self, request: Request, contact_id: uuid.UUID) -> Response:
        body = parse_body(request, IdentityBody)
        row, new = identity_attach(contact_id, channel_get(body.channel_id), body.user_id)
        if new:
            self.audit("contact.identity_attached", f"contact:{contact_id}", {"identity": str(row.id)})
        return Response(identity_shape(row), 201 if new else 200)


class ContactIdentityView(TenantAPIView):
    reads = "contact"
    permissions = {"GET": "contacts:read", "DELETE": "contacts:write"}

    @extend_schema(
        operation_id="contact_identity_get",
        summary="One id of a person",
        description="Which channel it is on, whether it is proved, and whether messages to it were stopped.",
        tags=TAGS,
        responses=IdentityDetail,
        examples=[answered(IDENTITY)],
    )
    def get(self, request: Request, contact_id: uuid.UUID, identity_id: uuid.UUID) -> Response:
        return Response(identity_shape(identity_get(contact_id, identity_id)))

    @extend_schema(
        operation_id="contact_identity_delete",
        summary="Take an id off a contact",
        description="One that was attached by mistake. 409 `identity_in_use`: the person has proved it, said something by it or "
        "stopped messages to it, so that it stays with them; contacts that were merged are parted by undoing the merge. "
        "409 `being_erased`, `legal_hold`.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request, contact_id: uuid.UUID, identity_id: uuid.UUID) -> Response:
        identity_detach(contact_id, identity_id)
        self.audit("contact.identity_detached", f"contact:{contact_id}", {"identity": str(identity_id)})
        return Response(status=204)


class ContactConversationsView(TenantAPIView):
    reads = "contact"
    permissions = {"GET": "conversations:read"}

    @extend_schema(
        operation_id="contact_conversation_list",
        summary="A person's conversations, on all channels",
        description="The newest first, as `GET /api/v2/chat/conversations` lists them.",
        tags=TAGS,
        parameters=[ConversationQuery],  # type: ignore[list-item]
        responses=ContactConversationPage,
        examples=[answered(listed(TALK))],
    )
    def get(self, request: Request, contact_id: uuid.UUID) -> Response:
        query = parse_query(request, ConversationQuery)
        query.contact_id = contact_get(contact_id).id
        return Response(selectors.conversation_page(query, words="messages:read" in self.principal.permissions))


class ContactHistoryView(TenantAPIView):
    reads = "contact"
    permissions = {"GET": "messages:read"}

    @extend_schema(
        operation_id="contact_history_list",
        summary="What was said with a person, on all channels",
        description="The latest message first, of all conversations. `search_query`: in the words, any part of one.",
        tags=TAGS,
        parameters=[HistoryQuery],  # type: ignore[list-item]
        responses=HistoryPage,
        examples=[answered(listed(SAID))],
    )
    def get(self, request: Request, contact_id: uuid.UUID) -> Response:
        query, contact = parse_query(request, HistoryQuery), contact_get(contact_id)
        rows = Message.objects.filter(conversation__contact_id=contact.id, conversation__kind="chat").select_related(
            "channel", "delivery"
        )
        rows = rows.filter(role=query.role) if query.role else rows
        return Response(HISTORY.answer(rows, query, shape=selectors.history_shapes, within=contact.id))


class ContactStatisticsView(TenantAPIView):
    reads = "contact"
    permissions = {"GET": "contacts:read"}

    @extend_schema(
        operation_id="contact_statistics_get",
        description="Counts over all channels, and when the person's first and last conversation began.",
        summary="How much there was with a person",
        tags=TAGS,
        responses=Statistics,
        examples=[answered(STATISTICS)],
    )
    def get(self, request: Request, contact_id: uuid.UUID) -> Response:
        return Response(contact_statistics(contact_get(contact_id)))
