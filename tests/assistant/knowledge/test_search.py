"""Articles are found by what is meant, in other words and in another language, by their tenant alone (AI-7)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.builtin.engine import Builtin
from assistant.demo import KNOWLEDGE
from assistant.intents import lessons as memory
from assistant.knowledge import search
from assistant.knowledge.indexed import articles_go_on
from assistant.knowledge.search import KNOWN, known_from, passages
from assistant.models import KnowledgeEntry, Vector, VectorLane
from assistant.port import EngineRequest, NotAtOnce
from assistant.products.models import ProductSource
from assistant.products.plain import product_told
from assistant.vectors import embedded
from assistant.vectors.lanes import vectors_go_on
from assistant.vectors.port import StoreAway
from channels_app.content.types import text
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "\n\n".join(
    f"## {title}\n{words} " + "This holds for orders of our shop and for those by telephone. " * 3
    for title, words in {
        "Damaged goods": "If the parcel was damaged in transport, tell us within two days and send photographs of the box.",
        "Furniture": "For furniture that a forwarder has delivered you pay 39 euros for the collection.",
    }.items()
)


@pytest.fixture(autouse=True)
def looked_at_once(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.ENV = {**settings.ENV, "ASSISTANT_MEANING": True}
    for room in (search, embedded):
        monkeypatch.setattr(room, "LOOK_EVERY_S", 0.0)
        room.forget_all()
    yield
    memory.forget_all()
    search.forget_all()


def go_on() -> None:
    VectorLane.objects.unscoped().update(due_at=now())
    vectors_go_on(lambda: True, [articles_go_on])


@pytest.fixture
def shop(scope: Any) -> Any:
    for title, answer, language in (
        ("Return policy", "You can send back unused items within 60 days, free of charge.", ""),
        ("Payment", "You can pay by Visa, Mastercard, PayPal, or on invoice within 14 days.", ""),
        ("Opening hours", "The shop is open from Monday to Friday, 9 to 18.", "en"),
        ("Öffnungszeiten", "Der Laden ist von Montag bis Freitag geöffnet, 9 bis 18 Uhr.", "de"),
        ("Terms of sale", LONG, ""),
    ):
        KnowledgeEntry.objects.create(
            tenant=scope, title=title, answer=answer, language=language, source_url=f"https://shop.example/{title[:3]}"
        )
    go_on()
    return scope


@pytest.mark.parametrize(
    ("question", "language", "title"),
    [
        ("can I return what I have not used", "en", "Return policy"),
        ("Wie lange kann ich etwas zurückgeben?", "de", "Return policy"),
        ("Kann ich mit Kreditkarte zahlen?", "de", "Payment"),
        ("¿Puedo pagar con tarjeta?", "es", "Payment"),
        ("when do you open", "en", "Opening hours"),
        ("Wann habt ihr offen?", "de", "Öffnungszeiten"),
        ("the box arrived broken", "en", "Terms of sale"),
    ],
)
def test_a_question_in_other_words_or_another_language(shop, question: str, language: str, title: str) -> None:
    best = passages(question, language, 1)[0]
    assert (best.title, best.score >= KNOWN, best.url) == (title, True, f"https://shop.example/{title[:3]}")


def test_what_is_there_in_the_persons_language_is_told_in_it(scope) -> None:
    """A German was told in English where the Swiss get their parcels, and a Portuguese of the English newsletter."""
    theirs = (("de", "Lieferländer"), ("en", "Countries we ship to"), ("en", "Leaving the newsletter"))
    for language, title in theirs:
        KnowledgeEntry.objects.create(tenant=scope, language=language, title=title, **KNOWLEDGE[language, title])
    go_on()
    assert passages("Liefert ihr in die Schweiz?", "de", 1)[0].title == "Lieferländer"
    lost = passages("die Mail hab ich gelöscht", "de", 1)[0]
    assert (lost.language, lost.score >= KNOWN) == ("en", False)
    assert passages("Livrez-vous en Suisse ?", "fr", 1)[0].score >= KNOWN  # they have none in French


def test_a_question_in_a_language_of_no_article_is_not_taken_for_another(scope) -> None:
    """Who asked for their order in Arabic was told of the shop's jobs, and in Japanese what its fabrics are made of."""
    for (language, title), told in KNOWLEDGE.items():
        KnowledgeEntry.objects.create(tenant=scope, language=language, title=title, **told)
    go_on()
    lost = (
        "أين طلبي؟",
        "注文はどこですか",
        "Siparişim nerede?",
        "كيف أعيد المنتج؟",
        "Jak mogę zwrócić towar?",
        "كلبي مريض",
    )
    assert [passages(asked, "en", 1)[0].title for asked in lost if passages(asked, "en", 1)[0].score >= KNOWN] == []
    found = {
        "Come posso pagare?": "Payment methods", "パスワードを忘れました": "Forgotten password", "Zapomniałem hasła": "Forgotten password",
        "Nasıl ödeyebilirim?": "Payment methods", "Czy naprawiacie kurtki?": "Repairs",
    }  # fmt: skip
    assert {asked: passages(asked, "en", 1)[0].title for asked in found} == found
    assert all(passages(asked, "en", 1)[0].score >= KNOWN for asked in found)


