"""What a person may ask for, by REST: export and erasure with their state, records and the file (PRIV-1, PRIV-2)."""

from __future__ import annotations

import io
import time
import zipfile
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.test import Client
from prometheus_client import REGISTRY

from conversations.models import Contact
from messaging import tasks
from messaging.privacy.export import package
from messaging.privacy.holds import hold_place
from messaging.privacy.models import Erasure, Export
from tenants.storage.db import new_id
from tenants.trail.audit import AuditEntry
from tests.conftest import Api
from tests.factories import ContactFactory, IdentityFactory
from tests.messaging.privacy.rita import RITA, TRACES

pytestmark = pytest.mark.django_db(transaction=True)

EXPORT, DELETE = "/api/v1/privacy/export", "/api/v1/privacy/delete"


@pytest.fixture
def client(rita: Contact, api: Any) -> Api:
    return api(rita.tenant)


def path(url: str) -> str:
    return urlsplit(url).path


def ready(client: Api, contact: Contact) -> dict[str, Any]:
    begun = client.data_of(client.post(EXPORT, {"contact_id": str(contact.id)}))
    tasks.privacy.apply(throw=True)
    return dict(client.data_of(client.get(f"{EXPORT}/{begun['id']}")))


def test_an_export_is_asked_for_made_and_downloaded(client: Api, rita: Contact, calls: Any) -> None:
    answer = client.post(EXPORT, {"contact_id": str(rita.id)})
    begun = client.data_of(answer)
    assert (answer.status_code, begun["status"], begun["progress"], begun["download_url"]) == (202, "running", 0, None)
    assert calls.of("privacy") == [None]
    made = ready(client, rita)
    assert (made["id"], made["status"], made["progress"], made["counts"]["messages"]) == (begun["id"], "ready", 100, 2)
    told = Client().get(path(made["download_url"]))
    assert (told.status_code, told["Content-Type"], told["Cache-Control"]) == (200, "application/zip", "no-store")
    assert told["Content-Disposition"] == f'attachment; filename="export-{rita.id}.zip"'
    file = b"".join(told.streaming_content)
    assert (len(file), int(told["Content-Length"])) == (made["size"], made["size"])
    assert RITA in zipfile.ZipFile(io.BytesIO(file)).read("identities.jsonl").decode()
    after = client.data_of(client.get(f"{EXPORT}/{begun['id']}"))
    assert (after["downloads"], after["downloaded_at"] is None) == (1, False)
    acts = AuditEntry.objects.order_by("id").values_list("action", "actor", "ip")
    assert [act for act, _, _ in acts] == [
        f"contact.{deed}" for deed in ("export_requested", "exported", "export_downloaded")
    ]
    assert [(actor.partition(":")[0], ip) for _, actor, ip in acts] == [
        ("key", "127.0.0.1"), ("system", None), ("link", "127.0.0.1"),
    ]  # fmt: skip


def test_a_link_runs_out_and_none_is_guessed(client: Api, rita: Contact, monkeypatch: pytest.MonkeyPatch) -> None:
    made, at = ready(client, rita), time.time()
    monkeypatch.setattr(package, "time", SimpleNamespace(time=lambda: at))
    link = path(client.data_of(client.get(f"{EXPORT}/{made['id']}"))["download_url"])
    for later, status in ((899, 200), (901, 404)):
        monkeypatch.setattr(package, "time", SimpleNamespace(time=lambda later=later: at + later))
        assert Client().get(link).status_code == status
    for forged in (
        link[:-1] + chr(ord(link[-1]) ^ 1),
        link.replace(".", ".9", 1),
        f"/api/v1/privacy/download/{made['id']}",
    ):
        assert Client().get(forged).status_code == 404
    assert Export.objects.get().downloads == 1


@pytest.mark.parametrize("status", ["expired", "erased", "failed"])
def test_a_link_to_a_file_that_is_gone_leads_nowhere(client: Api, rita: Contact, status: str) -> None:
    link = path(ready(client, rita)["download_url"])
    Export.objects.update(status=status)
    assert Client().get(link).status_code == 404
    told = client.data_of(client.get(EXPORT))["items"][0]
    assert (told["status"], told["download_url"], told["downloads"]) == (status, None, 0)


def test_an_erasure_is_asked_for_and_done(client: Api, rita: Contact, calls: Any) -> None:
    answer = client.post(DELETE, {"contact_id": str(rita.id)})
    begun = client.data_of(answer)
    assert (answer.status_code, begun["status"], calls.of("privacy")) == (202, "running", [None])
    for _ in range(2):
        tasks.privacy.apply(throw=True)
    done = client.data_of(client.get(f"{DELETE}/{begun['id']}"))
    assert (done["status"], done["counts"]["conversations.Contact"], done["table"]) == ("done", 1, None)
    assert not Contact.objects.filter(id=rita.id).exists()
    records = client.data_of(client.get(DELETE, {"contact_id": str(rita.id)}))["items"]
    assert records == [done]
    assert not [trace for trace in TRACES if trace in str(records)]


def test_what_was_asked_for_and_done_is_measured(client: Api, rita: Contact) -> None:
    def counted() -> list[float]:
        found = [
            REGISTRY.get_sample_value("chatsvc_privacy_operations_total", {"operation": operation, "outcome": outcome})
            for operation in ("export", "erasure")
            for outcome in ("requested", "done")
        ]
        return [value or 0.0 for value in found]

    before = counted()
    ready(client, rita)
    client.post(DELETE, {"contact_id": str(rita.id)})
    for _ in range(2):
        tasks.privacy.apply(throw=True)
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [1, 1, 1, 1]


