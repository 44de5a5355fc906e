"""Products of a tenant's Adaptor Service: asked over real sockets at the twin's shop, cached, told as cards with sources (AI-9)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from assistant.engines import engine_for
from assistant.port import EngineRequest
from assistant.products import adaptor
from assistant.products.adaptor import Shop, ShopError, product_of, products_of
from assistant.products.models import ProductSource
from assistant.products.offered import cards_of, product_tools
from assistant.products.shelf import shop_of
from channels_app.content.types import text
from channels_app.twin.server import Twin
from tenants.scope import tenant_scope
from tests.assistant.llm import model, provider, reachable

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def twin() -> Iterator[Twin]:
    with Twin().start() as running:
        yield running


@pytest.fixture
def source(twin: Twin, scope: Any) -> Iterator[ProductSource]:
    adaptor._breaker.cache_clear()
    twin.requests.clear()
    with reachable(twin):
        yield ProductSource.objects.create(tenant=scope, url=f"{twin.url}/shop", token="shop-token-1")


def test_all_six_questions(source: ProductSource) -> None:
    shop = Shop(source, 3)
    assert (shop.details("alder").title, shop.details("alder").price) == ("Alder tent", "249.00 EUR")
    assert [one.id for one in shop.search("tent")] == ["alder", "birch"]
    assert shop.catalogue() == ["Sleeping bags", "Tents"]
    assert (shop.price("oak"), shop.stock("birch")) == ("129.50 EUR", 0)
    assert [one.id for one in shop.recommendations("birch")] == ["oak"]


def test_the_same_question_is_asked_once_and_with_the_token(source: ProductSource, twin: Twin) -> None:
    for _ in range(3):
        Shop(source, 3).details("alder")
    [call] = twin.requests
    assert call.headers["authorization"] == "Bearer shop-token-1" and call.headers["x-tenant-id"] == str(
        source.tenant_id
    )


def test_answers_are_not_shared_between_tenants(source: ProductSource, twin: Twin, other_tenant: Any) -> None:
    Shop(source, 3).details("alder")
    with tenant_scope(other_tenant.id):
        assert product_tools() == {}
        Shop(ProductSource(tenant=other_tenant, url=source.url), 3).details("alder")
    assert len(twin.requests) == 2


def test_a_shop_that_fails_is_left_alone_for_a_while(source: ProductSource, twin: Twin) -> None:
    source.url = f"{twin.url}/nowhere/shop"
    with pytest.raises(ShopError, match="not_found"):
        Shop(source, 3).details("alder")
    source.url = "http://127.0.0.1:9"  # not allowed: the guard refuses it
    for number in range(3):
        with pytest.raises(ShopError, match="address_blocked"):
            Shop(source, 3).details(f"p{number}")
    with pytest.raises(ShopError, match="shop_resting"):
        Shop(source, 3).details("alder")
    source.url = f"{twin.url}/shop"  # put right
    assert Shop(source, 3).details("alder").title == "Alder tent"


def test_what_is_written_down_is_known_to_its_last(scope: Any) -> None:
    """Of a row's products those behind the tenth were not there."""
    goods = [*({"id": f"p{number}", "title": "Thing"} for number in range(24)), {"id": "last", "title": "Zebra"}]
    shop = shop_of(ProductSource(tenant=scope, products=goods), 3)
    assert shop.details("last").title == "Zebra" and [one.id for one in shop.search("zebra")] == ["last"]
    assert len(shop.search("thing")) == len(shop.recommendations("p0")) == 10


@pytest.mark.parametrize("price", [float("nan"), float("inf"), {"amount": float("nan"), "currency": "EUR"}])
def test_what_is_no_number_is_no_price(price: Any) -> None:
    assert product_of({"id": 1, "title": "x", "price": price, "currency": "EUR"}).price == ""


@pytest.mark.parametrize(
    "strange", [None, [], {}, {"products": "x"}, {"products": [1, {"id": "a"}, {"title": "b"}]}, "x"]
)
def test_what_is_no_product_is_none(strange: Any) -> None:
    assert products_of(strange) == []
    with pytest.raises(ShopError, match="shop_unusable"):
        product_of(strange)


def test_addresses_of_scripts_are_no_links() -> None:
    assert product_of({"id": 1, "name": "x", "url": "javascript:alert(1)", "image": "data:x"}).url == ""


ADDRESSES = {
    "https://": "", "https:// x": "", "https://shop.example.com/a b": "", "//shop.example.com": "",
    "https://shop.example.com/" + "a" * 2100: "",
    "https://shop.example.com/" + "a" * 900: "https://shop.example.com/" + "a" * 900,
}  # fmt: skip


@pytest.mark.parametrize(("told", "kept"), ADDRESSES.items())
def test_an_address_is_whole_or_none_and_makes_a_card(told: str, kept: str) -> None:
    product = product_of({"id": 1, "name": "x", "url": told, "image_url": told})
    assert (product.url, product.image_url) == (kept, kept)
    assert [card.url for card in cards_of([product])] == [kept or None]


@pytest.mark.parametrize(("told", "pieces"), [(7, 7), (0, 0), (-3, 0), (False, 0), (True, None), ("7", None)])
def test_being_available_is_no_number_of_pieces(told: Any, pieces: int | None) -> None:
    found = product_of({"id": 1, "name": "x", "available": told}).stock
    assert found == pieces and not isinstance(found, bool)


def test_an_answer_shows_the_product_as_a_card_with_its_source(source: ProductSource, twin: Twin, scope: Any) -> None:
    model(provider(scope, twin))
    twin.llm.say(calls=[("product_search", {"query": "tent"})], when="tent for two")
    twin.llm.say("The Alder tent is for two.", when="alder")
    request = EngineRequest(scope.id, uuid.UUID(int=3), "web", (text("which tent for two do you recommend to me"),))
    reply = engine_for({}).respond(request)
    twin.llm.clear()
    assert [content.type for content in reply.contents] == ["text", "carousel"]
    [card] = reply.contents[1].cards
    assert (card.title, card.subtitle) == ("Alder tent", "249.00 EUR · For two, 2.1 kg")
    assert [(one.kind, one.id, one.url) for one in reply.sources] == [
        ("product", "alder", "https://acorn.example.com/products/alder")
    ]
    assert reply.why["tools"][0]["name"] == "product_search"


def test_the_source_by_rest(api: Any, tenant: Any, twin: Twin) -> None:
    client = api(tenant)
    with reachable(twin):
        assert client.get("/api/v2/product-source").status_code == 404
        given = {"url": f"{twin.url}/shop", "token": "token-of-the-shop"}
        made = client.data_of(client.put("/api/v2/product-source", given))
        assert made["token"] == "••••shop"
        client.put("/api/v2/product-source", {"url": made["url"], "token": made["token"]})
        with tenant_scope(tenant.id):
            assert ProductSource.objects.get().token == "token-of-the-shop"
        moved = client.put("/api/v2/product-source", {"url": "https://x.example.com", "token": made["token"]})
        assert moved.status_code == 400
        found = client.data_of(client.post("/api/v2/product-source/try", {"query": "bag"}))
        assert [one["title"] for one in found["items"]] == ["Oak sleeping bag"]
        assert client.delete("/api/v2/product-source").status_code == 204
