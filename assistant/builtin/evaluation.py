"""How well the assistant recognises intents, measured on examples it was not taught with.

Owns the measures and the record of a training. Must not change what the assistant answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from assistant.builtin.dialogue import Options
from assistant.features import features_for
from assistant.intents import training
from assistant.intents.lessons import newest
from assistant.intents.skills import examples_of, read_facts, read_skills
from assistant.models import TrainedModel
from tenants.models import Tenant
from tenants.scope import tenant_scope

PARTS = 5  # each example is left out once, along with a fifth of the others


def evaluate(tenant: Tenant) -> dict[str, Any]:
    """Held-out precision, recall, F1 and confusion of a tenant's own intents; takes seconds.

    Every example is classified by a classifier that was trained without it, at the confidence from which the
    assistant answers. Common intents take part as rivals. ``intents`` has one entry per own intent,
    ``confusion`` the mistakes as {"meant", "taken_for", "count"}, most frequent first; "" stands for none of
    them: not recognised, or no intent at all. ``answered`` is the share of examples that got an answer.
    """
    with tenant_scope(tenant.id):
        skills = read_skills()
        examples = examples_of(skills, read_facts())
    own = {skill.name for skill in skills.values() if skill.own} | {training.NONE}
    tested = [example for example in examples if example.intent in own]
    return measure(tested, held_out(tested, [example for example in examples if example.intent not in own]))


def held_out(
    examples: Sequence[training.Example], always: Sequence[training.Example] = (), threshold: float = Options.high
) -> list[str]:
    """For each example, the intent it is taken for by a classifier that has not seen it. ``always`` are
    examples that every classifier has seen."""
    taken_for = [training.NONE] * len(examples)
    for tested in training.folds([example.intent for example in examples], PARTS):
        unseen = set(tested)
        taught = [*always, *(example for position, example in enumerate(examples) if position not in unseen)]
        classifier = training.train(taught, features_for([example.text for example in taught]))
        for position in tested:
            found = classifier.classify(examples[position].text)
            taken_for[position] = found.intent if found.confidence >= threshold else training.NONE
    return taken_for


def measure(examples: Sequence[training.Example], taken_for: Sequence[str]) -> dict[str, Any]:
    """The measures, from what was meant and what it was taken for."""
    pairs = Counter((example.intent, found) for example, found in zip(examples, taken_for, strict=True))
    names = sorted({example.intent for example in examples} - {training.NONE})
    intents = {name: _measures(name, pairs) for name in names}
    of_intents = sum(count for (meant, _), count in pairs.items() if meant != training.NONE)
    right = sum(pairs[name, name] for name in names)
    answered = sum(count for (_, found), count in pairs.items() if found != training.NONE)
    mistakes = [(pair, count) for pair, count in pairs.most_common() if pair[0] != pair[1]]
    return {
        "examples": of_intents,
        "precision": _share(right, answered),
        "recall": _share(right, of_intents),
        "answered": _share(answered, len(examples)),
        "intents": intents,
        "confusion": [{"meant": meant, "taken_for": found, "count": n} for (meant, found), n in mistakes],
    }


def _measures(name: str, pairs: Counter[tuple[str, str]]) -> dict[str, float]:
    right = pairs[name, name]
    precision = _share(right, sum(count for (_, found), count in pairs.items() if found == name))
    support = sum(count for (meant, _), count in pairs.items() if meant == name)
    recall = _share(right, support)
    f1 = _share(2 * precision * recall, precision + recall)
    return {"precision": precision, "recall": recall, "f1": f1, "support": support}


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0


def train(tenant: Tenant, metrics: dict[str, Any] | None = None) -> TrainedModel:
    """Let the assistant of a tenant learn what its examples teach now, unless it has, and record how well it does.
    Answers need no such call: they follow the present examples by themselves."""
    with tenant_scope(tenant.id):
        digest = newest().digest
        trained: TrainedModel = TrainedModel.objects.filter(examples_digest=digest).order_by("-version")[0]
        if metrics:
            trained.metrics = metrics
            trained.save(update_fields=["metrics"])
    return trained
