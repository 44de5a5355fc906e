"""``/api/v2/product-source``: where the tenant's products are asked for."""

from __future__ import annotations

from typing import Annotated, Any

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.products.adaptor import ShopError
from assistant.products.models import ProductSource
from assistant.products.shelf import shop_of
from assistant.tools.listing import url_check
from channels_app.http.waiting import ASK_S, asking
from tenants.api.moments import Moment
from tenants.api.parse import Changes
from tenants.api.views import TenantAPIView, answered, asked, parse_body
from tenants.errors import Invalid, NotFound, Unprocessable
from tenants.scope import current_tenant_id
from tenants.storage.crypto import mask

TAGS = ["products"]
WANTED = {"url": "https://shop.example.com/adaptor", "token": "t0ken-of-the-shop", "enabled": True}
SOURCE = {**WANTED, "token": "••••shop", "updated_at": "2026-01-31T12:00:00.000Z"}
PRODUCT = {
    "id": "alder",
    "title": "Alder tent",
    "price": "249.00 EUR",
    "url": "https://shop.example.com/products/alder",
}


class SourcePut(Changes):
    """What is left out stays as it is. A new `url` needs the `token` for it."""

    url: Annotated[str, Field(min_length=1, max_length=2048, description="https, reachable from the internet")] = ""
    token: Annotated[
        str,
        Field(
            max_length=2000, description="Sent as `Authorization: Bearer`; as it is shown, masked, the stored one stays"
        ),
    ] = ""
    enabled: bool = True


class SourceShape(BaseModel):
    url: str
    token: str = Field(description="Masked")
    enabled: bool
    updated_at: Moment


class SourceDetail(SourceShape):
    """The source."""


class ProductTry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    query: str = Field(min_length=1, max_length=200)


class ProductShape(BaseModel):
    id: str
    title: str
    price: str
    url: str


class ProductsFound(BaseModel):
    items: list[ProductShape]


class ProductSourceView(TenantAPIView):
    permissions = {"GET": "models:read", "PUT": "models:write", "DELETE": "models:write"}

    @extend_schema(
        operation_id="product_source_get",
        summary="Where products are asked for",
        description="The address of the tenant's Adaptor Service, its token masked. 404 `product_source_not_found` without one.",
        tags=TAGS,
        responses=SourceDetail,
        examples=[answered(SOURCE)],
    )
    def get(self, request: Request) -> Response:
        return Response(_shape(_source()))

    @extend_schema(
        operation_id="product_source_put",
        summary="Say where products are asked for",
        description="What is left out stays as it is. From the next answers on the assistant may look up details, prices, stock, categories and what goes with a product.",
        tags=TAGS,
        request=SourcePut,
        responses=SourceDetail,
        examples=[asked(WANTED), answered(SOURCE)],
    )
    def put(self, request: Request) -> Response:
        given = parse_body(request, SourcePut).given()
        row = ProductSource.objects.first() or ProductSource(tenant_id=current_tenant_id())
        if row.token and given.get("token") == mask(row.token):
            del given["token"]
        moved = row.url and given.get("url", row.url) != row.url
        if (
            moved and row.token and "token" not in given
        ):  # no colleague sends a token they do not know to an address of theirs
            raise _invalid("token", "A new address needs its token.", "secret_missing")
        if not (row.url or row.products or given.get("url")):
            raise _invalid("url", "Say where products are asked for.", "missing")
        if "url" in given:
            url_check(given["url"])
        for name, value in given.items():
            setattr(row, name, value)
        row.save()
        self.audit("productsource.put", row, {"url": row.url, "enabled": row.enabled})
        return Response(_shape(row))

    @extend_schema(
        operation_id="product_source_delete",
        summary="Ask for products no more",
        description="The assistant knows nothing of products then but what stands in articles. 404 `product_source_not_found` without one.",
        tags=TAGS,
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        row = _source()
        self.audit("productsource.deleted", row)
        row.delete()
        return Response(status=204)


class ProductTryView(TenantAPIView):
    permissions = {"POST": "models:write"}  # it calls the shop

    @extend_schema(
        operation_id="product_source_try",
        summary="Search the shop once, now",
        description="As the assistant would, also where the source is switched off. 422 `shop_unusable` with the reason where it gives "
        "no list within three seconds.",
        tags=TAGS,
        request=ProductTry,
        responses=ProductsFound,
        examples=[asked({"query": "tent"}), answered({"items": [PRODUCT]})],
    )
    def post(self, request: Request) -> Response:
        query, row = parse_body(request, ProductTry).query, _source()
        try:
            with asking():
                found = shop_of(row, ASK_S).search(query)
        except ShopError as error:
            raise Unprocessable(
                "The shop gave no list.", code="shop_unusable", details={"reason": error.code}
            ) from error
        return Response({"items": [{name: getattr(one, name) for name in PRODUCT} for one in found]})


def _source() -> ProductSource:
    """Raises NotFound ``product_source_not_found``."""
    row: ProductSource | None = ProductSource.objects.first()
    if row is None:
        raise NotFound("No source of products is set.", code="product_source_not_found")
    return row


def _invalid(field: str, message: str, code: str) -> Invalid:
    return Invalid(details=[{"field": field, "message": message, "code": code}])


def _shape(row: ProductSource) -> dict[str, Any]:
    return {"url": row.url, "token": mask(row.token), "enabled": row.enabled, "updated_at": row.updated_at}
