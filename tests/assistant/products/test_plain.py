"""The built-in assistant answers questions about products from the tenant's source, without a model (AI-9)."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest

from assistant.builtin.engine import Builtin
from assistant.engines import engine_for
from assistant.port import EngineReply, EngineRequest, NotAtOnce
from assistant.products.models import ProductSource
from assistant.products.plain import product_told, wish_in
from channels_app.content.types import text
from chatsvc.demo import GOODS
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(scope: Any) -> ProductSource:
    return ProductSource.objects.create(tenant=scope, products=GOODS)


def said_to(tenant: Any, words: str, **members: Any) -> EngineReply:
    with tenant_scope(tenant.id):
        return engine_for({}).respond(EngineRequest(tenant.id, uuid.UUID(int=7), "web", (text(words),), **members))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How much does the Lino camp lantern cost?", "Lino camp lantern costs €129."),
        ("What is the price of the Glim globe?", "Glim globe costs €149."),
        ("Was kostet der Birk Pendant?", "Birk pendant kostet €189."),
        ("Combien coûte le Glim globe ?", "Glim globe coûte €149."),
        ("¿Cuánto cuesta la Lino camp lantern?", "Lino camp lantern cuesta €129."),
        ("Quanto custa o Glim globe?", "Glim globe custa €149."),
        ("Is the Birk pendant in stock?", "Birk pendant is in stock (12)."),
        ("Ist der Glim globe noch auf Lager?", "Glim globe ist zurzeit ausverkauft."),
        ("Le Birk pendant est-il en stock ?", "Birk pendant est en stock (12)."),
        ("¿Está el Glim globe disponible?", "Glim globe está agotado por ahora."),
        ("O Birk pendant está disponível?", "Birk pendant está disponível (12)."),
        ("Do you sell lanterns?", "This is what we have:"),
        ("Habt ihr den Lino?", "Das haben wir:"),
        ("Avez-vous un globe ?", "Voici ce que nous avons :"),
        ("¿Tienen el Birk?", "Esto es lo que tenemos:"),
        ("Vendem o Lino?", "É isto que temos:"),
        ("What is the Lino camp lantern made of?", "What I know of Lino camp lantern: Washed linen."),
        ("Wie schwer ist das Zelt?", "Was ich über Oak 2 tent weiß: Two people, 2.1 kg."),
        ("Combien pèse la tente ?", "Ce que je sais de Oak 2 tent : Two people, 2.1 kg."),
        ("¿De qué material es el Birk?", "Lo que sé de Birk pendant: Turned oak."),
        ("Quantos litros tem a mochila?", "O que sei sobre Ridge 40 backpack: 40 litres."),
        ("Gibt es Rucksäcke?", "Das haben wir:"),
        ("Cuanto cuesta la lampara Birk", "Birk pendant cuesta €189."),
    ],
)
def test_in_five_languages_with_a_card_and_its_source(source, scope, question: str, answer: str) -> None:
    reply = said_to(scope, question, at_once=True)
    assert reply.contents[0].text == answer and reply.intent == "products"
    assert [card.title for card in reply.contents[1].cards] == [one.title for one in reply.sources]
    assert len(reply.sources) == 1 and not reply.handover


@pytest.mark.parametrize(
    "words",
    [
        "What is the Lino camp lantern good for?",
        "How long is the warranty?",
        "What is the size of my parcel?",
        "Do not tell me how much the Lino camp lantern costs",
        "My Lino camp lantern is broken, how much is a repair?",
        "the price of " + "very " * 50 + "Lino",
    ],
)
def test_anything_else_is_the_assistants(source, scope, words: str) -> None:
    assert said_to(scope, words).intent != "products"


def test_a_tenant_without_a_source_or_with_it_off_has_no_products(source, scope, other_tenant) -> None:
    assert said_to(other_tenant, "Do you sell lanterns?").intent != "products"
    ProductSource.objects.update(enabled=False)
    assert said_to(scope, "Do you sell lanterns?").intent != "products"


def test_what_is_asked_over_the_network_does_not_hold_up_a_turn_that_may_not_wait(source, scope) -> None:
    ProductSource.objects.update(url="https://shop.example.com")
    with pytest.raises(NotAtOnce):
        said_to(scope, "Do you sell lanterns?", at_once=True)


def test_a_shop_that_is_away_leaves_the_assistants_answer(source, scope) -> None:
    ProductSource.objects.update(url="http://127.0.0.1:9")
    request = EngineRequest(scope.id, uuid.UUID(int=7), "web", (text("Do you sell lanterns?"),))
    builtin = Builtin()
    reply, plain = replace(builtin, shop=product_told).respond(request), builtin.respond(request)
    assert reply.contents == plain.contents and reply.why["tools"][0]["outcome"] == "address_blocked"


def test_two_that_fit_are_both_told(source, scope) -> None:
    ProductSource.objects.update(products=[*GOODS, {"id": "lino2", "title": "Lino tent lantern", "price": "€139"}])
    told = said_to(scope, "How much are the Lino lanterns?").contents[0].text
    assert told == "Lino camp lantern costs €129.\nLino tent lantern costs €139."


def test_a_wish_has_no_articles() -> None:
    wish = wish_in("how much is the  Lino?")
    assert wish and (wish.kind, wish.thing) == ("price", ("lino",))
