"""The second look in conversations: learnt in the background, kept for every process, not taken where letters settle it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from assistant.builtin.dialogue import Dialogue
from assistant.builtin.turn import Options
from assistant.demo import seed_assistant
from assistant.embeddings import encoders
from assistant.features import features_for
from assistant.intents import lessons as memory
from assistant.intents import stages
from assistant.intents.learning import apart, arrays, stored
from assistant.intents.learning.training import Example
from assistant.intents.lessons import Lessons, invalidate, lessons
from assistant.models import Intent, LearntNumbers, TrainedModel
from assistant.port import EngineRequest, NotAtOnce
from channels_app.content.types import text
from tenants.models import Tenant
from tenants.scope import tenant_scope

STRANGE = "Ich hätte gern mein Geld zurück"  # shares no word with an example
apart_meant = apart.meant  # before a fixture takes it away
TAUGHT = {
    "refund": ["i want a refund", "give me my money back", "refund please", "can you pay it back to me"],
    "track": ["where is my parcel", "when does it arrive", "has it been shipped", "track my delivery"],
}
ABOUT = (("refund", "money", "pay", "geld"), ("parcel", "arrive", "shipped", "delivery"), ("weather", "song"))


class Dictionary:
    """An encoder that knows what some words are about."""

    model, width = encoders.Multilingual.model, 4

    def vectors(self, texts: Sequence[str]) -> Any:
        about = [[sum(word in text.lower() for word in words) for words in ABOUT] for text in texts]
        found = np.array([[*row, 0.2] for row in about], np.float32).reshape(-1, 4)
        return found / np.linalg.norm(found, axis=1, keepdims=True)


@lru_cache
def second_of(examples: tuple[Example, ...]) -> Any:
    """Most tests teach the same."""
    features = features_for([example.text for example in examples])
    return stages.second_look(examples, {}, features, Dictionary())[0]


@pytest.fixture
def learnt_here(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[Any]:
    """The second look is learnt in the caller's process and thread; one entry for every time."""
    done: list[Any] = []

    def beside(work: Any, *given: Any) -> None:
        done.append(given)
        work(*given)

    settings.ENV = {**settings.ENV, "ASSISTANT_MEANING": True}
    monkeypatch.setattr(memory, "_beside", beside)
    monkeypatch.setattr(memory, "is_loaded", lambda model: True)  # with the first text, here
    monkeypatch.setattr(memory, "name_for", lambda languages: encoders.DEFAULT)
    monkeypatch.setattr(memory.connections, "close_all", lambda: None)
    monkeypatch.setattr(apart, "meant", lambda known, examples, *_: replace(known, second=second_of(tuple(examples))))
    monkeypatch.setattr("assistant.intents.recognised.encoder_of", lambda model: Dictionary())
    return done


def teach(tenant: Tenant) -> None:
    for name, examples in TAUGHT.items():
        Intent.objects.unscoped().create(tenant=tenant, name=name, examples=examples, responses=[f"About {name}."])


def known_later(tenant: Tenant) -> Lessons:
    with tenant_scope(tenant.id):
        lessons()
        invalidate(tenant.id)  # what is looked at again after seconds is looked at now
        return lessons()


def asked(known: Lessons, line: str, **members: Any) -> Any:
    request = EngineRequest(uuid.UUID(int=0), uuid.UUID(int=1), "web", (text(line),), **members)
    return Dialogue(Options(), known, request).reply()


def test_an_intent_is_recognised_by_what_the_words_mean(tenant, learnt_here) -> None:
    teach(tenant)
    known = known_later(tenant)
    assert known.learnt.second is not None
    assert asked(replace(known, learnt=replace(known.learnt, second=None)), STRANGE).intent != "refund"
    found = asked(known, STRANGE)
    assert (found.intent, found.contents[0].text) == ("refund", "About refund.")
    assert len(learnt_here) == 1


def test_another_process_takes_it_up_without_learning(tenant, learnt_here) -> None:
    teach(tenant)
    first = known_later(tenant)
    memory.forget_all()
    with tenant_scope(tenant.id):
        other = lessons()
    assert len(learnt_here) == 1
    assert other.learnt.second.names == first.learnt.second.names
    assert asked(other, STRANGE).intent == "refund"


def test_one_process_learns_it_at_a_time_and_another_when_it_dies(tenant, learnt_here, monkeypatch) -> None:
    teach(tenant)
    monkeypatch.setattr(memory, "second_keep", lambda *_: None)  # its process ends before it has kept anything
    assert known_later(tenant).learnt.second is None
    monkeypatch.undo()
    with tenant_scope(tenant.id):
        row = TrainedModel.objects.get()
        assert stored.meaning_claim(row.id) is None
        TrainedModel.objects.update(training_until=row.training_until - stored.MEANING)
        assert stored.meaning_claim(row.id) is not None


