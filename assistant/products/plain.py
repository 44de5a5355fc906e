"""Questions about products that need no language model: what one costs, whether it is there, what is known of it, whether the
shop has such a thing.

Owns what is taken for such a question, and what the shop's answer to it is. Must not ask the shop for what no shape fits, nor
decide whether the answer is given: that is the conversation's business.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from assistant.port import AskedAs, EngineRequest, NotAtOnce, Told
from assistant.products.adaptor import Product, Shop, ShopError, source_of_tenant
from assistant.products.offered import cards_of, sources_of
from assistant.products.pointing import Pointer, others_beyond, pointed_at, pointer_in
from assistant.products.shapes import ALSO, AND, ANY, BARE, MINE, PATTERNS, POLITE, SENTENCES, SMALL, WANTED, Kind
from assistant.products.shelf import named_in, shop_of
from channels_app.content.types import Content, text
from channels_app.words.folding import unmarked

LONGEST = 200  # characters of a question that is looked at
LONGEST_NAME = 5  # words of a text that may be a product's name and nothing else
LONGEST_LACKED = 4  # words of a thing that is said not to be there: more of them tell of something else
MOST = 3  # products of an answer
WAIT_S = 3.0
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Wish:
    """``said``: the thing without its article, as it was written; ``thing``: its words in small letters, none where the last
    product is meant. ``sure``: the question is about a product by its shape; ``bare``: only after an answer about one;
    ``pointer``: to some of those that were shown; ``wanted``: it is no question, and may be taught as another wish."""

    language: str
    kind: Kind
    said: str
    thing: tuple[str, ...]
    sure: bool = True
    bare: bool = False
    pointer: Pointer | None = None
    wanted: bool = False


def product_told(request: EngineRequest, memory: Mapping[str, Any], of: AskedAs = "question") -> Told | None:
    """What the shop of the tenant in scope says, where the turn is one question about a product and nothing else; ``of`` a
    ``name`` where it is a product's name and nothing else, of a ``mention`` where it names one that is written down here.
    ``memory``: of the last answer about any, ``shown`` of those it was one of; ``past`` where another came since. None where
    it is no such question, or the tenant has no products. Raises NotAtOnce where the shop would have to be asked over the
    network for a turn that may not wait."""
    if len(request.contents) != 1 or request.contents[0].choice or request.contents[0].quote:
        return None
    said = request.contents[0].text or ""
    if of == "mention":
        return _mentioned(said, request.language)
    wish = _name_in(said, request.language) if of == "name" else wish_in(said, str(memory.get("kind") or ""))
    ids = _ids(memory["ids"]) if "ids" in memory else []
    if wish and wish.bare and memory.get("past"):
        return None
    if ids and of == "question" and not memory.get("past"):
        wish = _pointing(wish, said, request.language)
    source = source_of_tenant() if wish and (wish.thing or ids) else None
    if wish is None or source is None:
        return None
    if request.at_once and source.url:
        raise NotAtOnce
    shop = shop_of(source, min(WAIT_S, request.deadline_s / 2))
    try:
        shown = _ids(memory.get("shown")) or ids
        found, unknown = _meant(shop, wish, shown if wish.pointer else ids)
        lacking = False
        if wish.pointer and wish.pointer.order and (wish.pointer.beyond or [one.id for one in found] == ids):
            found, lacking = _beyond(shop, wish.pointer, ids, shown)
        found = [_whole(shop, wish, one) for one in found]
    except ShopError as error:
        return Told(wish.said, tools=({"name": "product_search", "outcome": error.code},))
    tools = ({"name": "product_search", "outcome": "ok"},)
    lines = list(_sentences(wish, found))
    if lines and unknown:
        lines.insert(0, SENTENCES[wish.language][6].format(thing=unknown))
    if lacking and wish.pointer:
        lines.insert(0, SENTENCES[wish.language][7 if wish.pointer.order < 0 else 8])
    if not lines:
        lacked = (
            wish.sure
            and wish.pointer is None
            and wish.kind != "about"
            and not found
            and len(wish.thing) <= LONGEST_LACKED
        )
        return Told(wish.said, lacks=SENTENCES[wish.language][4].format(thing=wish.said) if lacked else "", tools=tools)
    return Told(
        wish.said, (text("\n".join(lines)), Content(type="carousel", cards=cards_of(found))), sources_of(found),
        recalled=not wish.thing or not (wish.sure or wish.wanted), tools=tools,
        memory={"kind": wish.kind, "ids": [one.id for one in found], **({"shown": shown} if wish.pointer or not wish.thing else {})},
    )  # fmt: skip


def _ids(found: Any) -> list[str]:
    """Of products, as they were remembered; a context may have been written by others."""
    return [one for one in found if isinstance(one, str)][:MOST] if isinstance(found, list) else []


def wish_in(said: str, before: str = "") -> Wish | None:
    """What of products a text asks, if it asks nothing else. ``before``: the kind of the question before it, which "and the
    other?" asks again."""
    plain = _plain(said)
    if len(plain) > LONGEST:
        return None
    asked = AND.sub("", plain)
    if not ANY.fullmatch(unmarked(asked)):  # "mais" is "but" in French, and "more" in Portuguese
        asked = plain
    bare = unmarked(asked)
    for language, kind, pattern in PATTERNS if ANY.fullmatch(bare) else ():
        if found := pattern.fullmatch(bare):
            named = _named(found, asked)
            wish, is_bare = _wish(language, kind, named), BARE.fullmatch(bare) or (kind == "about" and not named)
            return replace(wish, bare=bool(is_bare)) if wish else None
    for language, pattern in ALSO if before in get_args(Kind) else ():
        if found := pattern.fullmatch(unmarked(plain)):
            wish = _wish(language, before, _named(found, plain))  # type: ignore[arg-type]
            return replace(wish, sure=False) if wish and wish.thing else None
    for language, pattern in WANTED:
        if found := pattern.fullmatch(bare):
            wish = _wish(language, "search", _named(found, asked))
            return replace(wish, sure=False, wanted=True) if wish and wish.thing else None
    return None


