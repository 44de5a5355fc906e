"""Articles by REST: written, changed, brought in, found old; each tenant its own (AI-7)."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from assistant.models import KnowledgeEntry
from tenants import tenant_settings
from tenants.models import AuditEntry
from tenants.storage.db import now

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = "/api/v2/knowledge"
BODY = {"title": "Returns", "answer": "60 days.", "questions": ["how long?"], "language": "en"}


@pytest.fixture
def client(tenant, scope, api) -> Any:
    return api(tenant)


def document(name: str, text: str, **more: str) -> dict[str, str]:
    return {"name": name, "content": base64.b64encode(text.encode()).decode(), **more}


def brought(client: Any, *documents: Any) -> Any:
    answer = client.post(f"{ROOT}/import", {"documents": list(documents)})
    assert answer.status_code == 200, answer.content
    return client.data_of(answer)


@pytest.mark.parametrize("field", ["title", "answer"])
def test_an_article_says_something(client, field: str) -> None:
    made = client.data_of(client.post(ROOT, BODY))
    for answer in (client.post(ROOT, BODY | {field: " \n"}), client.patch(f"{ROOT}/{made['id']}", {field: " "})):
        assert [one["field"] for one in client.error_of(answer)["details"]] == [field]


def test_an_article_is_written_changed_and_deleted(client) -> None:
    made = client.data_of(client.post(ROOT, BODY))
    where = f"{ROOT}/{made['id']}"
    assert client.data_of(client.get(where)) == made
    changed = client.data_of(client.patch(where, {"answer": "90 days."}))
    assert (changed["answer"], changed["title"], changed["questions"]) == ("90 days.", "Returns", ["how long?"])
    assert client.delete(where).status_code == 204
    assert client.error_of(client.get(where))["code"] == "article_not_found"
    acts = AuditEntry.objects.filter(action__startswith="knowledgeentry.").order_by("id")
    assert [act.partition(".")[2] for act in acts.values_list("action", flat=True)] == ["created", "updated", "deleted"]


@pytest.mark.parametrize(
    "wrong",
    [{"title": ""}, {"answer": "x" * 100_001}, {"language": "english"}, {"source_url": "javascript:x"}, {"x": 1}],
)
def test_what_is_no_article_is_refused(client, wrong: dict[str, Any]) -> None:
    assert client.post(ROOT, {**BODY, **wrong}).status_code == 400
    assert not KnowledgeEntry.objects.exists()


def test_documents_come_in_each_for_itself_and_once(client) -> None:
    given = [document("r.md", "# Returns\n60 days."), document("x.exe", "MZ"), {"name": "b.md", "content": "?"},
             document("f.csv", "title,answer\nA,a\nB,b\n")]  # fmt: skip
    first = brought(client, *given)
    told = [(one["index"], one["status"], (one["error"] or {}).get("code")) for one in first["items"]]
    assert told == [
        (0, "created", None), (1, "refused", "format_unknown"), (2, "refused", "invalid_base64"), (3, "created", None),
        (3, "created", None),
    ]  # fmt: skip
    assert (first["created"], first["refused"]) == (3, 2)
    assert [one["status"] for one in brought(client, given[0], given[3])["items"]] == ["unchanged"] * 3
    assert brought(client, document("r.md", "# Returns\n90 days."))["updated"] == 1
    assert KnowledgeEntry.objects.get(title="Returns").answer == "90 days."


def test_of_a_table_with_a_wrong_row_nothing_is_kept(client) -> None:
    assert (
        brought(client, document("f.csv", "title,answer\nA,a\n,b\n"))["items"][0]["error"]["code"] == "article_invalid"
    )
    assert not KnowledgeEntry.objects.exists()


def test_an_empty_document_and_one_that_is_too_large_harm_no_other(client) -> None:
    empty, large = {"name": "e.md", "content": ""}, document("l.md", "x" * 2_200_000)
    done = brought(client, empty, large, document("r.md", "# Returns\n60 days."))
    assert [(one.get("error") or {}).get("code", "") for one in done["items"]] == [
        "document_empty",
        "document_too_large",
        "",
    ]
    assert done["created"] == 1


def test_an_address_names_an_article_through_a_new_title(client) -> None:
    page = {"source_url": "https://x.example/r"}
    brought(client, document("r.md", "# Returns\n60 days.", **page))
    assert brought(client, document("r.md", "# Sending back\n60 days.", **page))["updated"] == 1


def test_what_was_not_checked_for_long_is_listed(client, scope) -> None:
    old, off = (KnowledgeEntry.objects.create(tenant=scope, title=title, answer="x") for title in ("Old", "Off"))
    KnowledgeEntry.objects.create(tenant=scope, title="New", answer="x")
    KnowledgeEntry.objects.exclude(title="New").update(checked_at=now() - timedelta(days=181))
    KnowledgeEntry.objects.filter(id=off.id).update(enabled=False)

    def listed() -> list[str]:
        return [one["title"] for one in client.data_of(client.get(ROOT, {"unchecked": "true"}))["items"]]

    assert listed() == ["Old"]
    scope.settings = {"knowledge_days": 200}
    scope.save()
    tenant_settings.invalidate(scope.id)
    assert listed() == []
    scope.settings = {"knowledge_days": 100}
    scope.save()
    tenant_settings.invalidate(scope.id)
    assert listed() == ["Old"]
    assert client.post(f"{ROOT}/{old.id}/check").status_code == 200
    assert listed() == []


def test_no_tenant_reaches_anothers(client, scope, other_tenant, api) -> None:
    row = KnowledgeEntry.objects.create(tenant=scope, title="Returns", answer="x")
    stranger, where = api(other_tenant), f"{ROOT}/{row.id}"
    answers = [stranger.get(where), stranger.patch(where, {"title": "x"}), stranger.delete(where),
               stranger.post(f"{where}/check")]  # fmt: skip
    assert [answer.status_code for answer in answers] == [404] * 4
    assert brought(stranger, document("r.md", "# Returns\n90 days."))["created"] == 1
    assert KnowledgeEntry.objects.get(id=row.id).answer == "x"


def test_reading_needs_one_permission_and_writing_another(tenant, scope, api) -> None:
    reader = api(tenant, "intents:read")
    assert (reader.get(ROOT).status_code, reader.post(ROOT, BODY).status_code) == (200, 403)


def test_a_folder_comes_in_by_command(scope, other_tenant, tmp_path, capsys) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "r.md").write_text("# Returns\n60 days.")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "f.csv").write_text("title,answer\nA,a\n")
    call_command("import_articles", str(tmp_path), tenant=scope.slug, language="en")
    assert "2 created, 0 updated, 0 unchanged, 0 refused" in capsys.readouterr().out
    (tmp_path / "bad.html").write_bytes(b"\xff")
    with pytest.raises(CommandError):
        call_command("import_articles", str(tmp_path), tenant=scope.slug, language="en")
    told = capsys.readouterr()
    assert ("2 unchanged, 1 refused" in told.out, "bad.html: document_broken" in told.err) == (True, True)
    assert sorted(KnowledgeEntry.objects.values_list("title", "language")) == [("A", "en"), ("Returns", "en")]
    assert KnowledgeEntry.objects.unscoped().filter(tenant=other_tenant).count() == 0
    assert AuditEntry.objects.filter(action="knowledge.imported").count() == 2
