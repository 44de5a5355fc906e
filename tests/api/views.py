"""Small views and addresses for the tests of what all views share."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import PermissionDenied
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from django.urls import path
from pydantic import BaseModel, Field
from rest_framework.response import Response

from chatsvc.urls import handler400, handler403, handler404, handler500  # noqa: F401
from conversations.models import Contact
from tenants import errors
from tenants.api.views import TenantAPIView, parse_body
from tenants.scope import current_tenant_id

SECRET = "hunter2-said-the-visitor"

FAILURES = {
    "not_found": errors.NotFound(),
    "conflict": errors.Conflict("Twice.", code="already_there", details={"id": 1}),
    "unavailable": errors.Unavailable(retry_after=2.5),
    "http404": Http404("x"),
    "denied": PermissionDenied(),
    "operational": OperationalError(f"could not connect: {SECRET}"),
    "interface": InterfaceError("gone"),
    "integrity": IntegrityError("duplicate key"),
    "data": DataError("out of range"),
    "bug": ValueError(f"could not parse {SECRET}"),
}


class Item(BaseModel):
    name: str = Field(max_length=10)
    count: int = 1


class Order(BaseModel):
    items: list[Item]


class FailView(TenantAPIView):
    permission = "public"

    def get(self, request, what):
        raise FAILURES[what]


class OrderView(TenantAPIView):
    permission = "public"

    def post(self, request):
        return Response(parse_body(request, Order), status=201)


class OddView(TenantAPIView):
    permission = "public"

    def get(self, request):
        return Response({"half": "a\ud800b", "nan": float("nan")})

    def delete(self, request):
        return Response(status=204)


class ContactsView(TenantAPIView):
    permissions: ClassVar[dict[str, str]] = {"GET": "contacts:read", "POST": "contacts:write"}

    def get(self, request):
        return Response({"names": list(Contact.objects.values_list("name", flat=True)), "tenant": current_tenant_id()})

    def post(self, request):
        contact = Contact.objects.create(tenant_id=current_tenant_id(), name=parse_body(request, Item).name)
        raise_if_asked(contact.name)
        return Response({"id": contact.id, "key": self.idempotency_key}, status=201)

    def put(self, request):
        return Response("never reached: PUT is not declared")


class UndeclaredView(TenantAPIView):
    def get(self, request):
        return Response("never reached")


def raise_if_asked(name: str) -> None:
    {"conflict": lambda: fail(errors.Conflict()), "bug": lambda: fail(ValueError("broken"))}.get(name, lambda: None)()


def fail(error: Exception) -> None:
    raise error


def plain(request):
    return HttpResponse(request.body)


def broken(request):
    raise RuntimeError("plain Django view")


def away(request):
    raise OperationalError(SECRET)


urlpatterns = [
    path("api/t/fail/<str:what>", FailView.as_view()),
    path("api/t/orders", OrderView.as_view()),
    path("api/t/odd", OddView.as_view()),
    path("api/t/contacts", ContactsView.as_view()),
    path("api/t/undeclared", UndeclaredView.as_view()),
    path("api/t/plain", plain),
    path("api/t/broken", broken),
    path("api/t/away", away),
    path("pages/broken", broken),
]
