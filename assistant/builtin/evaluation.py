"""How well the assistant recognises intents, measured on examples it was not taught with.

Owns what is measured of a tenant, and the record of a training. Must not change what the assistant answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from assistant.builtin.engine import options_of
from assistant.embeddings.encoders import name_for
from assistant.intents.learning import apart
from assistant.intents.learning.training import Example
from assistant.intents.lessons import Lessons, called_of, newest
from assistant.models import TrainedModel
from tenants.models import Tenant
from tenants.scope import current_tenant_id, tenant_scope
from tenants.tenant_settings import settings_for


def evaluate(tenant: Tenant) -> dict[str, Any]:
    """Held-out precision, recall, F1 and confusion of a tenant's own intents; takes seconds (`evaluate_lessons`)."""
    with tenant_scope(tenant.id):
        return evaluate_lessons(newest())[0]


def evaluate_lessons(
    known: Lessons, others: Sequence[Sequence[Example]] = (), told: apart.Told = lambda _: None
) -> list[dict[str, Any]]:
    """Of these lessons, and of others by their examples, on the same texts (assistant/intents/versions/measuring.py). Every
    example is classified by what was learnt without it, by the looks and at the confidence of the tenant in scope. Common
    intents take part as rivals. Raises LearningFailed, and what ``told`` raises."""
    tenant = settings_for(current_tenant_id())
    return apart.measured(
        [known.examples, *others],
        own=[skill.name for skill in known.skills.values() if skill.own],
        texts=[text for fact in known.knowledge.facts for text, _ in fact.documents()],
        called=called_of(known.skills),
        network=name_for(tenant.languages) if settings.ENV["ASSISTANT_MEANING"] else "",
        sure=options_of(tenant.model_dump()).high,
        told=told,
    )


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
