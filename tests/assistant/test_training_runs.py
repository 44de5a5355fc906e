"""A training that people ask for: its turn, its progress, its end, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from assistant.builtin.evaluation import evaluate_lessons
from assistant.intents import lessons as memory
from assistant.intents.learning import apart, stored
from assistant.intents.learning.training import Example
from assistant.intents.lessons import invalidate, lessons
from assistant.intents.versions import runs
from assistant.intents.versions.held import version_activate
from assistant.intents.versions.models import TrainingLane
from assistant.intents.versions.runs import lane_of, training_ask, training_go_on, trainings_go_on
from assistant.models import Intent, TrainedModel
from conversations.models import Event
from tenants.errors import Conflict, NotFound
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import now

FIGURES: dict[str, Any] = {
    "examples": 2, "precision": 1.0, "recall": 0.5, "answered": 0.5, "intents": {}, "confusion": [],
    "looks": {"letters": {"precision": 1.0, "recall": 0.5, "answered": 0.5}},
}  # fmt: skip
Told = Callable[[float], None]


@pytest.fixture
def measured(monkeypatch) -> list[Any]:
    """What was measured, and what pages were told meanwhile; the measuring itself is tests/assistant/test_evaluation.py's."""
    seen: list[Any] = []

    def measure(versions: Any, told: Told, **given: Any) -> list[Any]:
        told(0.5)
        lane = lane_of()
        seen.append((versions, given, lane and (lane.state, lane.stage, lane.percent)))
        return [{**FIGURES, "precision": 1.0 / (place + 1)} for place in range(len(versions))]

    monkeypatch.setattr(apart, "measured", measure)
    return seen


def teach(tenant: Tenant, *examples: str) -> Intent:
    found: Intent = Intent.objects.update_or_create(tenant=tenant, name="skill", defaults={"examples": examples})[0]
    invalidate(tenant.id)
    return found


def go_on() -> int:
    return trainings_go_on(lambda: True, evaluate_lessons)


def ended() -> list[Any]:
    return [row.payload for row in Event.objects.filter(type=runs.ENDED).order_by("id")]


def test_what_is_taught_is_learnt_and_measured_and_the_way_is_told(scope, measured):
    teach(scope, "can you juggle", "juggle please")
    asked = training_ask()
    assert (asked.state, asked.percent) == ("queued", 0)
    assert go_on() == 1
    [(versions, given, seen)] = measured
    assert seen == ("running", "measuring", 70)
    assert Example("can you juggle", "skill") in versions[0] and given["own"] == ["skill"]
    lane, row = lane_of(), TrainedModel.objects.get()
    assert (lane.state, lane.percent, lane.code, lane.trained, lane.claim) == ("done", 100, "", row, None)
    assert row.metrics == FIGURES
    assert ended() == [{"state": "done", "code": "", "training_id": str(row.id), "version": 1}]
    assert go_on() == 0


def test_one_at_a_time_and_again_when_it_has_ended(scope, measured):
    training_ask()
    with pytest.raises(Conflict) as refused:
        training_ask()
    assert refused.value.code == "training_busy"
    assert go_on() == 1
    assert training_ask().state == "queued"


def test_it_is_compared_with_what_answers_and_that_goes_on_answering(scope, measured):
    teach(scope, "can you juggle", "juggle please")
    first = TrainedModel.objects.get(id=lessons().version)
    version_activate(first, pinned=True)
    teach(scope, "sing a song", "sing please")
    training_ask()
    go_on()
    [([new, old], _, _)] = measured
    assert Example("sing a song", "skill") in new and Example("can you juggle", "skill") in old
    newest = TrainedModel.objects.get(version=2)
    assert (newest.metrics["precision"], newest.metrics["against"]["precision"]) == (1.0, 0.5)
    assert newest.metrics["against"]["version"] == 1
    invalidate(scope.id)
    assert lessons().version == first.id


