"""The bot goes on in the language that the person writes, also where their last words do not tell it (MSG-3, BOT-2)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.content.types import text
from conversations.models import Contact
from messaging.turns import thinking

pytestmark = pytest.mark.django_db(transaction=True)


class Engine:
    name = "test"

    def __init__(self) -> None:
        self.spoken: list[str] = []

    def respond(self, request: Any) -> EngineReply:
        self.spoken.append(request.language)
        words = (
            "Wie lautet denn die Nummer der Bestellung, bitte?"  # of ours: what we say is no sign of what they speak
        )
        return EngineReply(contents=(text(words),), context=dict(request.context), engine=self.name)


@pytest.fixture
def spoken(api: Any, tenant: Any, web: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``spoken("Olá", "AC-10042")``: the language that the engine is told for each of these."""
    tenant.settings = {"languages": ["en", "de", "fr", "es", "pt"]}
    tenant.save()
    made, client = Engine(), api(tenant)
    monkeypatch.setattr(thinking, "engine_for", lambda settings: made)

    def say(*lines: str) -> list[str]:
        made.spoken.clear()
        for line in lines:
            body = {"user_id": "u1", "channel": "web", "content": {"type": "text", "text": line}}
            assert client.post("/api/v2/chat/message", body).status_code == 200
        return list(made.spoken)

    return say


def test_short_words_stand_in_the_language_before_them(spoken: Any) -> None:
    said = ("Onde está a minha encomenda?", "AC-10042", "Wo ist denn nun meine Bestellung?", "AC-10042")
    assert spoken(*said) == ["pt", "pt", "de", "de"]


def test_what_the_contact_speaks_counts_where_nothing_was_written_yet(spoken: Any) -> None:
    spoken("AC-10042")
    Contact.objects.unscoped().update(language="fr")
    assert spoken("AC-10042", "Onde está a minha encomenda?", "AC-10042") == ["fr", "pt", "pt"]


def test_a_line_that_may_be_of_its_neighbour_changes_no_language(spoken: Any) -> None:
    assert spoken("Cancele pedido por favor") == ["pt"]  # what is guessed of it alone
    before = "¿Dónde está mi pedido? Quiero saber cuándo llega"
    assert spoken(before, "Cancele pedido por favor", "AC-10042") == ["es", "es", "es"]
    assert spoken("Onde está a minha encomenda? Quero saber quando chega", "AC-10042") == ["pt", "pt"]


def test_two_lines_that_tell_the_same_change_it(spoken: Any) -> None:
    before = "Onde está a minha encomenda? Quero saber quando chega"
    assert spoken(before, "falta algo en mi paquete", "AC-10042", "plazo de entrega") == ["pt", "pt", "pt", "es"]


def test_a_language_that_the_sender_names_counts(spoken: Any, api: Any, tenant: Any) -> None:
    spoken("¿Dónde está mi pedido? Quiero saber cuándo llega")
    body = {"user_id": "u1", "channel": "web", "content": {"type": "text", "text": "OK 12", "language": "pt"}}
    assert api(tenant).post("/api/v2/chat/message", body).status_code == 200
    assert spoken("AC-10042") == ["pt"]


def test_one_small_word_in_a_short_line_changes_no_language(spoken: Any) -> None:
    """Dialect has the small words of other languages: "hab ne frage" was answered in French."""
    assert spoken("moin", "hab ne frage", "AC-10042", "i mog net") == ["de"] * 4
    assert spoken("Where is my parcel?", "hab ne frage", "et demain ?", "und morgen") == ["en", "en", "fr", "de"]
