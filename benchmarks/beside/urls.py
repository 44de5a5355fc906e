"""What the service is measured beside: a view that does nothing, and bare ones that store two rows.

Owns the views of the benchmarks. Must not change what is measured: the service's
own addresses are those of chatsvc/urls.py.
"""

from __future__ import annotations

import itertools
import json
import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks.beside import echo  # noqa: F401  its engine answers
from benchmarks.beside.usual import UsualView
from chatsvc.urls import urlpatterns as service
from conversations.models import Conversation, Message
from tenants.storage.db import atomic


class Body(serializers.Serializer):  # type: ignore[type-arg]
    """Five fields, as a hand-written chat endpoint would have them."""

    user_id = serializers.CharField(max_length=255)
    channel = serializers.ChoiceField(choices=["web", "whatsapp", "sms"])
    session_id = serializers.CharField(max_length=64, required=False)
    message_id = serializers.CharField(max_length=200, required=False)
    content = serializers.DictField()


@csrf_exempt
def plain(request: HttpRequest) -> JsonResponse:
    """JSON in, JSON out, without a framework on top of Django."""
    return JsonResponse({"received": json.loads(request.body)["content"]})


class Bare(APIView):
    """Bare DRF: no credential, no permission, no limit, no scope."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = (JSONRenderer,)


class Floor(Bare):
    """JSON in, JSON out."""

    def post(self, request: Request) -> Response:
        said: Any = request.data
        return Response({"received": said["content"]})


class TwoRows(Bare):
    """Validate, insert the message and an answer to it, and return the answer."""

    transaction: Any = nullcontext  # Django's default: each insert is a commit of its own
    numbers = itertools.count(os.getpid() % 20_000 * 100_000)  # several processes write to one conversation
    conversation: Conversation | None = None

    def post(self, request: Request) -> Response:
        body = Body(data=request.data)
        body.is_valid(raise_exception=True)
        with self._transaction():
            self._insert("inbound", "visitor", body.validated_data["content"])
            answer = self._insert("outbound", "bot", {"type": "text", "text": "Good day."})
        return Response({"message_id": str(answer.id), "response": answer.content})

    def _transaction(self) -> AbstractContextManager[Any]:
        return type(self).transaction()

    def _insert(self, direction: str, role: str, content: dict[str, Any]) -> Message:
        into = _bare_conversation()
        return Message.objects.unscoped().create(  # unscoped: a bare view knows no tenants
            tenant_id=into.tenant_id, conversation_id=into.id, identity_id=into.identity_id,
            channel_id=into.channel_id, seq=next(self.numbers), direction=direction, role=role,
            content_type="text", content=content, text=str(content.get("text", "")),
        )  # fmt: skip


class TwoRowsOneCommit(TwoRows):
    transaction = atomic


_kept: list[Conversation] = []


def _bare_conversation() -> Conversation:
    if not _kept:
        # unscoped: as above
        _kept.append(Conversation.objects.unscoped().get(id=os.environ["BENCH_CONVERSATION"]))
    return _kept[0]


urlpatterns = [
    *service,
    path("bench/plain", plain),
    path("bench/floor", Floor.as_view()),
    path("bench/bare", TwoRows.as_view()),
    path("bench/bare-one-commit", TwoRowsOneCommit.as_view()),
    path("bench/usual", UsualView.as_view()),
]