def _mentioned(said: str, language: str) -> Told | None:
    """What is known of a product whose title's first word stands in a longer text: "can I see the Lino in the shop?". ``thing``
    of what is told is that word. Of products that are written down here: a shop far away is not asked about every text."""
    words = [word for word in WORD.findall(unmarked(_plain(said)).casefold()) if word not in SMALL]
    source = source_of_tenant() if len(words) > 1 and not MINE & set(words) else None
    if source is None or source.url:
        return None
    shop = shop_of(source, WAIT_S)
    firsts = ((WORD.findall(unmarked(one.title).casefold())[:1], one) for one in shop.search(" ".join(words)))
    found = {first[0]: one for first, one in firsts if first and len(first[0]) > 2 and first[0] in words}
    if not 0 < len(found) <= MOST:
        return None
    spoken = language.split("-")[0]
    wish = Wish(spoken if spoken in SENTENCES else "en", "about", "", ())
    lines = list(_sentences(wish, list(found.values())))
    if not lines:
        return None
    goods = list(found.values())
    return Told(
        next(iter(found)), (text("\n".join(lines)), Content(type="carousel", cards=cards_of(goods))), sources_of(goods), recalled=True,
        memory={"kind": "about", "ids": [one.id for one in goods]}, tools=({"name": "product_search", "outcome": "ok"},),
    )  # fmt: skip


def _named(found: re.Match[str], said: str) -> str:
    """The thing, as it was written."""
    return next((said[found.start(at) : found.end(at)] for at, part in enumerate(found.groups(), 1) if part), "")


def _name_in(said: str, language: str) -> Wish | None:
    plain = AND.sub("", _plain(said))
    if not 0 < len(plain.split()) <= LONGEST_NAME:
        return None
    spoken = language.split("-")[0]
    wish = _wish(spoken if spoken in SENTENCES else "en", "search", plain)
    return replace(wish, sure=False) if wish and wish.thing else None


def _plain(said: str) -> str:
    """Without what is polite; "" for what is too long to be looked at."""
    if len(said) > 2 * LONGEST:
        return ""
    composed = unicodedata.normalize("NFC", " ".join(said.split()))
    return POLITE.sub("", composed.strip(" ?!.")).strip(" ?!.")


