"""The same task as a newcomer to Django writes it: DRF, Channels' `database_sync_to_async` and the ORM.

Owns a key that is looked up, a person, a conversation with dense numbers under a lock, a message that is taken once, a
reply, its delivery and three events of the timeline, in two transactions as the service has them. Left out is what a
first version leaves out: rate limits, idempotency keys, safety, sessions, turns with leases, control by staff, live push.
"""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import transaction
from django.utils import timezone
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from channels_app.models import Channel
from conversations.models import Contact, Conversation, Event, Identity, Message
from messaging.models import Delivery
from tenants.models import ApiKey, Tenant
from tenants.scope import tenant_scope


class ChatSerializer(serializers.Serializer):  # type: ignore[type-arg]
    user_id = serializers.CharField(max_length=255)
    channel = serializers.ChoiceField(choices=["web", "whatsapp", "sms"])
    message_id = serializers.CharField(max_length=200)
    content = serializers.DictField()


class MessageSerializer(serializers.ModelSerializer):  # type: ignore[type-arg]
    class Meta:
        model = Message
        fields = ("id", "seq", "role", "content", "created_at")


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Tenant, ApiKey]:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        digest = hashlib.sha256(given.encode()).hexdigest()
        # unscoped: the key tells the tenant
        key = ApiKey.objects.unscoped().select_related("tenant").filter(key_hash=digest, revoked_at=None).first()
        if key is None:
            raise AuthenticationFailed
        return key.tenant, key


class HasKey(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return request.auth is not None


class UsualView(APIView):
    authentication_classes = (KeyAuthentication,)
    permission_classes = (HasKey,)
    throttle_classes = ()
    renderer_classes = (JSONRenderer,)

    def post(self, request: Request) -> Response:
        body = ChatSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        tenant: Any = request.user  # as KeyAuthentication found it
        with tenant_scope(tenant.id):
            message = take(tenant, said["user_id"], said["message_id"], said["content"])
            answer = reply(message, {"type": "text", "text": said["content"].get("text", "")})
        return Response({"message": MessageSerializer(message).data, "response": MessageSerializer(answer).data})


class UsualConsumer(AsyncJsonWebsocketConsumer):
    """A message that is stored before it is acknowledged."""

    async def connect(self) -> None:
        self.visitor = uuid.uuid4().hex
        await self.accept()

    async def receive_json(self, content: Any, **_: Any) -> None:
        stored = await database_sync_to_async(self.store)(content["cid"], content["text"])
        await self.send_json({"t": "ack", "cid": content["cid"], "seq": stored.seq})

    def store(self, cid: str, text: str) -> Message:
        # unscoped: as a newcomer's table of channels would be
        channel = Channel.objects.unscoped().select_related("tenant").filter(kind="web").latest("id")
        with tenant_scope(channel.tenant_id):
            return take(channel.tenant, self.visitor, cid, {"type": "text", "text": text})


@transaction.atomic
def take(tenant: Tenant, user_id: str, message_id: str, content: dict[str, Any]) -> Message:
    """Store what a person says, once."""
    channel = Channel.objects.filter(kind="web").earliest("id")
    identity = Identity.objects.filter(channel=channel, scheme="usual", value=user_id).select_related("contact").first()
    if identity is None:
        contact = Contact.objects.create(tenant=tenant)
        identity = Identity.objects.create(
            tenant=tenant, contact=contact, channel=channel, scheme="usual", value=user_id
        )
    conversation = Conversation.objects.select_for_update().filter(identity=identity, is_open=True).first()
    if conversation is None:
        conversation = Conversation.objects.create(
            tenant=tenant, channel=channel, contact=identity.contact, identity=identity
        )
    before = Message.objects.filter(identity=identity, client_message_id=message_id).first()
    if before is not None:
        return before
    message = _write(conversation, "inbound", "visitor", content, client_message_id=message_id)
    _tell(conversation, "chat.message.received", message)
    return message


@transaction.atomic
def reply(to: Message, content: dict[str, Any]) -> Message:
    """Store the answer, its delivery, and what happened."""
    conversation = Conversation.objects.select_for_update().get(id=to.conversation_id)
    history = list(Message.objects.filter(conversation=conversation).order_by("-seq")[:20])
    message = _write(conversation, "outbound", "bot", content, reply_to=history[0].id)
    Delivery.objects.create(
        tenant_id=message.tenant_id, message=message, conversation=conversation, channel_id=message.channel_id,
        seq=message.seq, status="sent", sent_at=timezone.now(),
    )  # fmt: skip
    _tell(conversation, "chat.message.processed", message)
    _tell(conversation, "chat.message.sent", message)
    return message


def _write(conversation: Conversation, direction: str, role: str, content: dict[str, Any], **more: Any) -> Message:
    conversation.last_seq += 1
    conversation.message_count += 1
    conversation.last_message_at = timezone.now()
    conversation.last_message_preview = content["text"][:120]
    conversation.save()
    return Message.objects.create(
        tenant_id=conversation.tenant_id, conversation=conversation, identity_id=conversation.identity_id,
        channel_id=conversation.channel_id, seq=conversation.last_seq, direction=direction, role=role,
        content_type="text", content=content, text=content["text"], **more,
    )  # fmt: skip


def _tell(conversation: Conversation, type: str, message: Message) -> None:
    conversation.event_seq += 1
    conversation.save(update_fields=["event_seq"])
    Event.objects.create(
        tenant_id=conversation.tenant_id, conversation=conversation, seq=conversation.event_seq, type=type,
        payload={"message_id": str(message.id), "seq": message.seq, "role": message.role},
        published_at=timezone.now(), streamed_at=timezone.now(),  # the outboxes are not the newcomer's
    )  # fmt: skip
