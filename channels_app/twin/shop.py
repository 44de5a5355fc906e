"""The twin's shop: an Adaptor Service with a handful of products.

Owns the products and the addresses. Must not use the service's code: a mistake made twice would hide itself.
"""

from __future__ import annotations

from typing import Any

from channels_app.twin.calls import Answer, Call, json_answer
from channels_app.twin.platform import Route
from channels_app.twin.world import World

PRODUCTS: dict[str, dict[str, Any]] = {
    "alder": {"title": "Alder tent", "description": "For two, 2.1 kg", "price": 249.0, "currency": "EUR", "stock": 7,
              "category": "Tents", "goes_with": ["oak"]},
    "birch": {"title": "Birch tent", "description": "For four, 4.5 kg", "price": 399.0, "currency": "EUR", "stock": 0,
              "category": "Tents", "goes_with": ["oak"]},
    "oak": {"title": "Oak sleeping bag", "description": "Down to -5 °C", "price": 129.5, "currency": "EUR", "stock": 31,
            "category": "Sleeping bags", "goes_with": ["alder", "birch"]},
}  # fmt: skip
HIDDEN = ("goes_with", "category")


def _shown(id: str) -> dict[str, Any]:
    facts = {name: value for name, value in PRODUCTS[id].items() if name not in HIDDEN}
    return {"id": id, **facts, "url": f"https://acorn.example.com/products/{id}"}


def _one(world: World, call: Call) -> Answer:
    id, part = call.parts["id"], call.parts.get("part") or ""
    if id not in PRODUCTS:
        return json_answer({"error": "there is no such product"}, 404)
    facts = PRODUCTS[id]
    return json_answer(
        {
            "": _shown(id),
            "price": {"price": {"amount": facts["price"], "currency": facts["currency"]}},
            "inventory": {"quantity": facts["stock"]},
            "recommendations": {"products": [_shown(other) for other in facts["goes_with"]]},
        }[part]
    )


def _search(world: World, call: Call) -> Answer:
    words = call.query.get("query", "").casefold().split()
    found = [
        id
        for id, facts in PRODUCTS.items()
        if any(word in f"{facts['title']} {facts['category']}".casefold() for word in words)
    ]
    return json_answer({"products": [_shown(id) for id in found]})


def _catalogue(world: World, call: Call) -> Answer:
    return json_answer({"categories": sorted({facts["category"] for facts in PRODUCTS.values()})})


ROUTES = (
    Route("GET", r"/shop/catalog", _catalogue),
    Route("GET", r"/shop/products", _search),
    Route("GET", r"/shop/products/(?P<id>[^/]+)(?:/(?P<part>price|inventory|recommendations))?", _one),
)
