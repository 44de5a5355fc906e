"""Questions about products that need no language model: what one costs, whether it is there, whether the shop has such a thing.

Owns the patterns and sentences of five languages. A question is only taken where it is nothing else and the shop knows a product
of that name; all others are the assistant's. Must not ask the shop for what no pattern fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from assistant.port import EngineReply, EngineRequest, NotAtOnce
from assistant.products.adaptor import Product, ShopError, source_of_tenant
from assistant.products.offered import cards_of, sources_of
from assistant.products.shelf import shop_of, stands_in
from channels_app.content.types import Content, text

Kind = Literal["price", "stock", "search"]
INTENT = "products"
LONGEST = 200  # characters of a question that is looked at
MOST = 3  # products of an answer
WAIT_S = 3.0
THING = r"([^?!.,;\n]{2,80}?)"
#: (language, what is asked, shapes of the whole question without its end mark)
SHAPES: tuple[tuple[str, Kind, tuple[str, ...]], ...] = (
    ("en", "price", (rf"how much (?:does|do|is|are|would) {THING}(?: cost)?", rf"what (?:does|do|would) {THING} cost", rf"(?:what is |what's )?the price of {THING}")),
    ("de", "price", (rf"(?:was|wie ?viel) kostet?n? {THING}", rf"(?:was ist |wie hoch ist )?der preis (?:von|für) {THING}")),
    ("fr", "price", (rf"combien (?:coûte(?:nt)?|vaut) {THING}", rf"(?:quel est )?le prix (?:de la|de l['’]|du|des|de) ?{THING}")),
    ("es", "price", (rf"¿?cuánto (?:cuesta|cuestan|vale|valen) {THING}", rf"¿?(?:cuál es )?el precio (?:del?|de la|de los|de las) {THING}")),
    ("pt", "price", (rf"quanto (?:custa|custam|é) {THING}", rf"(?:qual é )?o preço (?:do|da|dos|das|de) {THING}")),
    ("en", "stock", (rf"(?:is|are|do you have|have you got) {THING} (?:still )?(?:in stock|available)",)),
    ("de", "stock", (rf"(?:ist|sind|habt ihr|haben sie) {THING} (?:noch )?(?:auf lager|vorrätig|lieferbar|verfügbar|da)",)),
    ("fr", "stock", (rf"(?:est-ce que )?{THING} (?:est|sont)(?:-(?:il|elle)s?)? (?:encore )?(?:en stock|disponibles?)", rf"avez-vous {THING} en stock")),
    ("es", "stock", (rf"¿?(?:hay|tienen|tenéis|está|están) {THING} (?:en stock|en existencias|disponibles?)",)),
    ("pt", "stock", (rf"(?:há|têm|tem|está|estão) {THING} (?:em stock|em estoque|disponível|disponíveis)", rf"{THING} (?:está|estão) (?:em stock|em estoque|disponível|disponíveis)")),
    ("en", "search", (rf"(?:do you (?:have|sell|offer)|have you got) {THING}",)),
    ("de", "search", (rf"(?:habt ihr|haben sie|verkauft ihr|verkaufen sie|gibt es) {THING}",)),
    ("fr", "search", (rf"(?:avez|vendez)-vous {THING}",)),
    ("es", "search", (rf"¿?(?:tienen|tenéis|venden|vendéis) {THING}",)),
    ("pt", "search", (rf"(?:têm|tem|vendem) {THING}",)),
)  # fmt: skip
#: the first that fits counts
PATTERNS = tuple(
    (language, kind, re.compile(rf"(?:{'|'.join(shapes)})", re.IGNORECASE)) for language, kind, shapes in SHAPES
)
#: what stands before the name of a thing
SMALL = frozenset(
    "the a an any some your this that these der die das den dem ein eine einen euer eure le la les l un une des du votre vos "
    "el los las una unos unas algún alguna o os as um uma de d".split()
)
#: language → costs, in stock, sold out, found
SENTENCES: dict[str, tuple[str, str, str, str]] = {
    "en": ("{title} costs {price}.", "{title} is in stock ({stock}).", "{title} is sold out at the moment.", "This is what we have:"),
    "de": ("{title} kostet {price}.", "{title} ist auf Lager ({stock}).", "{title} ist zurzeit ausverkauft.", "Das haben wir:"),
    "fr": ("{title} coûte {price}.", "{title} est en stock ({stock}).", "{title} est épuisé pour le moment.", "Voici ce que nous avons :"),
    "es": ("{title} cuesta {price}.", "{title} está en existencias ({stock}).", "{title} está agotado por ahora.", "Esto es lo que tenemos:"),
    "pt": ("{title} custa {price}.", "{title} está disponível ({stock}).", "{title} está esgotado de momento.", "É isto que temos:"),
}  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """``thing``: its words without articles."""

    language: str
    kind: Kind
    thing: tuple[str, ...]


def wish_in(said: str) -> Wish | None:
    """What of products a text asks, if it asks nothing else."""
    plain = " ".join(said.split()).strip(" ?!.")
    if len(plain) > LONGEST:
        return None
    for language, kind, pattern in PATTERNS:
        if found := pattern.fullmatch(plain):
            named = next(value for value in found.groups() if value)
            thing = tuple(word for word in re.findall(r"\w+", named.casefold()) if word not in SMALL)
            return Wish(language, kind, thing) if thing else None
    return None


def product_reply(request: EngineRequest, first: EngineReply) -> EngineReply | None:
    """The answer where the turn is one question about a product that the shop of the tenant in scope knows; None: ``first``
    stands. Raises NotAtOnce where the shop would have to be asked over the network for a turn that may not wait."""
    if len(request.contents) != 1 or request.contents[0].choice or request.contents[0].quote:
        return None
    flowing = any(expected.startswith("slot:") for expected in first.next_expected)
    if flowing or (first.handover and first.handover_reason != "misunderstood"):
        return None
    wish = wish_in(request.contents[0].text or "")
    source = source_of_tenant() if wish else None
    if wish is None or source is None:
        return None
    if request.at_once and source.url:
        raise NotAtOnce
    shop = shop_of(source, min(WAIT_S, request.deadline_s / 2))
    try:
        found = _named(shop.search(" ".join(wish.thing)), wish)[:MOST]
        if wish.kind == "stock":
            found = [replace(one, stock=shop.stock(one.id)) if one.stock is None else one for one in found]
        elif wish.kind == "price":
            found = [one if one.price else replace(one, price=shop.price(one.id)) for one in found]
    except ShopError as error:
        return replace(first, why={**first.why, "tools": [{"name": "product_search", "outcome": error.code}]})
    words = "\n".join(_sentences(wish, found))
    return _reply(first, words, found) if words else None


def _named(found: list[Product], wish: Wish) -> list[Product]:
    """Those whose titles have most of the words that were said, and at least one: a shop's search may be generous."""
    scores = [sum(stands_in(word, one.title) for word in wish.thing) for one in found]
    best = max(scores, default=0)
    return [one for one, score in zip(found, scores, strict=True) if best and score == best]


def _sentences(wish: Wish, found: list[Product]) -> Iterator[str]:
    costs, there, gone, have = SENTENCES[wish.language]
    if wish.kind == "search" and found:
        yield have
    for one in found:
        if wish.kind == "price" and one.price:
            yield costs.format(title=one.title, price=one.price)
        elif wish.kind == "stock" and one.stock is not None:
            yield (there if one.stock > 0 else gone).format(title=one.title, stock=one.stock)


def _reply(first: EngineReply, words: str, found: list[Product]) -> EngineReply:
    """In place of what the assistant would have said, which it did not miss then."""
    memory = first.context.get("assistant")
    memory = {**memory, "missed": 0, "on_yes": ""} if isinstance(memory, dict) else {}
    why = {**first.why, "settled": INTENT, "tools": [{"name": "product_search", "outcome": "ok"}]}
    return replace(
        first, contents=(text(words), Content(type="carousel", cards=cards_of(found))), intent=INTENT, handover=False,
        handover_reason="", sources=sources_of(found), why=why,
        context={**first.context, "assistant": memory, "conversation_stage": "open"},
    )  # fmt: skip
