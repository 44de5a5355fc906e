"""Which of the products that were shown a person means: "the cheaper one", "the second", "the blue one", in five languages.

Owns the words for it, as data. Must not ask a shop.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from assistant.products.adaptor import Product
from channels_app.words.entities import find_entities
from channels_app.words.folding import unmarked

#: language → what may stand before, the cheapest, the dearest, places in their order and the last, what may stand behind
POINTERS: dict[str, tuple[str, str, str, tuple[str, ...], str]] = {
    "en": (
        r"(?:(?:and )?(?:which|what)(?: one)?(?: is|'s|’s) |show me |i(?:'d| would)? (?:want|take|like) |what about )?(?:the )?",
        "cheap(?:er|est)|less expensive|least expensive", "more expensive|most expensive|dear(?:er|est)|priciest",
        ("first|1st", "second|2nd", "third|3rd", "last"), "(?: ones?)?(?: of (?:them|these|those|the (?:two|three)))?",
    ),
    "de": (
        r"(?:welche[rs]?(?: davon)? ist |zeigen sie mir |zeig mir |ich (?:nehme|möchte) |was ist mit )?(?:(?:der|die|das|den|dem|am) )?",
        r"(?:günstig|billig)(?:er|st)(?:e[nrs]?)?|preiswerte(?:r|st)(?:e[nrs]?)?", r"teuer(?:er|st)(?:e[nrs]?)?|teur(?:er|st)(?:e[nrs]?)?",
        ("erste[nrs]?", "zweite[nrs]?", "dritte[nrs]?", "letzte[nrs]?"), "(?: davon| von (?:den |diesen )?(?:beiden|dreien))?",
    ),
    "fr": (
        r"(?:(?:lequel|laquelle|quel|quelle) est |montrez-moi |et )?(?:(?:celui|celle) )?(?:l[ea] )?",
        "moins ch[eè]re?", "plus ch[eè]re?",
        ("premi[eè]re?", "deuxi[eè]me|seconde?", "troisi[eè]me", "derni[eè]re?"), "(?: des (?:deux|trois))?",
    ),
    "es": (
        r"¿?(?:cu[áa]l es |mu[ée]streme |y )?(?:(?:el|la) )?", "m[áa]s barat[oa]|m[áa]s econ[óo]mic[oa]", "m[áa]s car[oa]",
        ("primer[oa]?", "segund[oa]", "tercer[oa]?", "[úu]ltim[oa]"), "(?: de l[oa]s (?:dos|tres))?",
    ),
    "pt": (
        r"(?:qual é |mostre-me |e )?(?:[oa] )?", "mais barat[oa]|mais em conta", "mais car[oa]",
        ("primeir[oa]", "segund[oa]", "terceir[oa]", "[úu]ltim[oa]"), "(?: d[oa]s (?:dois|duas|três))?",
    ),
}  # fmt: skip
#: language → what stands before and behind "cheaper" in a question for others than those that were shown
BEYOND: dict[str, tuple[str, str]] = {
    "en": (
        r"(?:(?:do you have|have you got|is there|are there|got|i want|i need|show me) )?(?:anything|something|nothing|one|any|an?)? ?",
        "(?: ones?| options?| models?)?(?: than (?:this|that|these|those|it|them))?",
    ),
    "de": (
        r"(?:(?:gibt'?s|gibt es|habt ihr|haben sie|hättet ihr|geht es|geht(?:'s| das)?) )?(?:(?:da|auch|noch|denn|nicht) )*(?:(?:was|etwas|eine?n?s?|nichts) )?(?:(?:auch|noch) )?",
        "(?: als (?:das|die|der))?",
    ),
    "fr": (
        r"(?:(?:(?:(?:il )?y )?en a|il y a|vous (?:en )?avez|avez-vous|vous auriez) )?(?:(?:quelque chose|rien|pas|une?|un mod[eè]le)(?: de)? )?(?:de )?",
        "s?(?: que (?:ça|celle-ci|celui-ci))?",
    ),
    "es": (r"¿?(?:(?:hay|tienen|ten[eé]is|tienes) )?(?:(?:algo|algun[oa]|un[oa]|otr[oa]|nada) )?", "s?(?: que (?:es[ea]|est[ea]))?"),
    "pt": (r"(?:(?:h[áa]|t[êe]m|existe) )?(?:(?:algo|algum(?:a)?|uma?|outr[oa]|alguma coisa|nada) )?", "s?(?: (?:do )?que (?:ess[ea]|est[ea]))?"),
}  # fmt: skip
COLOURS = (
    "blue|red|green|black|white|yellow|gr[ea]y|brown|orange|pink|purple|beige",
    r"(?:blau|rot|grün|schwarz|weiß|weiss|gelb|grau|braun|lila)(?:e[nmrs]?)?",
    "bleue?s?|rouges?|verte?s?|noire?s?|blanc(?:he)?s?|jaunes?|grise?s?|marron|roses?|violette?s?",
    "azul(?:es)?|roj[oa]s?|verdes?|negr[oa]s?|blanc[oa]s?|amarill[oa]s?|gris(?:es)?|marr[óo]n(?:es)?|rosas?",
    "azuis|vermelh[oa]s?|pret[oa]s?|branc[oa]s?|amarel[oa]s?|cinzent[oa]s?|castanh[oa]s?|rox[oa]s?",
)
COLOUR = re.compile(
    unmarked(
        r"(?:(?:do you have|is there|does) (?:it|that|this|them|one)(?: come| available)? |(?:gibt'?s|gibt es|habt ihr|haben sie) "
        r"|(?:vous l['’]avez|l['’]avez-vous|(?:il|elle|ça) existe|existe-t-(?:il|elle)) |¿?l[oa]s? (?:tienen|ten[ée]is|hay) |(?:t[êe]m|h[áa])(?:-n?[oa]s?)? )?"
        rf"(?:(?:also|auch|noch|aussi|tamb[ié]é?n|também|it|sie|ihn|es) |in (?:the )?|(?:the|der|die|das|den|le|la|el|en|em|o|a) )*({'|'.join(COLOURS)})(?: ones?)?"
    ),
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Pointer:
    """``order``: -1 the cheapest, 1 the dearest, with ``beyond`` cheaper or dearer than those that were spoken of; ``place``: of
    those shown, from 0, -1 the last; ``colour``: as it was written."""

    language: str = ""
    order: int = 0
    place: int | None = None
    colour: str = ""
    beyond: bool = False


def _compiled() -> list[tuple[re.Pattern[str], Pointer]]:
    found = []
    for language, (before, least, most, places, behind) in POINTERS.items():
        meant = [(least, Pointer(language, -1)), (most, Pointer(language, 1))]
        meant += [
            (shape, Pointer(language, place=-1 if at == len(places) - 1 else at)) for at, shape in enumerate(places)
        ]
        found += [(re.compile(unmarked(rf"{before}(?:{shape}){behind}"), re.IGNORECASE), one) for shape, one in meant]
        before, behind = BEYOND[language]
        found += [
            (re.compile(unmarked(rf"{before}(?:{shape}){behind}"), re.IGNORECASE), replace(one, beyond=True))
            for shape, one in meant[:2]
        ]
    return found


SHAPES = _compiled()


def pointer_in(words: str) -> Pointer | None:
    """What the words point at, if they do nothing else: a whole text without its end mark, or the thing of a question."""
    bare = unmarked(words)
    for shape, pointer in SHAPES:
        if shape.fullmatch(bare):
            return pointer
    coloured = COLOUR.fullmatch(bare)
    return Pointer(colour=words[coloured.start(1) : coloured.end(1)]) if coloured else None


def pointed_at(pointer: Pointer, shown: Sequence[Product]) -> list[Product]:
    """Of those that were shown the one that is meant; none where that cannot be told: prices in several currencies are not
    compared."""
    if pointer.colour:
        return [one for one in shown if _says(one, pointer.colour)]
    if pointer.place is not None:
        return [shown[pointer.place]] if -1 <= pointer.place < len(shown) else []
    prices = [_amount(one.price) for one in shown]
    known = [price for price in prices if price is not None]
    if not known or len(known) < len(shown) or len({currency for _, currency in known}) > 1:
        return []
    wanted = min(known) if pointer.order < 0 else max(known)
    return [one for one, price in zip(shown, prices, strict=True) if price == wanted]


def others_beyond(pointer: Pointer, spoken: Sequence[Product], others: Sequence[Product]) -> list[Product] | None:
    """Of others the cheapest that is cheaper than all that were spoken of, or the dearest that is dearer, [] where there is no
    such; None where prices are not told or not to be compared."""
    ids = {one.id for one in spoken}
    here = pointed_at(pointer, spoken)
    best = pointed_at(pointer, [*here[:1], *(one for one in others if one.id not in ids)])
    if not here or not best:
        return None
    return [one for one in best if one.id not in ids and _amount(one.price) != _amount(here[0].price)][:1]


def _amount(price: str) -> tuple[Decimal, str] | None:
    """ "1.299,00 €" as 1299.00 and EUR; of a mere number the currency is ""."""
    for one in find_entities(price):
        if one.type == "money":
            amount, _, currency = one.value.partition(" ")
            return Decimal(amount), currency
    return (Decimal(price), "") if re.fullmatch(r"\d{1,12}(?:\.\d{1,4})?", price) else None


def _says(one: Product, colour: str) -> bool:
    stem = unmarked(colour.casefold())[:4]
    told = unmarked(" ".join((one.title, one.description, *one.names)).casefold())
    return any(part.startswith(stem) for part in re.findall(r"\w+", told))
