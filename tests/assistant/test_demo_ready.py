"""A fresh demo understands its first message: what its examples teach comes with the package (AI-4, AI-11)."""

from __future__ import annotations

import os
from typing import Any

import pytest

from assistant.demo import ready, seed_assistant
from assistant.intents import lessons as memory
from assistant.intents.learning import apart
from assistant.intents.recognised import recognise
from assistant.intents.versions.held import is_readable
from assistant.models import Intent, KnowledgeEntry, TrainedModel
from chatsvc.demo import SETTINGS
from tests.assistant.test_apart import learnt_apart

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo(scope: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The demo's examples and languages, before anything is learnt; learning would take seconds, and is noted."""
    settings.ENV = {**settings.ENV, "ASSISTANT_MEANING": True}
    scope.settings = {**scope.settings, "languages": SETTINGS["languages"]}
    scope.save()
    seed_assistant(scope)
    return scope


@pytest.fixture
def learnt_anew(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    done: list[str] = []
    monkeypatch.setattr(memory, "learn", lambda *given: pytest.fail("it is learnt anew"))
    monkeypatch.setattr(memory, "_beside", lambda work, *given: done.append(work.__name__))
    return done


def test_it_is_of_what_the_demo_is_taught_now(demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a fresh demo is worse until it has learnt; `make demo-learnt` writes the file anew."""
    if os.environ.get("DEMO_LEARNT") == "write":
        monkeypatch.setattr(apart, "learnt", learnt_apart)
        ready.ready_write()
    assert ready.ready_seed(), "make demo-learnt"
    assert len(list(ready.LEARNT.iterdir())) == 1


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("dov'è il mio ordine?", "order_status"), ("waar blijft mijn bestelling", "order_status"),
        ("mein Paket ist noch immer nicht angekommen", "order_status"), ("Rückgabe", "return_item"),
    ],
)  # fmt: skip
def test_the_first_message_is_understood_by_its_meaning(
    demo: Any, learnt_anew: list[str], said: str, meant: str
) -> None:
    assert ready.ready_seed()
    known = memory.lessons()
    (found,) = recognise(known, [said], sure=0.55)
    assert (found.classification.intent, found.classification.confidence > 0.55) == (meant, True)
    assert learnt_anew == []


def test_articles_are_those_of_the_rows(demo: Any, learnt_anew: list[str]) -> None:
    ready.ready_seed()
    known = memory.lessons()
    for entry in KnowledgeEntry.objects.filter(language="de")[:5]:
        best = known.knowledge.search(known.features.row(entry.questions[0]), "de")[0]
        assert (best.fact.id, best.fact.answer) == (str(entry.id), entry.answer)


def test_again_and_of_other_examples_nothing_is_kept(demo: Any, learnt_anew: list[str]) -> None:
    assert ready.ready_seed()
    assert not ready.ready_seed()
    (row,) = TrainedModel.objects.all()
    assert is_readable(row) and row.version == 1 and row.training_until is None
    intent = Intent.objects.get(name="order_status")
    intent.examples = [*intent.examples, "has my box been sent off"]
    intent.save()
    assert not ready.ready_seed()
    assert TrainedModel.objects.count() == 1
