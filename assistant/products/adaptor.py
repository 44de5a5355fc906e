"""The Adaptor Service of the tenant in scope: details, search, catalogue, price, inventory, recommendations.

Owns its addresses, the cache and the breaker. What it answers is data of others: bounded, and read leniently. Must not decide
what is said.
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from assistant.products.models import ProductSource
from channels_app.contract import SendError
from channels_app.http.client import HttpClient
from channels_app.services import outbound_hosts
from tenants.names import name_clean
from tenants.scope import current_tenant_id
from tenants.storage import prepared
from tenants.storage.memo import Memo
from tenants.work.breaker import Breaker

MOST = 262_144  # bytes of an answer
LONGEST = 300  # characters of what a product says of itself
LONGEST_ADDRESS = 2048
LONGEST_NAME, MOST_NAMES = 100, 50
ADDRESS = re.compile(r"https?://[^\s/]\S*")
ITEMS = 10
ENABLED = prepared.Select(ProductSource, lambda rows: rows.filter(enabled=True).order_by("id"))
_answers: Memo[Any] = Memo("products", ttl=30, size=2000)


@dataclass(frozen=True)
class Product:
    """``price``: as it is written, with its currency; "" where it is not told. ``stock``: pieces, None where it is not told.
    ``names``: what people call such a thing, in whatever languages, beside its title."""

    id: str
    title: str
    description: str = ""
    price: str = ""
    stock: int | None = None
    url: str = ""
    image_url: str = ""
    names: tuple[str, ...] = ()


class ShopError(Exception):
    """No answer came about. ``code`` is stable: no_source, shop_resting, shop_unusable, not_found, or a fault of the network."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


def source_of_tenant() -> ProductSource | None:
    """Where the tenant in scope has its products; None where it has none, or switched it off."""
    row: ProductSource | None = ENABLED.first()
    return row


class Shop:
    """One source, asked within ``seconds``. Every method raises ShopError."""

    def __init__(self, source: ProductSource, seconds: float):
        self._source, self._seconds = source, seconds

    def details(self, product_id: str) -> Product:
        return product_of(self._asked(f"products/{_safe(product_id)}"))

    def search(self, query: str) -> list[Product]:
        return products_of(self._asked("products?" + urlencode({"query": query[:200], "limit": ITEMS})))

    def catalogue(self) -> list[str]:
        """The names of the categories."""
        answer = self._asked("catalog")
        found = answer.get("categories", ()) if isinstance(answer, Mapping) else answer
        names = [one.get("name", one.get("title", "")) if isinstance(one, Mapping) else one for one in _items(found)]
        return [name[:LONGEST] for name in names if isinstance(name, str) and name][:50]

    def price(self, product_id: str) -> str:
        return _price(self._asked(f"products/{_safe(product_id)}/price"))

    def stock(self, product_id: str) -> int | None:
        answer = self._asked(f"products/{_safe(product_id)}/inventory")
        return _stock(answer) if isinstance(answer, Mapping) else None

    def recommendations(self, product_id: str) -> list[Product]:
        return products_of(self._asked(f"products/{_safe(product_id)}/recommendations"))

    def _asked(self, path: str) -> Any:
        """The JSON at an address, half a minute old at most."""
        key = (current_tenant_id(), self._source.id, self._source.updated_at, path)
        found = _answers.get(key, lambda: (self._fetched(path),))
        return found[0] if found else None

    def _fetched(self, path: str) -> Any:
        breaker = _breaker(current_tenant_id(), self._source.url, self._source.token)
        if not breaker.admits():
            raise ShopError("shop_resting")
        token = self._source.token
        headers = {"accept": "application/json", "x-tenant-id": str(current_tenant_id())}
        headers |= {"authorization": f"Bearer {token}"} if token else {}
        client = HttpClient(
            frozenset({token} if token else ()), allow_hosts=outbound_hosts(), read_s=self._seconds, total_s=self._seconds,
            max_bytes=MOST,
        )  # fmt: skip
        try:
            answer = client.request("GET", f"{self._source.url.rstrip('/')}/{path}", headers=headers)
        except SendError as error:
            breaker.failed()
            raise ShopError(error.code) from error
        if answer.status == 404:
            breaker.succeeded()
            raise ShopError("not_found")
        try:
            if answer.status != 200:
                raise ValueError
            found = answer.json()
        except (ValueError, RecursionError) as error:
            breaker.failed()
            raise ShopError("shop_unusable") from error
        breaker.succeeded()
        return found