def test_without_one_that_is_held_it_is_compared_with_the_one_before_or_the_one_named(scope, measured):
    for word in ("one", "two", "three"):
        teach(scope, f"{word} two buckle", f"{word} my shoe")
        lessons()
    training_ask()
    go_on()
    assert TrainedModel.objects.get(version=3).metrics["against"]["version"] == 2
    training_ask(TrainedModel.objects.get(version=1).id)
    go_on()
    assert TrainedModel.objects.get(version=3).metrics["against"]["version"] == 1


def test_the_second_look_is_learnt_before_it_is_measured(scope, measured, monkeypatch, settings):
    settings.ENV = {**settings.ENV, "ASSISTANT_MEANING": True}
    seen: list[Any] = []

    def meant(learnt: Any, examples: Any, called: Any, network: str, told: Told) -> Any:
        told(0.5)
        lane = lane_of()
        seen.append(lane and (lane.stage, lane.percent))
        return learnt

    monkeypatch.setattr(apart, "meant", meant)
    training_ask()
    go_on()
    assert seen == [("meaning", 25)]
    assert measured[0][1]["network"] in ("default", "english")


def test_another_process_learns_the_second_look_and_this_one_waits(scope, measured, monkeypatch, settings):
    settings.ENV = {**settings.ENV, "ASSISTANT_MEANING": True}
    known = memory.newest()
    other = stored.meaning_claim(known.version)

    def asleep(_: float) -> None:
        stored.training_release(other)

    monkeypatch.setattr(runs.time, "sleep", asleep)
    monkeypatch.setattr(apart, "meant", lambda *_: pytest.fail("it is another's"))
    training_ask()
    assert go_on() == 1


def test_a_training_that_fails_says_so_and_another_may_be_asked_for(scope, monkeypatch):
    def fails(*_: Any, **__: Any) -> Any:
        raise apart.LearningFailed("killed")

    monkeypatch.setattr(apart, "measured", fails)
    training_ask()
    assert go_on() == 1
    lane = lane_of()
    assert (lane.state, lane.code) == ("failed", "training_failed")
    assert ended() == [{"state": "failed", "code": "training_failed"}]
    assert training_ask().code == ""


def test_a_worker_that_stops_leaves_it_to_the_next_one(scope, measured, monkeypatch):
    training_ask()
    more = iter([True, True, False])
    assert trainings_go_on(lambda: next(more), evaluate_lessons) == 0
    assert (lane_of().state, measured) == ("queued", [])
    assert go_on() == 1


def test_who_lost_the_lease_ends_nothing(scope, measured, monkeypatch):
    lane = training_ask()
    measure = apart.measured

    def slow(versions: Any, told: Told, **given: Any) -> Any:
        TrainingLane.objects.filter(id=lane.id).update(claim=lane.id)  # another worker has it by now
        return measure(versions, told=told, **given)

    monkeypatch.setattr(apart, "measured", slow)
    assert not training_go_on(lane.id, lambda: True, evaluate_lessons)
    assert (lane_of().state, ended()) == ("running", [])


def test_what_ends_its_workers_is_given_up(scope, measured, monkeypatch):
    lane = training_ask()

    def dies(*_: Any, **__: Any) -> Any:
        raise SystemExit

    monkeypatch.setattr(apart, "measured", dies)
    for _ in range(runs.MOST_TRIES):
        with pytest.raises(SystemExit):
            training_go_on(lane.id, lambda: True, evaluate_lessons)
        TrainingLane.objects.update(due_at=now())
    assert training_go_on(lane.id, lambda: True, evaluate_lessons)
    assert lane_of().code == "worker_lost"


def test_it_stays_within_its_tenant(scope, other_tenant, measured):
    teach(scope, "can you juggle", "juggle please")
    row = TrainedModel.objects.get(id=lessons().version)
    with tenant_scope(other_tenant.id):
        assert lane_of() is None
        with pytest.raises(NotFound):
            training_ask(row.id)
        training_ask()
    assert lane_of() is None
    assert go_on() == 1
    [(versions, given, _)] = measured
    assert given["own"] == [] and len(versions) == 1
