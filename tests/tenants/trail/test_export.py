"""The audit trail as a file, by REST and from the console: complete, the tenant's own, and no cell is a formula (TEN-6)."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client

from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tenants.trail.audit import audit
from tenants.trail.seals import trail_seal
from tests.admin.conftest import rows

pytestmark = pytest.mark.django_db
AT = "/api/v2/audit/export"


@pytest.fixture
def written(tenant: Tenant, other_tenant: Tenant) -> Tenant:
    with tenant_scope(tenant.id):
        audit("user:=HYPERLINK(1)", "channel.updated", "channel:1", {"fields": ["name"]}, "192.0.2.7")
        audit("user:ana", "label.created", "label:1")
    with tenant_scope(other_tenant.id):
        audit("user:ben", "channel.updated", "channel:2")
    trail_seal(lambda: True)
    return tenant


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def table(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text(answer).removeprefix("\ufeff"))))


def test_a_table_has_each_entry_and_no_formula(written: Tenant, api: Any) -> None:
    found = table(api(written).post(AT, {"format": "csv"}))
    assert [row["action"] for row in found] == ["channel.updated", "label.created", "audit.exported"]
    assert (found[0]["actor"], found[0]["changes"], found[0]["seal"]) == (
        "user:=HYPERLINK(1)",
        '{"fields":["name"]}',
        "1",
    )
    assert found[2]["seal"] == ""
    with tenant_scope(written.id):
        audit("=1+1", "x.y", "@cmd")
    last = table(api(written).post(AT, {"format": "csv"}))[3]
    assert (last["actor"], last["target"]) == ("'=1+1", "'@cmd")


def test_lines_have_what_the_list_has(written: Tenant, api: Any) -> None:
    client = api(written)
    lines = [json.loads(line) for line in text(client.post(AT, {"format": "jsonl", "action": "channel."})).splitlines()]
    listed = client.data_of(client.get("/api/v2/audit", {"action": "channel."}))["items"]
    names = ("id", "at", "actor", "action", "target", "changes", "ip")
    assert [{name: line[name] for name in names} for line in lines] == listed
    assert lines[0]["tenant"] == str(written.id)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"format": "xml"}, 400), ({"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"}, 400),
        ({"end_date": "2026-01-01T00:00:00Z"}, 200),
    ],
    ids=["another form", "backwards", "before it began"],
)  # fmt: skip
def test_what_is_asked_for(asked: dict[str, str], status: int, written: Tenant, api: Any) -> None:
    assert api(written).post(AT, asked).status_code == status


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_staff_take_what_their_list_shows(form: str, written: Tenant, other_tenant: Tenant, staff_of: Any) -> None:
    client: Client = staff_of(written, ("audit:read",))
    page = client.get("/admin/tenants/auditentry/").content.decode()
    assert "Take as a table (CSV)" in page
    address = f"/admin/tenants/auditentry/export/{form}/"
    found = text(client.post(address, {"q": "", "tenant": ""}))
    assert "label.created" in found
    assert "user:ben" not in found
    assert "channel.updated" not in text(client.post(address, {"q": "label", "tenant": str(written.pk)}))
    assert client.post(address, {"tenant": str(other_tenant.pk)}).status_code == 403
    assert client.get(address).status_code == 404
    assert rows(AuditEntry).filter(tenant=written, action="audit.exported").count() == 2
    assert staff_of(written, ("members:read",)).post(address, {}).status_code == 403