def _wish(language: str, kind: Kind, named: str) -> Wish | None:
    words = WORD.findall(named)
    folded = [word.casefold() for word in words]
    if MINE & set(folded):
        return None
    first = next((place for place, word in enumerate(folded) if word not in SMALL), len(words))
    said = re.sub(rf"^(?:\W*\w+){{{first}}}\W*", "", named) if first < len(words) else ""
    return Wish(language, kind, said.strip(), tuple(word for word in folded if word not in SMALL))


def _pointing(wish: Wish | None, said: str, language: str) -> Wish | None:
    """The wish with what it points at among the products that were shown; of "the cheaper one" alone what it costs."""
    whole = _plain(said)
    plain = AND.sub("", whole)
    pointer = (pointer_in(wish.said) if wish and wish.thing else None) or pointer_in(whole) or pointer_in(plain)
    if pointer is None or (wish and not wish.thing):
        return wish
    spoken = language.split("-")[0]
    if wish is None:
        wish = Wish(pointer.language or (spoken if spoken in SENTENCES else "en"), "search", plain, (), sure=False)
    if not wish.sure:  # "y en a une moins chère" is no Spanish "and"
        wish = replace(wish, language=pointer.language or wish.language)
    told = wish.kind == "search" or (wish.kind == "about" and not wish.sure)
    kind: Kind = wish.kind if not told else "stock" if pointer.colour else "price"
    return replace(wish, kind=kind, thing=(pointer.colour.casefold(),) if pointer.colour else (), pointer=pointer)


def _meant(shop: Shop, wish: Wish, ids: Sequence[str]) -> tuple[list[Product], str]:
    """The products that a wish is about, and what it asks of them that nothing says. Raises ShopError."""
    if wish.pointer is None:
        return (_found(shop, wish) if wish.thing else [shop.details(id) for id in ids]), ""
    shown = [shop.details(id) for id in ids]
    found = pointed_at(wish.pointer, shown) or (_found(shop, wish) if wish.thing else [])
    return (found, "") if found or wish.pointer.place is not None else (shown, wish.pointer.colour)


def _beyond(shop: Shop, pointer: Pointer, ids: Sequence[str], shown: Sequence[str]) -> tuple[list[Product], bool]:
    """Of what was shown, and of its kind, what is cheaper (dearer) than that which was spoken of; else that again, and that
    there is none. Raises ShopError."""
    spoken = [shop.details(id) for id in ids]
    kind = [name for one in spoken for name in one.names or one.title.split()]
    others = [shop.details(id) for id in shown if id not in ids]
    known = {one.id for one in (*spoken, *others)}
    others += [one for name in dict.fromkeys(kind[:MOST]) for one in shop.search(name) if one.id not in known]
    found = others_beyond(pointer, spoken, others)
    return (found, False) if found else (pointed_at(pointer, spoken) or spoken, found is not None)


def _found(shop: Shop, wish: Wish) -> list[Product]:
    """Those that are called by the most of the words that were said, and by half of them at least: a shop's search may be
    generous."""
    found = shop.search(" ".join(wish.thing))
    scores = [sum(named_in(word, one) for word in wish.thing) for one in found]
    best = max(scores, default=0)
    enough = best if wish.sure else len(wish.thing)
    if 2 * best < len(wish.thing) or not best:
        return []
    return [one for one, score in zip(found, scores, strict=True) if score == best >= enough][:MOST]


def _whole(shop: Shop, wish: Wish, one: Product) -> Product:
    """With what is asked of it, where the list does not say."""
    if wish.kind == "stock" and one.stock is None:
        return replace(one, stock=shop.stock(one.id))
    if wish.kind == "about" and not one.description:
        return replace(one, description=shop.details(one.id).description)
    return replace(one, price=shop.price(one.id)) if wish.kind == "price" and not one.price else one


def _sentences(wish: Wish, found: list[Product]) -> Iterator[str]:
    costs, there, gone, have, _, known, *_ = SENTENCES[wish.language]
    if wish.kind == "search" and found:
        yield have
    for one in found:
        if wish.kind == "price" and one.price:
            yield costs.format(title=one.title, price=one.price)
        elif wish.kind == "stock" and one.stock is not None:
            yield (there if one.stock > 0 else gone).format(title=one.title, stock=one.stock)
        elif wish.kind == "about" and one.description:
            yield known.format(title=one.title, description=one.description.rstrip(" ."))