def test_what_is_learnt_fails_and_the_first_look_answers(tenant, learnt_here, monkeypatch) -> None:
    teach(tenant)

    def failing(*_: Any) -> Any:
        raise apart.LearningFailed("killed")

    monkeypatch.setattr(apart, "meant", failing)
    known = known_later(tenant)
    assert known.learnt.second is None
    assert asked(known, "refund please").intent == "refund"
    with tenant_scope(tenant.id):
        assert TrainedModel.objects.get().training_until is None
    assert len(learnt_here) == 1  # and is not tried again with every look


def test_what_letters_settle_needs_no_vector_and_is_instant(tenant, learnt_here, monkeypatch) -> None:
    teach(tenant)
    known = known_later(tenant)
    asked_for: list[str] = []
    monkeypatch.setattr("assistant.intents.recognised.encoder_of", lambda model: asked_for.append(model))
    assert asked(known, "Refund, please!", at_once=True).intent == "refund"
    assert asked_for == []
    with pytest.raises(NotAtOnce):
        asked(known, STRANGE, at_once=True)


def test_what_was_asked_lately_is_answered_at_once(tenant, learnt_here) -> None:
    """A crowd that writes the same does not keep others waiting for one vector after the other."""
    teach(tenant)
    known = known_later(tenant)
    with pytest.raises(NotAtOnce):
        asked(known, STRANGE, at_once=True)
    later = asked(known, STRANGE)
    assert asked(known, STRANGE, at_once=True) == later


def test_where_the_network_is_gone_the_first_look_answers(tenant, learnt_here, monkeypatch) -> None:
    monkeypatch.setattr("assistant.intents.recognised.encoder_of", encoders.encoder_of)
    teach(tenant)
    known = known_later(tenant)
    elsewhere = replace(known.learnt, second=replace(known.learnt.second, model="another"))
    assert asked(replace(known, learnt=elsewhere), "refund please").intent == "refund"
    assert asked(replace(known, learnt=elsewhere), STRANGE).intent != "refund"


def test_two_tenants_never_share_it(tenant, other_tenant, learnt_here) -> None:
    teach(tenant)
    seed_assistant(other_tenant)
    assert asked(known_later(other_tenant), STRANGE).intent != "refund"
    with tenant_scope(other_tenant.id):
        assert LearntNumbers.objects.count() == 1
        assert "refund" not in lessons().learnt.second.names


@pytest.mark.parametrize(
    ("languages", "installed", "name"),
    [(["en"], True, "english"), (["en"], False, "default"), (["en", "de"], True, "default"), (["de"], True, "default")],
)
def test_the_english_network_is_for_those_who_write_english_alone(monkeypatch, languages, installed, name) -> None:
    monkeypatch.setattr(encoders, "english_installed", lambda: installed)
    assert encoders.name_for(languages) == name


def test_it_is_kept_with_half_the_digits_and_says_the_same(tenant, learnt_here) -> None:
    teach(tenant)
    known = known_later(tenant)
    exact = replace(known.learnt, second=second_of(tuple(memory.examples_of(known.skills, ()))))
    again = arrays.unpack(arrays.pack(exact), known.skills, [], ())
    vectors, row = Dictionary().vectors([STRANGE]), known.features.row(STRANGE)
    before, after = (one.second.classify(vectors, known.features, [row])[0] for one in (exact, again))
    assert before.intent == after.intent
    assert before.confidence == pytest.approx(after.confidence, abs=0.01)


def test_a_process_of_its_own_learns_it() -> None:
    """By the network itself."""
    examples = [Example(text, name) for name, texts in TAUGHT.items() for text in texts]
    examples += [Example(text, "") for text in ("blue sky", "a song", "the sea", "seven", "nothing at all")]
    known = apart.learnt_here(examples, ())
    second = apart_meant(known, examples, {name: (name,) for name in TAUGHT}, encoders.DEFAULT).second
    assert second.model == encoders.model_of(encoders.DEFAULT)
    vectors, features = encoders.encoder().vectors([STRANGE]), known.classifier.features
    assert second.classify(vectors, features, [features.row(STRANGE)])[0].intent == "refund"


def test_a_process_that_ends_in_the_midst_of_learning_leaves_it_to_another(tenant, scope, learnt_here, monkeypatch):
    teach(tenant)
    monkeypatch.setattr(
        memory,
        "_beside",
        lambda work, entry, tenant_id, known, row, network: memory._learning.update({row.id: (tenant_id, row)}),
    )
    lessons()
    (claimed,) = memory._learning
    assert stored.meaning_claim(claimed) is None
    memory.second_looks_left()
    memory._learning.clear()
    assert stored.meaning_claim(claimed) is not None


def test_a_command_waits_for_what_it_learns():
    gate, done = threading.Event(), []
    memory._beside(lambda: done.append(gate.wait(10)))
    threading.Timer(0.05, gate.set).start()
    memory.second_looks_awaited()
    assert done == [True]