@lru_cache(maxsize=2000)
def _breaker(tenant_id: uuid.UUID, url: str, token: str) -> Breaker:
    """In this process. A shop whose address or token was put right is asked at once."""
    return Breaker(failures=3, cool_s=10.0, longest_s=120.0)


def products_of(answer: Any, most: int = ITEMS) -> list[Product]:
    """The first products of a list, of those that have an id and a title."""
    named = ("products", "items", "results", "recommendations")
    found = next((answer[name] for name in named if name in answer), ()) if isinstance(answer, Mapping) else answer
    return [product for one in _items(found)[:most] if (product := _product(one))]


def product_of(answer: Any) -> Product:
    """Raises ShopError ``shop_unusable`` for what is no product."""
    inner = answer.get("product", answer) if isinstance(answer, Mapping) else answer
    product = _product(inner)
    if product is None:
        raise ShopError("shop_unusable")
    return product


def _product(one: Any) -> Product | None:
    if not isinstance(one, Mapping):
        return None
    title, id = _words(one, "title", "name"), _words(one, "id", "product_id", "sku")
    if not name_clean(title) or not id:  # a card needs a title that can be seen
        return None
    return Product(
        id, title, _words(one, "description", "summary"), _price(one), _stock(one), _address(one, "url", "link"),
        _address(one, "image_url", "image"), _names(one),
    )  # fmt: skip


def _price(one: Any) -> str:
    value = one.get("price", one.get("amount")) if isinstance(one, Mapping) else one
    if isinstance(value, Mapping):
        return _price({"price": value.get("amount", value.get("value")), "currency": value.get("currency", "")})
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if isinstance(value, float) and not math.isfinite(value):  # NaN and Infinity are no JSON, and are read all the same
        return ""
    currency = one.get("currency", "") if isinstance(one, Mapping) else ""
    written = f"{value:.2f}" if isinstance(value, float) else str(value)
    return f"{written} {currency if isinstance(currency, str) else ''}".strip()[:40]


def _stock(one: Mapping[str, Any]) -> int | None:
    """A mere "available" names no number of pieces; what is not there, or sold beyond what there was, is none."""
    value = next((one[name] for name in ("stock", "quantity", "available") if name in one), None)
    return max(0, int(value)) if isinstance(value, int) and value is not True else None


def _words(one: Mapping[str, Any], *names: str) -> str:
    value = next((one[name] for name in names if isinstance(one.get(name), str | int)), "")
    return " ".join(str(value).split())[:LONGEST]


def _names(one: Mapping[str, Any]) -> tuple[str, ...]:
    value: list[Any] = next(
        (one[name] for name in ("names", "keywords", "tags") if isinstance(one.get(name), list)), []
    )
    return tuple(" ".join(name.split())[:LONGEST_NAME] for name in value[:MOST_NAMES] if isinstance(name, str))


def _address(one: Mapping[str, Any], *names: str) -> str:
    """ "" for what is no address that a card takes: a shortened one would lead elsewhere."""
    value = next((one[name] for name in names if isinstance(one.get(name), str)), "").strip()
    return value if ADDRESS.fullmatch(value) and len(value) <= LONGEST_ADDRESS else ""


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _safe(product_id: str) -> str:
    return quote(product_id[:100], safe="") if product_id not in (".", "..") else "-"
