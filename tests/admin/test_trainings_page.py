"""The console's trainings: begun, followed, compared, and a version that people chose (AI-4, ADM-1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from assistant.builtin.evaluation import evaluate_lessons
from assistant.intents.learning import apart
from assistant.intents.lessons import invalidate, lessons
from assistant.intents.versions.models import TrainingLane
from assistant.intents.versions.runs import trainings_go_on
from assistant.models import Intent, TrainedModel
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tests.admin.conftest import World, do, url

pytestmark = pytest.mark.django_db
FIGURES: dict[str, Any] = {
    "examples": 9, "precision": 0.9, "recall": 0.5, "answered": 0.6,
    "intents": {"size": {"precision": 0.9, "recall": 0.5, "f1": 0.6, "support": 8}},
    "confusion": [{"meant": "size", "taken_for": "greeting", "count": 3}, {"meant": "size", "taken_for": "", "count": 1}],
    "looks": {"letters": {"precision": 0.8, "recall": 0.4, "answered": 0.5},
              "meaning": {"precision": 0.9, "recall": 0.5, "answered": 0.6}},
}  # fmt: skip


def versions(tenant: Tenant) -> tuple[TrainedModel, TrainedModel]:
    """Two of them, the older one first."""
    with tenant_scope(tenant.id):
        TrainedModel.objects.all().delete()
        row = Intent.objects.create(tenant=tenant, name="size", examples=["which size fits me", "size chart please"])
        lessons()
        row.examples = ["how tall is it", "how long is it"]
        row.save()
        invalidate(tenant.id)
        lessons()
        newest, former = TrainedModel.objects.order_by("-version")
    return former, newest


def page_of(client: Client, row: Any) -> str:
    return client.get(url(type(row), "change", row.pk)).content.decode()


def test_a_training_is_begun_followed_and_read(staff_of, acme: World, monkeypatch) -> None:
    client = staff_of(acme.tenant)
    former, newest = versions(acme.tenant)
    train = reverse("admin:assistant_trainedmodel_train", args=[acme.tenant.pk])
    page = client.post(train, follow=True).content.decode()
    assert "Waiting for a worker" in page and "data-open" in page and "trainings.js" in page
    follow = reverse("admin:assistant_trainedmodel_runs")
    [run] = client.get(follow).json()["runs"]
    assert run == {"id": str(acme.tenant.pk), "open": True, "percent": 0, "words": "Waiting for a worker"}

    def measured(lists: Any, told: Any, **_: Any) -> Any:
        told(0.5)
        [now] = client.get(follow).json()["runs"]
        assert (now["percent"], now["words"]) == (70, "70 %: measuring what was learnt")
        return [FIGURES, {**FIGURES, "precision": 0.7}]

    monkeypatch.setattr(apart, "measured", measured)
    assert trainings_go_on(lambda: True, evaluate_lessons) == 1
    [run] = client.get(follow).json()["runs"]
    assert (run["open"], run["words"]) == (False, f"The last training is done: version {newest.version}.")
    page = page_of(client, newest)
    assert f"Version {newest.version}, by letters and meaning" in page and "90.0%" in page
    assert f"Version {former.version}, by letters alone" in page
    with tenant_scope(acme.tenant.id):
        size = Intent.objects.get(name="size")
    assert url(Intent, "change", size.pk) in page and "3 of 8" in page
    assert 'title="size taken for greeting: 3"' in page and 'title="size taken for size: 4"' in page


def test_a_version_is_activated_pinned_and_released(staff_of, acme: World) -> None:
    client = staff_of(acme.tenant)
    former, newest = versions(acme.tenant)
    assert "Yes, as the newest" in page_of(client, newest)
    assert f"answered from version {former.version}" in do(client, former, "activate").content.decode()
    assert "until something else is taught" in page_of(client, former)
    do(client, former, "pin")
    assert "Yes, pinned" in page_of(client, former)
    assert "pinned: whatever is taught" in client.get(url(TrainedModel, "changelist")).content.decode()
    with tenant_scope(acme.tenant.id):
        assert lessons().version == former.id
        acts = AuditEntry.objects.filter(action="trainedmodel.activated").order_by("id")
        assert [one.changes["pinned"] for one in acts] == [False, True]
    assert "The newest version answers" in do(client, newest, "newest").content.decode()
    with tenant_scope(acme.tenant.id):
        assert lessons().version == newest.id
    assert client.post(url(TrainedModel, "do", newest.pk, "activate")).status_code == 403  # it answers already


def test_who_only_reads_begins_nothing_and_another_tenant_is_not_there(staff_of, acme: World, globex: World) -> None:
    reader, writer = staff_of(acme.tenant, ("intents:read",)), staff_of(acme.tenant)
    train = "admin:assistant_trainedmodel_train"
    assert reader.post(reverse(train, args=[acme.tenant.pk])).status_code == 403
    assert writer.post(reverse(train, args=[globex.tenant.pk])).status_code == 403
    assert "Train and measure" not in reader.get(url(TrainedModel, "changelist")).content.decode()
    runs = reverse("admin:assistant_trainedmodel_runs")
    assert [run["id"] for run in reader.get(runs).json()["runs"]] == [str(acme.tenant.pk)]
    assert staff_of(acme.tenant, ("channels:read",)).get(runs).status_code == 403
    with tenant_scope(globex.tenant.id):
        assert not TrainingLane.objects.exists()
