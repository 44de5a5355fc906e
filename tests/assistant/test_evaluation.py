"""Measures of recognition, versions of training, and the command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from assistant.builtin.evaluation import evaluate, train
from assistant.demo import seed_assistant
from assistant.embeddings import encoders
from assistant.intents.common import BACKGROUND
from assistant.intents.learning.training import Example
from assistant.intents.versions.measuring import measure, measured
from assistant.models import Intent, KnowledgeEntry, TrainedModel
from tenants.scope import tenant_scope
from tests.assistant.test_second_look import TAUGHT, Dictionary


def test_measure():
    meant = ["a", "a", "a", "b", "b", ""]
    taken = ["a", "b", "", "b", "b", "a"]
    found = measure([Example(str(i), intent) for i, intent in enumerate(meant)], taken)
    assert found["intents"]["a"] == {"precision": 0.5, "recall": 0.3333, "f1": 0.4, "support": 3}
    assert found["intents"]["b"] == {"precision": 0.6667, "recall": 1.0, "f1": 0.8, "support": 2}
    assert (found["precision"], found["recall"], found["answered"], found["examples"]) == (0.6, 0.6, 0.8333, 5)
    assert {(m["meant"], m["taken_for"], m["count"]) for m in found["confusion"]} == {
        ("a", "b", 1), ("a", "", 1), ("", "a", 1),
    }  # fmt: skip


def test_an_example_is_not_recognised_by_itself_alone():
    unlike = [Example(text, "odd") for text in ("zebra", "violin", "quartz")]
    others = [Example(text, "") for text in BACKGROUND]
    shares: list[float] = []
    odd, shown = measured([[*unlike, *others]] * 2, ["odd"], [], {}, "", 0.55, shares.append)
    assert odd == shown
    assert odd["recall"] == 0 and odd["looks"].keys() == {"letters"}
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_a_text_becomes_a_vector_once_however_many_parts_are_taught_with_it(monkeypatch):
    asked: list[str] = []

    class Counting(Dictionary):
        def vectors(self, texts: Sequence[str]) -> Any:
            asked.extend(texts)
            return super().vectors(texts)

    monkeypatch.setitem(encoders._loaded, "default", Counting())
    examples = [Example(f"{text} {word}", name) for name, texts in TAUGHT.items() for text in texts for word in "ab"]
    first, second = measured([examples] * 2, list(TAUGHT), [], {}, "default", 0.55, lambda _: None)
    assert first == second and first["looks"].keys() == {"letters", "meaning"}
    # once as an example, and once where it is asked and letters do not settle it
    assert set(Counter(asked).values()) <= {1, 2} and set(asked) == {example.text for example in examples}


def test_versions_are_asked_the_same_texts_and_neither_was_shown_them():
    """The former one knows other words for the intent: what only it was taught is never asked."""
    others = [Example(text, "") for text in BACKGROUND]
    order = [Example(f"where is my order {word}", "order") for word in ("now", "please", "today", "again", "number 5")]
    former = [Example(f"chase the parcel {word}", "order") for word in ("now", "please", "today", "again", "number 5")]
    new, old = measured([[*order, *others], [*former, *others]], ["order"], [], {}, "", 0.55, lambda _: None)
    assert new["examples"] == old["examples"] == 5
    assert new["recall"] > 0.5 > old["recall"]
    [mistake] = [one for one in old["confusion"] if one["meant"] == "order"]
    assert mistake == {"meant": "order", "taken_for": "", "count": mistake["count"]}


def test_the_demo_is_recognised_well(tenant):
    seed_assistant(tenant)
    found = evaluate(tenant)
    assert found["precision"] > 0.75
    assert found["recall"] > 0.6
    assert "greeting" not in found["intents"]


def test_a_version_is_made_only_when_something_was_taught(tenant, other_tenant):
    assert (train(tenant).version, train(tenant).version) == (1, 1)
    Intent.objects.unscoped().create(tenant=tenant, name="new", examples=["something new"])
    trained = train(tenant, {"precision": 1.0})
    assert (trained.version, trained.state["intents"]["new"], trained.metrics) == (2, 1, {"precision": 1.0})
    assert train(tenant).metrics == {"precision": 1.0}
    assert train(other_tenant).version == 1


def test_the_command_trains_and_evaluates(tenant):
    seed_assistant(tenant)
    out = StringIO()
    call_command("train_assistant", tenant=tenant.slug, evaluate=True, stdout=out)
    assert "order_status" in out.getvalue()
    with tenant_scope(tenant.id):
        # Twelve of the demo and eleven of small talk.
        taught = f"23 intents, {KnowledgeEntry.objects.count()} knowledge entries"
        assert f"{tenant.slug}: version 1, {taught}" in out.getvalue()
        assert TrainedModel.objects.get().metrics["recall"] > 0.6


def test_the_command_names_a_tenant_it_does_not_find(db):
    with pytest.raises(CommandError, match="no tenant .nowhere."):
        call_command("train_assistant", tenant="nowhere")
