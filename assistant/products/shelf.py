"""A source of products that are written down in its row: asked within the process, with no network.

Owns how its products are looked through. Must not decide what is said.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from assistant.products.adaptor import ITEMS, Product, Shop, ShopError, products_of
from assistant.products.models import ProductSource
from channels_app.words.folding import unmarked

LONG, NEARLY = 5, 0.88  # letters of a word in which a slip is seen, and how much of two words is the same then


class Shelf(Shop):
    """The same six questions as `Shop`."""

    def __init__(self, source: ProductSource):
        super().__init__(source, 0)
        self._products = products_of(source.products, len(source.products))

    def details(self, product_id: str) -> Product:
        for one in self._products:
            if one.id == product_id:
                return one
        raise ShopError("not_found")

    def search(self, query: str) -> list[Product]:
        words = query.casefold().split()
        return [one for one in self._products if any(named_in(word, one) for word in words)][:ITEMS]

    def catalogue(self) -> list[str]:
        return []

    def price(self, product_id: str) -> str:
        return self.details(product_id).price

    def stock(self, product_id: str) -> int | None:
        return self.details(product_id).stock

    def recommendations(self, product_id: str) -> list[Product]:
        self.details(product_id)
        return [one for one in self._products if one.id != product_id][:ITEMS]


def named_in(word: str, product: Product) -> bool:
    """Whether a product is called so, by its title or one of its other names; also in the plural, without marks on its letters
    ("Rucksäcke", "lampara"), and with a slip of the finger ("drizle"). ``word`` in small letters."""
    word = unmarked(word)
    stem = word[:-1] if len(word) > 4 and word[-1] in "sne" else word
    called = unmarked(" ".join((product.title, *product.names)).casefold())
    parts = re.findall(r"\w+", called)
    if len(stem) <= 2:
        return stem in parts
    if (
        len(word) == 4 and word[-1] == "s" and word[:3] in parts
    ):  # "sacs"; the beginnings of longer words may be as short
        return True
    return any(part.startswith(stem) or _is_slip(word, part) for part in parts)


def _is_slip(word: str, part: str) -> bool:
    """Whether a long word is another but for a letter. The first one is right: "rocket" is no jacket."""
    if word[0] != part[0] or min(len(word), len(part)) < LONG:
        return False
    return SequenceMatcher(None, word, part, autojunk=False).ratio() >= NEARLY


def shop_of(source: ProductSource, seconds: float) -> Shop:
    """What to ask: the address, where the source has one, within ``seconds``; else what stands in the row."""
    return Shop(source, seconds) if source.url else Shelf(source)
