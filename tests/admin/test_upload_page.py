"""Documents become articles by a page of the console: each for itself, with a report, nothing lost (AI-7, ADM-1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from assistant.console import upload
from assistant.models import KnowledgeEntry
from tenants.models import AuditEntry
from tests.admin.conftest import rows
from tests.factories import MembershipFactory, RoleFactory, UserFactory

pytestmark = pytest.mark.django_db
PAGE = "/admin/assistant/knowledgeentry/upload/"
RETURNS = ("returns.md", b"# Returns\n\nWithin 60 days.")


@pytest.fixture
def teacher(tenant: Any, staff_of: Any) -> Client:
    return staff_of(tenant, ("intents:read", "intents:write"))


def bring(client: Client, tenant: Any, *files: tuple[str, bytes], part: bool = False, **facts: Any) -> Any:
    documents = [SimpleUploadedFile(name, data) for name, data in files]
    headers = {"X-Part": "report"} if part else {}
    return client.post(PAGE, {"tenant": str(tenant.id), "documents": documents, **facts}, headers=headers)


def test_each_document_is_taken_for_itself_and_told(tenant, teacher) -> None:
    shop = ("shop.csv", b"title,answer\nOpening,From nine\nParking,Behind the shop\n")
    page = bring(teacher, tenant, RETURNS, ("virus.exe", b"MZ"), shop)
    told = page.content.decode()
    assert page.status_code == 200
    assert sorted(rows(KnowledgeEntry).filter(tenant=tenant).values_list("title", flat=True)) == ["Opening", "Parking", "Returns"]  # fmt: skip
    assert ("virus.exe" in told, "The name of a document ends in one of" in told) == (True, True)
    assert told.count("<small>created</small>") == 3
    assert rows(AuditEntry).get(tenant=tenant, action="knowledge.imported").changes["created"] == 3
    assert bring(teacher, tenant, RETURNS).content.decode().count("<small>unchanged</small>") == 1


def test_a_document_that_is_sent_by_the_script_is_answered_with_its_line(tenant, teacher) -> None:
    answer = bring(teacher, tenant, ("<b>x</b>.md", b"# A <i>title</i>\n\nWords."), part=True)
    told = answer.content.decode()
    assert ("<html" in told, "&lt;i&gt;title" in told, "<i>title" in told) == (False, True, False)


def test_what_is_wrong_in_the_form_is_told_and_nothing_is_taken(tenant, teacher) -> None:
    wrong = bring(teacher, tenant, RETURNS, part=True, language="english")
    assert (wrong.status_code, wrong.content.decode()) == (422, "A language has two small letters, as en.")
    assert "Choose at least one document." in bring(teacher, tenant).content.decode()
    assert not rows(KnowledgeEntry).exists()


def test_too_much_at_once_is_told(tenant, teacher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "MOST_OF_REQUEST", 100)
    large = ("large.md", b"# Large\n\n" + b"x" * 500)
    assert bring(teacher, tenant, large).status_code == 413
    answer = bring(teacher, tenant, ("large.md", b"x" * 70_000), part=True)
    assert (answer.status_code, answer.content.decode()) == (413, upload.TOO_MUCH)
    assert bring(teacher, tenant, *[(f"{n}.md", b"") for n in range(101)]).status_code == 413


def test_a_document_larger_than_any_may_be_is_refused(tenant, teacher) -> None:
    assert "at most 2 MB" in bring(teacher, tenant, ("a.md", b"x" * (2 * 1024 * 1024 + 1)), part=True).content.decode()


def test_others_may_not(tenant, other_tenant, staff_of) -> None:
    assert bring(staff_of(tenant, ("intents:read",)), tenant, RETURNS).status_code == 403
    assert bring(staff_of(other_tenant), tenant, RETURNS).status_code == 422
    assert not rows(KnowledgeEntry).exists()


def test_a_form_of_another_site_is_refused(tenant, teacher) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = teacher.cookies
    assert bring(strict, tenant, RETURNS, part=True).status_code == 403


def test_who_has_several_tenants_chooses(tenant, other_tenant) -> None:
    user = UserFactory()
    for one in (tenant, other_tenant):
        MembershipFactory(tenant=one, user=user, role=RoleFactory(tenant=one, permissions=["*"]))
    client = Client()
    client.force_login(user)
    assert "Choose a tenant" in client.get(PAGE).content.decode()
    bring(client, other_tenant, RETURNS)
    assert rows(KnowledgeEntry).get().tenant_id == other_tenant.id


def test_the_list_of_articles_leads_to_it(tenant, teacher, staff_of) -> None:
    where = "/admin/assistant/knowledgeentry/"
    assert PAGE in teacher.get(where).content.decode()
    assert PAGE not in staff_of(tenant, ("intents:read",)).get(where).content.decode()
