"""What docs/profiling.md says of one message's statements is shown (OPS-8)."""

from __future__ import annotations

import re

import pytest

from benchmarks.cpu.one_message import shown
from tenants.models import Tenant
from tenants.storage.db import atomic, on_mongo


@pytest.mark.django_db
@pytest.mark.skipif(on_mongo(), reason="shows statements of SQL")
def test_each_statement_has_a_line_with_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    with shown(), atomic():
        Tenant.objects.filter(slug="acme").count()
        Tenant.objects.filter(slug="acme").update(name="Acme")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert re.fullmatch(r" +\d+\.\d ms  SELECT COUNT\(\*\).+", lines[0])
    assert re.fullmatch(r" +\d+\.\d ms  UPDATE .tenants_tenant.+", lines[1])