def test_a_hold_refuses_with_its_reason_and_is_shown_where_it_came_later(client: Api, rita: Contact) -> None:
    begun = client.data_of(client.post(DELETE, {"contact_id": str(rita.id)}))
    hold_place(rita.id, "case 7/2026", "system")
    tasks.privacy.apply(throw=True)
    assert client.data_of(client.get(f"{DELETE}/{begun['id']}"))["status"] == "held"
    otto = Contact.objects.get(name="Otto")
    hold_place(otto.id, "case 8/2026", "system")
    refused = client.post(DELETE, {"contact_id": str(otto.id)})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "legal_hold")


@pytest.mark.parametrize("where", [EXPORT, DELETE])
def test_a_person_is_named_by_the_id_that_the_caller_knows(client: Api, rita: Contact, where: str, web: Any) -> None:
    def told(**body: Any) -> tuple[int, Any]:
        answer = client.post(where, body)
        return answer.status_code, answer.json().get("error", {}).get("code")

    assert client.data_of(client.post(where, {"learner_id": f"+{RITA}"}))["contact_id"] == str(rita.id)
    twin = ContactFactory(tenant=rita.tenant)
    IdentityFactory(tenant=rita.tenant, contact=twin, channel=web, scheme="user", value=f"+{RITA}")
    ambiguous = client.post(where, {"learner_id": f"+{RITA}"}).json()["error"]
    assert (ambiguous["code"], ambiguous["details"]["contact_ids"]) == (
        "person_ambiguous", sorted(map(str, (rita.id, twin.id))),
    )  # fmt: skip
    assert told() == told(contact_id=str(rita.id), learner_id="u") == (400, "contact_or_learner")
    assert told(learner_id="stranger") == told(contact_id=str(new_id())) == (404, "contact_not_found")


@pytest.mark.parametrize(("where", "model"), [(EXPORT, Export), (DELETE, Erasure)], ids=["export", "delete"])
def test_a_request_that_is_sent_again_is_the_same(client: Api, rita: Contact, where: str, model: Any) -> None:
    body, key = {"contact_id": str(rita.id)}, {"HTTP_IDEMPOTENCY_KEY": "k-1"}
    first, again = client.post(where, body, **key), client.post(where, body, **key)
    assert (first.content, again["Idempotency-Replayed"], model.objects.count()) == (again.content, "true", 1)
    other = client.post(where, {"contact_id": str(new_id())}, **key)
    assert other.json()["error"]["code"] == "idempotency_mismatch"


@pytest.mark.parametrize(("where", "needed"), [(EXPORT, "privacy:export"), (DELETE, "privacy:delete")])
def test_each_has_a_permission_of_its_own(rita: Contact, make_key: Any, where: str, needed: str) -> None:
    body = {"contact_id": str(rita.id)}
    others = sorted({"privacy:export", "privacy:delete", "contacts:write", "contacts:read"} - {needed})
    for held, statuses in ((others, [403, 403, 403]), ([needed], [202, 200, 404])):
        client = Api(make_key(rita.tenant, *held)[1])
        answers = client.post(where, body), client.get(where), client.get(f"{where}/{new_id()}")
        assert [answer.status_code for answer in answers] == statuses


def test_another_tenant_sees_nothing_of_it(client: Api, rita: Contact, other_tenant: Any, api: Any) -> None:
    made, stranger = ready(client, rita), api(other_tenant)
    assert stranger.get(f"{EXPORT}/{made['id']}").status_code == 404
    assert stranger.data_of(stranger.get(EXPORT))["items"] == []
    for where in (EXPORT, DELETE):
        assert stranger.post(where, {"contact_id": str(rita.id)}).status_code == 404


def test_records_are_listed_by_contact_and_status(client: Api, rita: Contact) -> None:
    ready(client, rita)
    otto = Contact.objects.get(name="Otto")
    client.post(EXPORT, {"contact_id": str(otto.id)})

    def found(**query: Any) -> list[str]:
        return [one["contact_id"] for one in client.data_of(client.get(EXPORT, query))["items"]]

    assert found() == [str(otto.id), str(rita.id)]
    assert found(status="ready") == found(contact_id=str(rita.id)) == [str(rita.id)]
    assert client.get(EXPORT, {"status": "lost"}).status_code == 400


@pytest.mark.parametrize("where", [EXPORT, DELETE])
def test_an_operator_may_take_no_requests_here(client: Api, rita: Contact, where: str, settings: Any) -> None:
    """PRIVACY_ENABLED=false: nothing is begun, what was begun before can be read, and commands go on (OPS-2)."""
    before = client.data_of(client.post(EXPORT, {"contact_id": str(rita.id)}))
    settings.ENV = {**settings.ENV, "PRIVACY_ENABLED": False}
    refused = client.post(where, {"contact_id": str(Contact.objects.get(name="Otto").id)})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "privacy_off")
    assert (Export.objects.count(), Erasure.objects.count()) == (1, 0)
    assert client.data_of(client.get(f"{EXPORT}/{before['id']}"))["id"] == before["id"]
    call_command("erase_contact", rita.tenant.slug, str(rita.id), background=True)
    assert Erasure.objects.get().contact_id == rita.id
