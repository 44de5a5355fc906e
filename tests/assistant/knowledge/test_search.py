"""Articles are found by what is meant, in other words and in another language, by their tenant alone (AI-7)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.builtin.covered import least_covered
from assistant.builtin.engine import Builtin, Options
from assistant.builtin.found import SURE
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
from channels_app.content.types import Choice, Content, text
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now
from tenants.tenant_settings import invalidate

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
    request = EngineRequest(tenant.id, new_id(), "web", (text(question),), **{"language": "en", **members})
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
        (
            "Do you do gift wrapping?",
            "Tick “it is a present” at the checkout: we wrap it for 3 euros and leave the prices out.",
        ),
        ("Is there insurance for a rented Lino, or not?", "What I know of Lino lantern: Washed linen."),
    ):
        assert asked(scope, question, of=with_shop).contents[0].text == answer


HOTEL = {
    "Vegetarian and vegan food": "The kitchen has vegan dishes every evening. Tell us of allergies when you book.",
    "Swimming pool and sauna": "The pool is open from 8 am to 9 pm, the sauna from 4 pm. Towels are at the entrance.",
    "Cots and extra beds": "We put a cot for a baby into your room for free. An extra bed for an older child costs 22 euros.",
    "City tax": "The town asks a visitor's tax of 2.80 euros per adult and night. You pay it when you leave.",
}
FOUR = Builtin(Options(languages=("en", "de", "es", "pt", "fr")))


@pytest.fixture
def hotel(scope: Any) -> Any:
    """All in English, and one thing in German."""
    for title, answer in HOTEL.items():
        KnowledgeEntry.objects.create(tenant=scope, title=title, answer=answer, language="en")
    KnowledgeEntry.objects.create(
        tenant=scope, title="Parken", answer="In der Tiefgarage kostet ein Stellplatz 14 Euro.", language="de"
    )
    go_on()
    return scope


@pytest.mark.parametrize(
    ("question", "language", "told"),
    [
        ("Kann man bei euch vegan essen?", "de", "Das habe ich nur auf Englisch:\nThe kitchen has vegan dishes"),
        ("Os lençóis e a cama extra custam quanto?", "pt", "Isto só tenho em inglês:\nWe put a cot"),
        ("How much does a parking space in the garage cost?", "en", "I have this in German only:\nIn der Tiefgarage"),
        ("Was kostet ein Stellplatz?", "de", "In der Tiefgarage kostet"),
        ("do you have vegan dishes", "en", "The kitchen has vegan"),
    ],
)
def test_what_only_another_language_has_is_told_with_a_word_on_it(hotel, question, language, told) -> None:
    """A German was told "I do not know" of whatever stood in English alone, as soon as one article was in German."""
    reply = asked(hotel, question, of=FOUR, language=language)
    assert (reply.contents[0].text[: len(told)], len(reply.sources)) == (told, 1)


@pytest.mark.parametrize(
    ("question", "language", "asked_about", "told"),
    [
        ("¿Hasta qué hora está abierta la piscina?", "es", "¿Quieres decir «Swimming pool and sauna»?", "Esto solo lo tengo en inglés:\nThe pool"),
        ("Combien coûte une place au garage ?", "fr", "Vouliez-vous dire « Parken » ?", "Je n'ai cette réponse qu'en allemand :\nIn der"),
    ],
)  # fmt: skip
def test_what_only_another_language_may_have_is_asked_about(hotel, question, language, asked_about, told) -> None:
    first = asked(hotel, question, of=FOUR, language=language)
    assert (first.contents[0].text, first.sources, first.unanswered) == (asked_about, (), False)
    picked = Choice(value=first.next_expected[0], title=first.contents[0].quick_replies[0].title)
    content = Content(type="quick_reply", text=picked.title, choice=picked)
    request = EngineRequest(hotel.id, new_id(), "web", (content,), language=language, context=first.context)
    second = FOUR.respond(request)
    assert (second.contents[0].text[: len(told)], len(second.sources)) == (told, 1)


@pytest.mark.parametrize(
    ("question", "language"),
    [("Haben Sie ein Fitnessstudio?", "de"), ("¿Alquilan bicicletas?", "es"), ("Há campo de ténis?", "pt")],
)
def test_what_no_language_has_is_not_known(hotel, question: str, language: str) -> None:
    reply = asked(hotel, question, of=FOUR, language=language)
    assert (reply.intent, reply.sources, reply.unanswered) == ("", (), True)


def test_the_tenants_own_language_stands_in_before_others(scope) -> None:
    """Of what is not there in Italian the first language of the settings is told, though another is as near."""
    for language in ("pt", "en", "de"):
        title = {"pt": "Garantia dos artigos", "en": "Warranty", "de": "Garantie"}[language]
        KnowledgeEntry.objects.create(tenant=scope, language=language, title=title, **KNOWLEDGE[language, title])
    go_on()
    question, found = "Quanto dura la garanzia?", []
    for languages in (["en", "de", "pt"], ["de", "en", "pt"], ["pt", "en", "de"]):
        scope.settings = {**scope.settings, "languages": languages}
        scope.save()
        invalidate(scope.id)
        found.append(passages(question, languages[0], 1)[0].language)
    assert found == ["en", "de", "pt"]


def test_articles_that_are_as_likely_are_asked_about_together(scope) -> None:
    for title, answer in (
        ("Lost books", "Who loses a book pays its price and 5 euros."),
        ("Damaged books", "Who damages a book pays its price and 5 euros."),
        ("Opening hours", "We are open from Tuesday to Friday."),
    ):
        KnowledgeEntry.objects.create(tenant=scope, title=title, answer=answer, language="en")
    go_on()
    reply = asked(scope, "Muss ich für ein Buch bezahlen?", of=FOUR, language="de")
    assert [one.title for one in reply.contents[0].quick_replies] == ["Lost books", "Damaged books", "Etwas anderes"]


def test_a_short_article_is_told_without_the_marks_of_its_markdown(scope) -> None:
    """Of a long one the marks of headings were left out; a short one came as it was written, with its asterisks."""
    answer = "# What you leave\n\nA deposit of **20 euros**."
    KnowledgeEntry.objects.create(tenant=scope, title="Deposits", answer=answer, language="en")
    go_on()
    assert asked(scope, "How much is the deposit?").contents[0].text == "What you leave\n\nA deposit of 20 euros."


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Can I bring my bicycle?", "en"),
        ("How do I wash my sleeping bag?", "en"),
        ("Gibt es die Regenjacke auch für Hunde?", "de"),
        ("A loja tem estacionamento?", "pt"),
    ],
)
def test_an_article_that_has_nothing_near_to_a_word_is_asked_about(scope, question: str, language: str) -> None:
    """Who asked for a bicycle was told of returns, for the rest of the question is near to a way to ask for them."""
    for (spoken, name), told in KNOWLEDGE.items():
        if spoken == language:
            KnowledgeEntry.objects.create(tenant=scope, language=spoken, title=name, **told)
    go_on()
    best = passages(question, language, 1)[0]
    assert best.score >= KNOWN + SURE
    reply = asked(scope, question, of=FOUR, language=language)
    assert (reply.sources, best.title[:19] in reply.contents[0].quick_replies[0].title) == ((), True)


def test_a_word_that_is_near_to_one_of_the_articles_is_no_reason_to_ask() -> None:
    article = "You can pay by Visa, Mastercard, PayPal, bank transfer, or on invoice within 14 days."
    assert least_covered("can i settle the bill by credit card", article) > least_covered(
        "can i pay in bicycles", article
    )
    assert least_covered("can i pay by paypal", article) == 1.0
    assert (least_covered("", article), least_covered("bicycles", "")) == (1.0, 1.0)
