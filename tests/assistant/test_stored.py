"""What was learnt is kept: trained once per change, loaded by every process, read without pickle."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connections

from assistant.demo import seed_assistant
from assistant.intents import lessons as memory
from assistant.intents.learning import arrays, stored
from assistant.intents.lessons import Lessons, invalidate, lessons
from assistant.models import Intent, KnowledgeEntry, LearntNumbers, TrainedModel
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import now

LINES = ("where is my order AC-10042", "do you ship to spain", "ahoy", "i love you", "talk to a human", "", "42")


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """One entry for every training that was really done."""
    done: list[Any] = []
    learn = memory.learn
    monkeypatch.setattr(memory, "learn", lambda *taught: done.append(taught) or learn(*taught))
    return done


def teach(tenant: Tenant, name: str = "juggling", **members: Any) -> Intent:
    members = {"examples": ["can you juggle", "teach me juggling"], "responses": ["Three balls."]} | members
    return Intent.objects.create(tenant=tenant, name=name, **members)


def as_another_process() -> Lessons:
    memory.forget_all()
    return lessons()


def another_trains(tenant: Tenant, until: timedelta = timedelta(seconds=30)) -> TrainedModel:
    """A process elsewhere has claimed what the rows teach now."""
    skills, facts = memory.read_skills(), memory.read_facts()
    row = stored.training_claim(stored.trainings(), memory.digest_of(skills, facts), {})
    assert row is not None
    TrainedModel.objects.filter(id=row.id).update(training_until=now() + until)
    return row


def same(one: Lessons, other: Lessons) -> bool:
    def told(known: Lessons, line: str) -> Any:
        row = known.features.row(line)
        findings = [(found.fact.id, found.score) for found in known.knowledge.search(row, "en")]
        return known.classifier.classify(line), findings

    return all(told(one, line) == told(other, line) for line in LINES)


def test_a_loaded_model_answers_as_the_trained_one(scope, trainings):
    seed_assistant(scope)
    trained = lessons()
    loaded = as_another_process()
    assert len(trainings) == 1
    assert same(trained, loaded)
    assert loaded.learnt.size == trained.learnt.size


def test_five_hundred_would_answer_without_training_again(tenant, other_tenant, trainings, settings):
    settings.ENV = {**settings.ENV, "ASSISTANT_MEMORY_MB": 0}  # room for the last one only
    for one in (tenant, other_tenant) * 4:
        with tenant_scope(one.id):
            lessons()
    assert len(trainings) == 2


def test_a_model_of_other_examples_is_not_taken(scope, trainings):
    lessons()
    teach(scope)
    assert as_another_process().classifier.classify("can you juggle").intent == "juggling"
    assert len(trainings) == 2


@pytest.mark.parametrize("member", ["tags", "answer", "questions"])
def test_what_a_fact_is_found_by_is_part_of_the_digest(scope, member):
    entry = KnowledgeEntry.objects.create(tenant=scope, title="A fact", answer="It is so.")
    before = lessons().digest
    setattr(entry, member, "xylophone" if member == "answer" else ["xylophone"])
    entry.save()
    invalidate(scope.id)
    assert lessons().digest != before


def test_other_replies_need_no_training(scope, trainings):
    intent = teach(scope)
    lessons()
    intent.responses = ["Five clubs."]
    intent.save()
    invalidate(scope.id)
    assert lessons().skills["juggling"].replies == {"": ["Five clubs."]}
    assert len(trainings) == 1


def test_a_change_made_after_the_clock_went_back_is_seen(scope, time_machine):
    teach(scope, "a")
    other = teach(scope, "b", examples=["balance a broom"])
    lessons()
    time_machine.move_to(now() - timedelta(hours=2))
    other.examples = ["walk the rope"]
    other.save()
    invalidate(scope.id)
    assert lessons().skills["b"].examples == ("walk the rope",)


def test_while_another_process_trains_the_former_model_answers(scope, trainings):
    teach(scope)
    before = lessons()
    teach(scope, "singing", examples=["sing a song"])
    row = another_trains(scope)
    invalidate(scope.id)
    assert lessons() is before
    former = as_another_process()
    assert former.classifier.classify("can you juggle").intent == "juggling"
    assert former.classifier.classify("sing a song").intent != "singing"
    assert len(trainings) == 1

    row.refresh_from_db()
    skills, facts = memory.read_skills(), memory.read_facts()
    assert stored.numbers_keep(row, arrays.pack(memory.learn(skills, facts).learnt))
    invalidate(scope.id)
    assert lessons().classifier.classify("sing a song").intent == "singing"


def test_a_former_model_names_no_intent_or_fact_that_is_gone(scope):
    intent = teach(scope)
    entry = KnowledgeEntry.objects.create(tenant=scope, title="Unicycles", answer="They have one wheel.")
    lessons()
    intent.delete()
    entry.delete()
    another_trains(scope)
    former = as_another_process()
    found = former.classifier.classify("can you juggle")
    assert "juggling" not in dict(found.scores)
    assert former.knowledge.search(former.features.row("unicycles")) == []


@pytest.mark.parametrize("until", [timedelta(seconds=-1), timedelta(hours=2)], ids=["dead", "the clock went back"])
def test_a_training_that_never_ended_is_taken_over(scope, trainings, until):
    another_trains(scope, until)
    lessons()
    assert len(trainings) == 1
    assert TrainedModel.objects.get().training_until is None


def test_a_training_that_fails_is_anothers_to_try(scope, monkeypatch):
    monkeypatch.setattr(memory, "learn", lambda *taught: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        lessons()
    assert TrainedModel.objects.get().training_until is None


def test_who_lost_the_lease_keeps_nothing(scope):
    row = another_trains(scope)
    assert not stored.numbers_keep(row, b"late")  # the row has another lease by now
    assert not LearntNumbers.objects.exists()


def _bomb() -> bytes:
    import io

    file = io.BytesIO()
    np.savez(file, words=np.array([{"code": "runs"}], dtype=object))
    return file.getvalue()


@pytest.mark.parametrize("npz", [b"", b"PK\x03\x04", b"no model", _bomb()], ids=["empty", "zip", "text", "pickle"])
def test_bytes_that_are_no_model_are_trained_anew(scope, trainings, npz):
    lessons()
    LearntNumbers.objects.update(npz=npz)
    as_another_process()
    assert len(trainings) == 2
    as_another_process()
    assert len(trainings) == 2


def test_numbers_of_old_versions_are_forgotten(scope, monkeypatch):
    monkeypatch.setattr(stored, "KEPT", 3)
    for number in range(stored.KEPT + 2):
        teach(scope, f"skill-{number}", examples=[f"do number {number} please"])
        invalidate(scope.id)
        lessons()
    kept = LearntNumbers.objects.order_by("trained__version").values_list("trained__version", flat=True)
    assert list(kept) == [3, 4, 5]
    assert TrainedModel.objects.count() == 5


def test_a_model_too_large_to_keep_answers_all_the_same(scope, trainings, monkeypatch):
    monkeypatch.setattr(stored, "MOST_BYTES", 10)
    teach(scope)
    assert lessons().classifier.classify("can you juggle").intent == "juggling"
    assert not LearntNumbers.objects.exists()
    assert stored.training_state(TrainedModel.objects.get()) == "too_large"


def test_a_second_look_too_large_to_keep_leaves_the_first_one_kept_and_is_not_learnt_again(scope, monkeypatch):
    teach(scope)
    known = lessons()
    kept = bytes(LearntNumbers.objects.get().npz)
    assert stored.training_state(TrainedModel.objects.get()) == "ready"
    claimed = stored.meaning_claim(known.version)
    assert stored.training_state(TrainedModel.objects.get()) == "learning"
    monkeypatch.setattr(stored, "MOST_BYTES", len(kept))
    assert stored.numbers_keep(claimed, kept + b"x")
    row = TrainedModel.objects.get()
    assert stored.training_state(row) == "too_large" and row.state[stored.TOO_LARGE] == len(kept) + 1
    assert row.state["intents"]["juggling"]
    assert bytes(LearntNumbers.objects.get().npz) == kept
    assert stored.meaning_claim(known.version) is None


@pytest.mark.django_db(transaction=True)
def test_processes_that_begin_at_once_train_once(tenant, trainings, monkeypatch):
    with tenant_scope(tenant.id):
        teach(tenant)
    begin, found = threading.Barrier(4), []

    def process() -> None:
        """Its memory is its own; the rows are shared."""
        try:
            with tenant_scope(tenant.id):
                begin.wait(10)
                found.append(memory._catch_up(None, False)[0].digest)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=process) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(found) == 4
    assert len(trainings) == 1


@pytest.mark.django_db(transaction=True)
def test_training_of_one_tenant_does_not_hold_up_another(tenant, other_tenant, monkeypatch):
    with tenant_scope(other_tenant.id):
        lessons()
    training, go_on = threading.Event(), threading.Event()
    learn = memory.learn

    def slow(*taught: Any) -> Lessons:
        training.set()
        assert go_on.wait(20)
        return learn(*taught)

    monkeypatch.setattr(memory, "learn", slow)

    def train() -> None:
        try:
            with tenant_scope(tenant.id):
                lessons()
        finally:
            connections.close_all()

    thread = threading.Thread(target=train)
    thread.start()
    assert training.wait(20)
    with tenant_scope(other_tenant.id):
        answered = as_another_process_of(other_tenant)
    go_on.set()
    thread.join()
    assert answered.digest


def as_another_process_of(tenant: Tenant) -> Lessons:
    """Loaded anew, while other tenants' entries stay as they are."""
    memory._remembered.pop(tenant.id)
    return lessons()
