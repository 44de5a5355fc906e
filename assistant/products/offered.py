"""Products as tools of a language model: what it may ask the shop, what it is told, cards and sources for the person.

Owns the words of products. These tools read only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from assistant.llm import chat
from assistant.port import Source
from assistant.products.adaptor import Product, Shop, ShopError, source_of_tenant
from assistant.products.shelf import shop_of
from assistant.tools.calling import Outcome
from assistant.tools.toolbox import Own, Result
from channels_app.content.types import Button, Card
from channels_app.words.split import shorten

ID = {"type": "string", "minLength": 1, "maxLength": 100}
ONE = {"type": "object", "properties": {"product_id": ID}, "required": ["product_id"], "additionalProperties": False}
QUERY = {
    "type": "object", "properties": {"query": {"type": "string", "minLength": 1, "maxLength": 200}}, "required": ["query"],
    "additionalProperties": False,
}  # fmt: skip
NONE = {"type": "object", "properties": {}, "additionalProperties": False}

Answer = tuple[str, list[Product]]


def product_tools() -> dict[str, Own]:
    """The tools of the tenant in scope; none where it has no source of products."""
    source = source_of_tenant()
    if source is None:
        return {}

    def tool(
        name: str, description: str, schema: Mapping[str, Any], ask: Callable[[Shop, Mapping[str, Any]], Answer]
    ) -> Own:
        def run(arguments: Mapping[str, Any], seconds: float) -> Result:
            began = time.monotonic()
            try:
                words, products = ask(shop_of(source, min(seconds, 5.0)), arguments)
            except ShopError as error:
                return Result(Outcome(error.code, took_ms=_since(began)))
            return Result(Outcome("ok", words, _since(began)), sources_of(products), cards_of(products))

        return Own(chat.Tool(name, description, schema), run)

    made = (
        tool("product_search", "Find products of the shop by words", QUERY, lambda shop, given: _told(shop.search(given["query"]))),
        tool("product_details", "All that is known of one product", ONE, lambda shop, given: _told([shop.details(given["product_id"])])),
        tool("product_catalogue", "The categories of the shop", NONE, lambda shop, _given: ("\n".join(shop.catalogue()), [])),
        tool("product_price", "What one product costs now", ONE, lambda shop, given: (shop.price(given["product_id"]) or "not told", [])),
        tool("product_stock", "How many pieces of one product are there", ONE, lambda shop, given: (_pieces(shop.stock(given["product_id"])), [])),
        tool("product_recommendations", "What goes with one product", ONE, lambda shop, given: _told(shop.recommendations(given["product_id"]))),
    )  # fmt: skip
    return {one.tool.name: one for one in made}


def sources_of(products: Iterable[Product]) -> tuple[Source, ...]:
    return tuple(Source("product", one.id, one.title, one.url, 1.0) for one in products)


def cards_of(products: Iterable[Product]) -> tuple[Card, ...]:
    """What the person sees beside the answer."""
    return tuple(
        Card(
            title=shorten(one.title, 80),
            subtitle=shorten(" · ".join(filter(None, (one.price, one.description))), 200) or None,
            image_url=one.image_url or None,
            url=one.url or None,
            buttons=(Button(type="url", title="→", url=one.url),) if one.url else (),
        )
        for one in products
    )


def _told(products: list[Product]) -> Answer:
    """Products in lines, for a model."""
    lines = [
        "; ".join(
            filter(
                None,
                (
                    f"id {one.id}",
                    one.title,
                    one.price,
                    _pieces(one.stock) if one.stock is not None else "",
                    one.description,
                ),
            )
        )
        for one in products
    ]
    return "\n".join(lines) or "No product fits.", products


def _pieces(stock: int | None) -> str:
    return "not told" if stock is None else f"{stock} in stock"


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