@pytest.mark.parametrize("said", ["x", "hmm", "tja", "nja", "blah", "zzz", "sus", "yo", "alô?"])
def test_what_says_nothing_is_about_no_article(scope, said: str) -> None:
    """A short title is near to whatever says nothing: a German who wrote "x" was told of the hire of tents."""
    for title in ("Verleih", "Erstattung", "Reparaturen"):
        KnowledgeEntry.objects.create(tenant=scope, language="de", title=title, **KNOWLEDGE["de", title])
    go_on()
    assert [one.title for one in passages(said, "de") if one.score >= KNOWN] == []
    assert passages("Kann man bei euch Schlafsäcke leihen?", "de", 1)[0].title == "Verleih"


@pytest.mark.parametrize("question", ["who won the world cup", "Erzähl mir einen Witz", "asdf qwer", "i love you"])
def test_what_no_article_says_is_not_known(shop, question: str) -> None:
    assert [one for one in passages(question, "en", 3) if one.score >= KNOWN] == []


def test_of_a_long_article_the_passage_that_is_meant(shop) -> None:
    damaged, forwarder = (
        passages(asked, "en", 1)[0] for asked in ("the parcel was damaged", "collection of furniture")
    )
    assert ("two days" in damaged.text, "39 euros" in forwarder.text) == (True, True)
    assert (damaged.article_id, damaged.id) == (forwarder.article_id, f"{damaged.article_id}.0")


def test_letters_stand_in_where_the_store_is_away(shop, monkeypatch) -> None:
    def away(*_: Any) -> None:
        raise StoreAway("http_503")

    monkeypatch.setattr(search, "vectors_like", away)
    assert passages("return policy", "en", 1)[0].title == "Return policy"


def test_another_tenant_knows_none_of_it(shop, other_tenant) -> None:
    with tenant_scope(other_tenant.id):
        assert passages("return policy", "en") == []


def test_what_was_changed_is_told_as_it_is(shop) -> None:
    KnowledgeEntry.objects.filter(title="Return policy").update(answer="No more returns.", updated_at=now())
    assert passages("return policy", "en", 1)[0].text == "No more returns."
    KnowledgeEntry.objects.filter(title="Return policy").update(enabled=False, updated_at=now())
    assert "Return policy" not in [one.title for one in passages("return policy", "en")]
    assert Vector.objects.filter(kind="article").exists()


def test_an_article_that_says_nothing_is_not_told(shop) -> None:
    KnowledgeEntry.objects.create(tenant=shop, title="Gift wrapping", answer=" ")
    go_on()
    assert "Gift wrapping" not in [one.title for one in passages("gift wrapping", "en")]


def test_articles_that_another_thread_reads_anew_meanwhile_do_not_end_the_question(shop, monkeypatch) -> None:
    like = search.vectors_like

    def meanwhile(*given: Any) -> Any:
        known = search._known[shop.id]
        known.passages = {id: one for id, one in known.passages.items() if one.title != "Return policy"}
        return like(*given)

    monkeypatch.setattr(search, "vectors_like", meanwhile)
    assert "Return policy" not in [one.title for one in passages("return policy", "en")]


def asked(tenant: Any, question: str, of: Builtin | None = None, **members: Any) -> Any:
    request = EngineRequest(tenant.id, new_id(), "web", (text(question),), language="en", **members)
    return (of or Builtin()).respond(request)


def test_the_assistant_tells_it_with_its_source(shop) -> None:
    reply = asked(shop, "What if the box arrived broken and the things inside too?")
    assert (reply.intent, "two days" in reply.contents[0].text, "#" in reply.contents[0].text) == (
        "knowledge",
        True,
        False,
    )
    assert [(one.kind, one.title, one.url) for one in reply.sources] == [
        ("article", "Terms of sale", "https://shop.example/Ter")
    ]
    assert reply.contents[0].buttons[0].url == "https://shop.example/Ter"


def test_an_instant_answer_embeds_nothing(shop, monkeypatch) -> None:
    asked(shop, "hello")
    monkeypatch.setattr(search.texts, "encoded", None)
    assert asked(shop, "hello", at_once=True).intent == "greeting"
    with pytest.raises(NotAtOnce):
        asked(shop, "What if the box arrived broken and the things inside too?", at_once=True)


def test_a_tenant_that_wants_to_be_surer_is_obeyed() -> None:
    assert (known_from(0.38), known_from(0.58), known_from(2.0)) == (KNOWN, pytest.approx(KNOWN + 0.2), 1.0)


def test_what_may_be_meant_is_asked_and_no_wrong_article_told_for_right(scope) -> None:
    """Who asked for gift wrapping was told what gift cards cost."""
    for (language, title), told in KNOWLEDGE.items():
        KnowledgeEntry.objects.create(tenant=scope, language=language, title=title, **told)
    go_on()
    told = asked(scope, "Is it possible to hire a tent for two days?")
    assert (told.intent, told.sources[0].title) == ("knowledge", "Renting equipment")
    reply = asked(scope, "Do you have insurance for rented gear?")
    assert (reply.intent, reply.contents[0].text, reply.sources) == ("", "Did you mean “Renting equipment”?", ())
    assert [one.title for one in reply.contents[0].quick_replies] == ["Renting equipment", "Something else"]
    [article] = KnowledgeEntry.objects.filter(title="Renting equipment")
    assert reply.next_expected == (f"knowledge:{article.id}",)
    ProductSource.objects.create(
        tenant=scope, products=[{"id": "1", "title": "Lino lantern", "description": "Washed linen"}]
    )
    with_shop = Builtin(shop=product_told)
    for question, answer in (
        ("Do you do gift wrapping?", "Did you mean “Gift cards”?"),
        ("Is there insurance for a rented Lino, or not?", "What I know of Lino lantern: Washed linen."),
    ):
        assert asked(scope, question, of=with_shop).contents[0].text == answer
