"""An older version answers because people chose it, until something else is taught, or until it is released."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.intents import lessons as memory
from assistant.intents.learning import arrays, stored, training
from assistant.intents.learning.training import NONE, Example
from assistant.intents.lessons import Lessons, invalidate, lessons
from assistant.intents.versions import held
from assistant.intents.versions.held import version_activate, version_get, version_release
from assistant.intents.versions.listed import versions_listed
from assistant.intents.versions.models import TrainingLane
from assistant.models import Intent, KnowledgeEntry, LearntNumbers, TrainedModel
from conversations.models import Event
from tenants.errors import Conflict, NotFound
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope

JUGGLE = ["can you juggle", "teach me juggling"]


def teach(tenant: Tenant, name: str = "juggling", **members: Any) -> Intent:
    found: Intent = Intent.objects.create(tenant=tenant, name=name, **({"examples": JUGGLE} | members))
    return found


def change(row: Any, **members: Any) -> None:
    for name, value in members.items():
        setattr(row, name, value)
    row.save()
    invalidate(row.tenant_id)


def looked(tenant: Tenant) -> Lessons:
    """With the rows of now."""
    invalidate(tenant.id)
    return lessons()


def elsewhere() -> Lessons:
    """As a process that has just begun."""
    memory.forget_all()
    return lessons()


def intent_of(known: Lessons, line: str) -> str:
    found = known.classifier.classify(line)
    return found.intent if found.confidence > 0.9 else NONE


def told() -> list[tuple[int, bool, str]]:
    rows = Event.objects.filter(type=held.CHANGED).order_by("id")
    return [(row.payload["version"], row.payload["pinned"], row.payload["why"]) for row in rows]


@pytest.fixture
def two(scope) -> tuple[Intent, TrainedModel, TrainedModel]:
    """An intent whose examples were changed: version 1 juggles, version 2 sings."""
    row = teach(scope)
    lessons()
    change(row, examples=["sing a song", "sing for me please"])
    lessons()
    second, first = TrainedModel.objects.order_by("-version")
    return row, first, second


def test_an_older_version_answers_in_every_process(scope, two):
    _, first, second = two
    assert intent_of(lessons(), "can you juggle") == NONE
    version_activate(first, pinned=False)
    for known in (looked(scope), elsewhere()):
        assert known.version == first.id
        assert (intent_of(known, "can you juggle"), intent_of(known, "sing a song")) == ("juggling", NONE)
        assert "singing" not in known.spelling.known and "juggle" in known.spelling.known
    assert version_release()
    assert looked(scope).version == second.id
    assert not version_release()
    assert told() == [(1, False, "activated"), (1, False, "released")]


def test_another_process_sees_it_with_its_next_look(scope, two, monkeypatch):
    _, first, _ = two
    before = lessons()
    version_activate(first, pinned=True)  # elsewhere: nothing here was told
    assert lessons() is before
    memory._remembered[scope.id].look_at = 0.0
    assert lessons().version == first.id


def test_what_is_taught_later_takes_the_place_of_one_that_is_not_pinned(scope, two):
    row, first, _ = two
    version_activate(first, pinned=False)
    assert looked(scope).version == first.id
    change(row, responses=["La la."])  # other words teach nothing
    assert lessons().version == first.id
    change(row, examples=["walk the rope"])
    assert intent_of(lessons(), "walk the rope") == "juggling"
    assert told() == [(1, False, "activated"), (1, False, "replaced")]
    assert AuditEntry.objects.get(action="trainedmodel.replaced").actor == "system"


def test_what_is_pinned_stays_whatever_is_taught_and_however_much(scope, two, monkeypatch):
    monkeypatch.setattr(stored, "KEPT", 1)
    monkeypatch.setattr(stored, "MOST_VERSIONS", 2)
    row, first, _ = two
    version_activate(first, pinned=True)
    for number in range(4):
        change(row, examples=[f"balance broom {number}x", "balance it"])
        memory.newest()
    assert looked(scope).version == elsewhere().version == first.id
    kept = LearntNumbers.objects.order_by("trained__version").values_list("trained__version", flat=True)
    assert list(kept) == [1, 6]
    assert version_release()
    assert intent_of(looked(scope), "balance it") == "juggling"


def test_while_one_is_pinned_nothing_is_learnt_by_itself(scope, two, monkeypatch):
    row, first, _ = two
    version_activate(first, pinned=True)
    change(row, examples=["walk the rope"])
    lessons()
    elsewhere()
    assert TrainedModel.objects.count() == 2


def test_replies_and_articles_are_those_of_now(scope, two):
    row, first, _ = two
    version_activate(first, pinned=True)
    change(row, responses=["Three balls."])
    article = KnowledgeEntry.objects.create(tenant=scope, title="Teach me unicycles", answer="Can you juggle on one?")
    known = looked(scope)
    assert known.skills["juggling"].replies == {"": ["Three balls."]}
    [found] = known.knowledge.search(known.features.row("teach me"))
    assert found.fact.title == "Teach me unicycles"
    article.delete()
    assert looked(scope).knowledge.search(known.features.row("teach me")) == []


def test_an_intent_that_is_gone_is_not_recognised_by_a_version_that_knew_it(scope, two):
    row, first, _ = two
    version_activate(first, pinned=True)
    row.delete()
    known = looked(scope)
    assert known.version == first.id
    assert "juggling" not in dict(known.classifier.classify("can you juggle").scores)


def test_the_newest_needs_no_decision_and_can_be_pinned(scope, two):
    _, first, second = two
    version_activate(first, pinned=False)
    version_activate(second, pinned=False)
    assert versions_listed().held is None and told()[-1] == (1, False, "released")
    version_activate(second, pinned=True)
    assert looked(scope).version == second.id
    assert versions_listed().held.pinned


def test_what_is_not_kept_or_was_learnt_by_another_release_cannot_be_chosen(scope, two):
    _, first, second = two
    TrainedModel.objects.filter(id=first.id).update(state={**first.state, "format": training.FORMAT - 1})
    with pytest.raises(Conflict) as refused:
        version_activate(version_get(first.id), pinned=True)
    assert refused.value.code == "training_other_release"
    LearntNumbers.objects.filter(trained=first).delete()
    with pytest.raises(Conflict) as refused:
        version_activate(version_get(first.id), pinned=True)
    assert refused.value.code == "training_not_kept"
    assert told() == [] and looked(scope).version == second.id


@pytest.mark.parametrize("harm", ["format", "numbers", "bytes"])
def test_a_chosen_version_that_cannot_be_read_lets_the_newest_answer(scope, two, harm):
    _, first, second = two
    version_activate(first, pinned=True)
    if harm == "format":  # a release that reads texts otherwise
        TrainedModel.objects.filter(id=first.id).update(state={**first.state, "format": 0})
    elif harm == "numbers":
        LearntNumbers.objects.filter(trained=first).delete()
    else:
        LearntNumbers.objects.filter(trained=first).update(npz=b"no model")
    assert elsewhere().version == second.id


def test_its_second_look_is_its_own_and_is_learnt_where_it_has_none(scope, two, monkeypatch, settings):
    _, first, _ = two
    asked: list[Any] = []

    def meant(learnt: Any, examples: Any, called: Any, network: str, told: Any) -> Any:
        asked.append((learnt.classifier.features, list(examples)))
        raise memory.apart.LearningFailed("seen")

    settings.ENV = {**settings.ENV, "ASSISTANT_MEANING": True}
    monkeypatch.setattr(memory.apart, "meant", meant)
    monkeypatch.setattr(memory, "_beside", lambda work, *given: work(*given))
    monkeypatch.setattr(memory.connections, "close_all", lambda: None)
    version_activate(first, pinned=True)
    known = elsewhere()
    [(features, examples)] = asked
    assert Example("can you juggle", "juggling") in examples and Example("sing a song", "juggling") not in examples
    assert features is known.features


def test_bytes_of_before_have_no_examples(scope, two):
    _, first, _ = two
    data = stored.numbers_of(first)
    assert Example("can you juggle", "juggling") in arrays.taught_of(data)
    known = memory.newest()
    assert arrays.taught_of(arrays.pack(known.learnt)) == ()


def test_another_tenants_version_is_not_there(scope, two, other_tenant):
    _, first, _ = two
    with tenant_scope(other_tenant.id):
        with pytest.raises(NotFound):
            version_get(first.id)
        lessons()
    version_activate(first, pinned=True)
    with tenant_scope(other_tenant.id):
        assert held.held() is None
        assert elsewhere().version != first.id
        assert not TrainingLane.objects.exists()
