"""What was shown is pointed at: "the cheaper one", "the second", "is the blue one in stock?" (AI-9)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from assistant.engines import engine_for
from assistant.port import EngineRequest
from assistant.products.adaptor import Product
from assistant.products.models import ProductSource
from assistant.products.pointing import Pointer, pointed_at, pointer_in
from assistant.products.shelf import named_in
from channels_app.content.types import text
from chatsvc.demo import GOODS

pytestmark = pytest.mark.django_db


def talk(tenant: Any, *lines: str, goods: Any = GOODS) -> list[str]:
    """What is answered to each, one after the other."""
    ProductSource.objects.create(tenant=tenant, products=goods)
    context: Any = {}
    said = []
    for line in lines:
        request = EngineRequest(tenant.id, uuid.UUID(int=7), "web", (text(line),), context=context)
        reply = engine_for({}).respond(request)
        context = reply.context
        said.append(f"{reply.intent}: {reply.contents[0].text}")
    return said


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (("Do you sell lamps?", "the cheaper one"), "Lino camp lantern costs €129."),
        (("Do you sell lamps?", "Which one is the most expensive?"), "Birk pendant costs €189."),
        (("Do you sell lamps?", "how much is the second one?"), "Lino camp lantern costs €129."),
        (("Do you sell lamps?", "the last", "is it in stock?"), "Glim globe is sold out at the moment."),
        (("Do you sell lamps?", "the cheaper one", "is it in stock?", "the last one"), "Glim globe costs €149."),
        (("Habt ihr Lampen?", "die günstigere"), "Lino camp lantern kostet €129."),
        (("Avez-vous des lampes ?", "la moins chère"), "Lino camp lantern coûte €129."),
        (("¿Tienen lámparas?", "la más barata"), "Lino camp lantern cuesta €129."),
        (("Vendem lâmpadas de teto?", "Vendem candeeiros?", "a mais barata"), "Lino camp lantern custa €129."),
        (("Do you have tents?", "is the blue one in stock?"), "I have no word on “blue”. What I know:\nOak 2 tent is in stock (8)."),
        (("Do you have tents?", "do you have it in red?"), "I have no word on “red”. What I know:\nOak 2 tent is in stock (8)."),
        (("Gibt es Zelte?", "ist das blaue auf Lager?"), "Zu „blaue“ ist mir nichts bekannt. Was ich weiß:\nOak 2 tent ist auf Lager (8)."),
    ],
)  # fmt: skip
def test_of_what_was_shown_the_one_that_is_meant(scope: Any, lines: tuple[str, ...], answer: str) -> None:
    """ "The cheaper one" after three lamps was told of discounts, and the blue one was not in the shop."""
    assert talk(scope, *lines)[-1] == f"products: {answer}"


NONE = "I have nothing cheaper of this kind.\n"


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (("Do you have tents?", "the cheaper one?"), f"{NONE}Oak 2 tent costs €249."),
        (("Do you have tents?", "something more expensive?"), "I have nothing dearer of this kind.\nOak 2 tent costs €249."),
        (("How much is the Birk?", "do you have anything cheaper?"), "Lino camp lantern costs €129."),
        (("How much is the Birk?", "anything cheaper", "a cheaper one"), f"{NONE}Lino camp lantern costs €129."),
        (("Do you sell lamps?", "the cheapest", "anything cheaper than that?"), f"{NONE}Lino camp lantern costs €129."),
        (("Do you sell lamps?", "the last one", "the cheaper one"), "Lino camp lantern costs €129."),
        (("Habt ihr Zelte?", "und die billigere?"), "Etwas Günstigeres dieser Art habe ich nicht.\nOak 2 tent kostet €249."),
        (("Was kostet Birk?", "gibts was günstigeres?"), "Lino camp lantern kostet €129."),
        (("Vous avez des tentes ?", "y en a une moins chère ?"), "Je n’ai rien de moins cher dans ce genre.\nOak 2 tent coûte €249."),
        (("¿Tienen lámparas?", "la más barata", "¿hay algo más barato?"), "No tengo nada más barato de este tipo.\nLino camp lantern cuesta €129."),
        (("Vendem lanternas?", "mais barata?"), "Não tenho nada mais barato deste género.\nLino camp lantern custa €129."),
        (("Vendem lanternas?", "a mais barata"), "Não tenho nada mais barato deste género.\nLino camp lantern custa €129."),
    ],
)  # fmt: skip
def test_a_cheaper_one_than_the_one_that_was_spoken_of(scope: Any, lines: tuple[str, ...], answer: str) -> None:
    """The same product was named again, as if it were cheaper than itself; "something cheaper" was told of discounts."""
    assert talk(scope, *lines)[-1] == f"products: {answer}"


@pytest.mark.parametrize("prices", [("90 EUR", "80 USD"), ("90 EUR", ""), ("", "80 EUR")])
def test_that_there_is_nothing_cheaper_is_not_claimed_where_prices_cannot_be_compared(scope: Any, prices: Any) -> None:
    goods = [{"id": str(at), "title": f"{at} stove", "price": price} for at, price in enumerate(prices)]
    assert "nothing cheaper" not in talk(scope, "how much is the 0 stove?", "anything cheaper?", goods=goods)[-1]


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (("Do you have tents?", "is it big enough for 3 people?"), "What I know of Oak 2 tent: Two people, 2.1 kg."),
        (("Do you have tents?", "is it waterproof"), "What I know of Oak 2 tent: Two people, 2.1 kg."),
        (("Habt ihr Zelte?", "für 3 Personen?"), "Was ich über Oak 2 tent weiß: Two people, 2.1 kg."),
        (("Habt ihr Lampen?", "die günstigste", "ist die wasserdicht?"), "Was ich über Lino camp lantern weiß: Washed linen."),
        (("Habt ihr Zelte?", "gibt es das auch in rot"), "Zu „rot“ ist mir nichts bekannt. Was ich weiß:\nOak 2 tent ist auf Lager (8)."),
        (("Vous avez des tentes ?", "pour 4 personnes ?"), "Ce que je sais de Oak 2 tent : Two people, 2.1 kg."),
        (("¿Tienen lámparas?", "la más barata", "¿es impermeable?"), "Lo que sé de Lino camp lantern: Washed linen."),
        (("Vendem lanternas?", "mais detalhes"), "O que sei sobre Lino camp lantern: Washed linen."),
        (("Vendem lanternas?", "é à prova de água?"), "O que sei sobre Lino camp lantern: Washed linen."),
        (("Vous avez des tentes ?", "Vos horaires ?", "et des sacs à dos ?"), "Voici ce que nous avons :"),
    ],
)  # fmt: skip
def test_what_is_asked_of_the_one_that_was_shown(scope: Any, lines: tuple[str, ...], answer: str) -> None:
    """ "Is it waterproof?" of a lamp was told of a jacket, "for 3 people?" of colleagues, sacks not found in the plural."""
    assert talk(scope, *lines)[-1] == f"products: {answer}"


def test_a_colour_that_is_told_of_one_means_it(scope: Any) -> None:
    goods = [
        {"id": "1", "title": "Fox tent", "description": "In red", "stock": 3},
        {"id": "2", "title": "Blue tent", "stock": 0},
    ]
    said = talk(scope, "Do you sell tents?", "is the blue one in stock?", "and the red one?", goods=goods)
    assert said[1:] == ["products: Blue tent is sold out at the moment.", "products: Fox tent is in stock (3)."]


def test_where_nothing_was_shown_nothing_is_pointed_at(scope: Any) -> None:
    assert not talk(scope, "the cheaper one")[-1].startswith("products")


def test_a_place_that_none_has_is_not_guessed(scope: Any) -> None:
    assert not talk(scope, "Do you have tents?", "the third one")[-1].startswith("products")


def test_prices_in_several_currencies_are_not_compared() -> None:
    shown = [
        Product("1", "A", price="100 EUR"),
        Product("2", "B", price="90 USD"),
        Product("3", "C", price="1.299,00 EUR"),
    ]
    cheapest = Pointer("en", order=-1)
    assert pointed_at(cheapest, shown) == []
    assert pointed_at(cheapest, [shown[0], shown[2]]) == [shown[0]]
    assert pointed_at(cheapest, [shown[0], Product("4", "D")]) == []


@pytest.mark.parametrize(
    "words",
    ["cheap", "second hand", "first aid kit", "blue tent", "the first order", "last minute", "the cheapest tent"],
)
def test_other_words_point_at_nothing(words: str) -> None:
    assert pointer_in(words) is None


@pytest.mark.parametrize(
    ("word", "title", "is_it"),
    [("drizle", "Drizzle", True), ("rucksak", "Rucksack", True), ("jaket", "Jacket", True), ("rocket", "Jacket", False),
     ("gloves", "Globe", False), ("lamps", "Lamp", True), ("tend", "Tent", False)],
)  # fmt: skip
def test_a_slip_of_the_finger_names_a_product_still(word: str, title: str, is_it: bool) -> None:
    assert named_in(word, Product("1", title)) is is_it
