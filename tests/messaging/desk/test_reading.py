"""What windows show, as it is read from the rows: one batch for all windows and tenants."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from messaging.desk import reading
from tenants.storage.db import now
from tests.factories import ConversationFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("remembered")]


def test_a_batch_costs_the_same_statements_for_any_number_of_conversations_and_tenants(tenant, other_tenant):
    wanted = {of.id: [waits(of).id for _ in range(3)] for of in (tenant, other_tenant)}
    few = {tenant.id: wanted[tenant.id][:1]}
    reading.read(wanted)  # settings and hours of a tenant are remembered
    for batch in (few, wanted):
        with CaptureQueriesContext(connection) as seen:
            found = reading.read(batch)
        assert len(seen) == 6
        assert {tenant_id: set(rows) for tenant_id, rows, _ in found} == {of: set(ids) for of, ids in batch.items()}


def test_a_conversation_that_is_asked_for_as_another_tenants_is_not_found(tenant, other_tenant):
    own, others = waits(tenant), waits(other_tenant)
    wanted = {tenant.id: [own.id, others.id], other_tenant.id: [own.id]}
    assert [(of, set(rows), statuses) for of, rows, statuses in reading.read(wanted, [own.id, others.id])] == [
        (tenant.id, {own.id}, {own.id: {}}), (other_tenant.id, set(), {}),
    ]  # fmt: skip


def waits(tenant):
    return ConversationFactory(tenant=tenant, held_by="queue", control_owner="human", waiting_since=now(), last_seq=1)
