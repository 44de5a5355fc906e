"""The audit trail is sealed in batches: whatever is done to it afterwards is found, and retention leaves it provable (TEN-6)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tenants.models import AuditEntry, AuditSeal, Tenant
from tenants.scope import tenant_scope
from tenants.storage.crypto import Stored
from tenants.storage.db import new_id, now
from tenants.trail import seals
from tenants.trail.audit import audit
from tenants.trail.seals import trail_purge, trail_seal, trail_verify

pytestmark = pytest.mark.django_db


def always() -> bool:
    return True


@pytest.fixture
def sealed(tenant: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """Seven entries under three seals, and one of another tenant."""
    monkeypatch.setattr(seals, "BATCH", 3)
    for number in range(7):
        with tenant_scope(tenant.id):
            audit("user:ana", "channel.updated", f"channel:{number}", {"fields": ["name"]}, "2001:DB8::1")
    with tenant_scope(other_tenant.id):
        audit("user:ben", "channel.updated")
    assert trail_seal(always) == 8
    return tenant


def told(tenant: Tenant, head: str = "") -> list[tuple[int, str]]:
    with tenant_scope(tenant.id):
        return [(one["seal"], one["problem"]) for one in trail_verify(head).problems]


def entries(tenant: Tenant) -> Any:
    return AuditEntry.objects.unscoped().filter(tenant=tenant).order_by("id")


def chain(tenant: Tenant) -> Any:
    return AuditSeal.objects.unscoped().filter(tenant=tenant).order_by("number")


def test_what_was_written_is_under_seals_and_as_it_was(sealed: Tenant, other_tenant: Tenant) -> None:
    assert [(seal.number, seal.entries) for seal in chain(sealed)] == [(1, 3), (2, 3), (3, 1)]
    assert [seal.previous for seal in chain(sealed)] == ["", *[seal.hash for seal in chain(sealed)][:2]]
    with tenant_scope(sealed.id):
        report = trail_verify()
        assert (report.seals, report.entries, report.unsealed, report.problems) == (3, 7, 0, [])
    assert told(other_tenant) == []
    assert trail_seal(always) == 0


def test_what_comes_later_follows_and_waits_for_its_seal_meanwhile(sealed: Tenant) -> None:
    with tenant_scope(sealed.id):
        late = audit("user:ana", "channel.updated")
        assert trail_verify().unsealed == 1
        AuditEntry.objects.filter(id=late.id).update(created_at=now() - timedelta(minutes=16))
        assert "entries wait for a seal" in trail_verify().problems[0]["problem"]
    trail_seal(always)
    assert told(sealed) == []
    assert chain(sealed).count() == 4


def test_an_entry_whose_id_is_older_than_a_seal_is_sealed_by_the_next(sealed: Tenant) -> None:
    """A transaction that committed late, or a clock behind."""
    first = entries(sealed)[0]
    AuditEntry.objects.unscoped().create(
        tenant=sealed, id=first.id.__class__(int=first.id.int - 1), actor="user:ana", action="late.one"
    )
    trail_seal(always)
    assert told(sealed) == []
    assert entries(sealed).get(action="late.one").seal.number == 4


def forge(tenant: Tenant) -> None:
    """Change an entry and make the chain anew behind it, as a program with the database in its hands can."""
    entries(tenant).filter(target="channel:0").update(actor="user:nobody")
    previous = ""
    for seal in chain(tenant):
        rows = list(AuditEntry.objects.unscoped().filter(seal=seal).order_by("id"))
        AuditSeal.objects.unscoped().filter(id=seal.id).update(
            previous=previous, hash=seals.digest(seal.number, previous, rows)
        )
        previous = seals.digest(seal.number, previous, rows)


def move(tenant: Tenant) -> None:
    """An entry goes to another seal."""
    entries(tenant).filter(target="channel:0").update(seal=chain(tenant)[1])


def put_in(tenant: Tenant) -> None:
    AuditEntry.objects.unscoped().create(tenant=tenant, actor="user:ana", action="never.done", seal=chain(tenant)[1])


def cut_out(tenant: Tenant) -> None:
    seal = chain(tenant)[1]
    entries(tenant).filter(seal=seal).delete()
    AuditSeal.objects.unscoped().filter(id=seal.id).delete()


def called_purged(tenant: Tenant) -> None:
    seal = chain(tenant)[1]
    entries(tenant).filter(seal=seal).delete()
    AuditSeal.objects.unscoped().filter(id=seal.id).update(purged_at=now())


def end_cut_off(tenant: Tenant) -> None:
    seal = chain(tenant)[2]
    entries(tenant).filter(seal=seal).delete()
    AuditSeal.objects.unscoped().filter(id=seal.id).delete()


def beginning_called_purged(tenant: Tenant) -> None:
    seal = chain(tenant)[0]
    entries(tenant).filter(seal=seal).delete()
    AuditSeal.objects.unscoped().filter(id=seal.id).update(purged_at=now())


def end_proven_by_another(tenant: Tenant) -> None:
    """The proof of the end goes to the seal before it."""
    end_cut_off(tenant)
    first, last = chain(tenant)
    AuditSeal.objects.unscoped().filter(id=last.id).update(place={**first.place, "followed": False})


def end_without_proof(tenant: Tenant) -> None:
    end_cut_off(tenant)
    AuditSeal.objects.unscoped().filter(id=chain(tenant)[1].id).update(place=Stored("made up"))


def changed(**fields: Any) -> Callable[[Tenant], Any]:
    return lambda tenant: entries(tenant).filter(target="channel:0").update(**fields)


DEEDS: dict[str, tuple[Callable[[Tenant], Any], list[tuple[int, str]]]] = {
    "actor": (changed(actor="user:nobody"), [(1, "an entry was changed")]),
    "action": (changed(action="channel.seen"), [(1, "an entry was changed")]),
    "target": (changed(target="channel:9"), [(1, "an entry was changed")]),
    "changes": (changed(changes={"fields": []}), [(1, "an entry was changed")]),
    "address": (changed(ip=None), [(1, "an entry was changed")]),
    "time": (lambda tenant: changed(created_at=now() - timedelta(days=1))(tenant), [(1, "an entry was changed")]),
    "taken away": (
        lambda tenant: entries(tenant).filter(target="channel:0").delete(), [(1, "it had 3 entries, and has 2")],
    ),
    "put in": (put_in, [(2, "it had 3 entries, and has 4")]),
    "moved": (move, [(1, "it had 3 entries, and has 2"), (2, "it had 3 entries, and has 4")]),
    "a batch cut out": (cut_out, [(3, "seals 2 to 2 are missing")]),
    "the end cut off": (end_cut_off, [(2, "it is the last, and seals that followed it are missing")]),
    "the end cut off, with a proof of another seal": (
        end_proven_by_another, [(2, "it is the last, and nothing proves that none followed it")],
    ),
    "the end cut off, with a proof that no key of ours opens": (
        end_without_proof, [(2, "it is the last, and nothing proves that none followed it")],
    ),
    "the beginning called kept no longer": (
        beginning_called_purged, [(1, "its entries are gone, and it was not retention that took them")],
    ),
    "called kept no longer": (called_purged, [(2, "its entries are gone from the middle of the trail")]),
}  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS)
def test_what_is_done_to_it_is_found(deed: str, sealed: Tenant, other_tenant: Tenant) -> None:
    do, expected = DEEDS[deed]
    do(sealed)
    assert told(sealed) == expected
    assert told(other_tenant) == []


def test_a_chain_that_was_made_anew_is_found_by_its_end(sealed: Tenant) -> None:
    head = chain(sealed)[1].hash
    assert told(sealed, head) == []
    forge(sealed)
    assert told(sealed) == [(3, "it is the last, and nothing proves that none followed it")]
    assert "not in the chain" in told(sealed, head)[1][1]


def test_an_older_copy_that_was_put_back_is_found_by_a_head_kept_elsewhere(
    sealed: Tenant,
) -> None:
    copy = list(chain(sealed))
    with tenant_scope(sealed.id):
        late = audit("user:ana", "channel.updated")
    trail_seal(always)
    head = chain(sealed)[3].hash
    assert told(sealed, head) == []
    AuditEntry.objects.unscoped().filter(id=late.id).delete()
    chain(sealed).filter(number=4).delete()
    AuditSeal.objects.unscoped().filter(id=copy[2].id).update(place=copy[2].place)
    assert told(sealed) == []
    assert told(sealed, head) == [
        (0, "the hash that was given is not in the chain: it was made anew, or its end is gone")
    ]


def test_retention_takes_the_beginning_and_leaves_the_rest_provable(sealed: Tenant, settings: Any) -> None:
    settings.ENV = {**settings.ENV, "AUDIT_KEEP_DAYS": 30}
    assert trail_purge(always) == 0
    chain(sealed).filter(number__in=[1, 2]).update(last_at=now() - timedelta(days=31))
    assert trail_purge(always) == 6
    assert trail_purge(always) == 0
    trail_seal(always)
    with tenant_scope(sealed.id):
        report = trail_verify()
        assert (report.problems, report.purged, report.entries) == ([], 6, 3)
        assert AuditEntry.objects.filter(action="audit.purged").count() == 2
    changed_ = entries(sealed).filter(action="audit.purged")[:1]
    entries(sealed).filter(id=changed_[0].id).update(actor="user:nobody")
    assert [problem for _, problem in told(sealed)] == ["an entry was changed"]


def test_what_is_older_behind_a_younger_one_stays(sealed: Tenant, settings: Any) -> None:
    settings.ENV = {**settings.ENV, "AUDIT_KEEP_DAYS": 30}
    chain(sealed).filter(number=2).update(last_at=now() - timedelta(days=31))
    assert trail_purge(always) == 0
    assert told(sealed) == []


def test_what_proves_it_goes_on_under_a_new_key(sealed: Tenant, settings: Any) -> None:
    settings.ENV = {**settings.ENV, "AUDIT_KEEP_DAYS": 30}
    chain(sealed).filter(number=1).update(last_at=now() - timedelta(days=31))
    trail_purge(always)
    trail_seal(always)
    settings.ENCRYPTION_KEYS = ["a newer key of more than 32 letters", *settings.ENCRYPTION_KEYS]
    call_command("rotate_keys")
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert told(sealed) == []


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_seal_at_once_make_one_chain(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seals, "BATCH", 2)
    with tenant_scope(tenant.id):
        for number in range(12):
            audit("user:ana", "x.y", f"z:{number}")
    ready, failed = threading.Barrier(2), []

    def seal() -> None:
        try:
            ready.wait(10)
            trail_seal(always)
        except Exception as error:  # noqa: BLE001
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=seal) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    trail_seal(always)  # what one left to the other
    assert told(tenant) == []
    assert sorted(entries(tenant).values_list("seal__entries", flat=True)) == [2] * 12


def test_the_command_proves_it(sealed: Tenant, capsys: Any) -> None:
    call_command("verify_audit", "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found["ok"], found["tenants"]["acme"]["entries"], found["tenants"]["globex"]["seals"]) == (True, 7, 1)
    head = found["tenants"]["acme"]["head"]
    call_command("verify_audit", "--tenant", "acme", "--head", head)
    assert f"Head: {head}" in capsys.readouterr().out
    entries(sealed).filter(target="channel:0").update(actor="user:nobody")
    with pytest.raises(CommandError, match="1 problems"):
        call_command("verify_audit", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["tenants"]["acme"]["problems"] == [{"seal": 1, "problem": "an entry was changed"}]
    with pytest.raises(CommandError, match="Say of which"):
        call_command("verify_audit", "--head", str(new_id()))
