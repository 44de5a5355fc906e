"""`rotate_keys`: every secret at rest is stored under the newest key, at any moment and as often as one likes (TEN-7)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from assistant.llm_models import CachedAnswer, Provider
from assistant.products.models import ProductSource
from assistant.tools.models import AgreedCall, Tool
from channels_app.models import Channel
from conversations.models import Message
from messaging.housekeeping import rekey
from messaging.integrators.endpoints import endpoint_create
from messaging.models import WebhookEndpoint
from tenants.models import AuditEntry, AuditSeal, IdempotencyRecord, SecondFactor, Tenant
from tenants.storage.crypto import decrypt, encrypt
from tenants.storage.db import now
from tests.factories import ChannelFactory, ConversationFactory, MessageFactory, TenantFactory, UserFactory

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
OLD, NEW = "o" * 40, "n" * 40
SECRETS = {"access_token": "token-0123456789"}


@pytest.fixture
def stored(scope: Tenant, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A value of each place, under the old key."""
    settings.ENCRYPTION_KEYS = [OLD]
    monkeypatch.setattr("messaging.integrators.endpoints.url_check", lambda url: None)
    channel = ChannelFactory(tenant=scope, kind="whatsapp", secrets=SECRETS)
    endpoint, _ = endpoint_create(scope.id, url="https://hooks.example.com/x", event_types=["chat.message.*"])
    record = IdempotencyRecord.objects.create(
        tenant=scope, key="k", fingerprint="f", running_until=now(), status=200, body=encrypt("answer")
    )
    analysis = {"flags": ["iban"], "sealed": encrypt([["iban", "DE89"]])}
    factor = SecondFactor.objects.create(user=UserFactory(), kind="app", name="Phone", handle="h", secret="JBSWY3DP")
    talk = ConversationFactory(tenant=scope, channel=channel)
    message = MessageFactory(tenant=scope, conversation=talk, analysis=analysis)
    MessageFactory(tenant=scope, conversation=talk)
    provider = Provider.objects.create(tenant=scope, name="own", kind="openai", key="sk-1")
    shop = ProductSource.objects.create(tenant=scope, url="https://shop.example.com", token="t-1")
    tool = Tool.objects.create(
        tenant=scope, name="cancel", title="Cancel", url="https://shop.example.com/x", secret="whsec_1"
    )
    cached = CachedAnswer.objects.create(
        tenant=scope, contact=talk.contact, digest="d", answer={"text": "again"}, expires_at=now()
    )
    agreed = AgreedCall.objects.create(tenant=scope, conversation_id=talk.id, mark="m", tool="cancel", answer="done")
    seal = AuditSeal.objects.create(
        tenant=scope, number=1, hash="h", entries=0, last_at=now(), place={"followed": False}, purged={"purged": "then"}
    )
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    yield {"channel": channel, "endpoint": endpoint, "record": record, "message": message, "factor": factor,
           "provider": provider, "shop": shop, "tool": tool, "cached": cached, "agreed": agreed, "seal": seal}  # fmt: skip


def run(*options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("rotate_keys", "--json", *options, stdout=out)
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def opened(stored: dict[str, Any]) -> list[Any]:
    """What the rows say, by the keys that there are."""
    return [
        Channel.objects.get(id=stored["channel"].id).secrets,
        bool(WebhookEndpoint.objects.get(id=stored["endpoint"].id).secrets),
        decrypt(IdempotencyRecord.objects.get(id=stored["record"].id).body),
        decrypt(Message.objects.get(id=stored["message"].id).analysis["sealed"]),
        SecondFactor.objects.get(id=stored["factor"].id).secret,
        Provider.objects.get(id=stored["provider"].id).key,
        ProductSource.objects.get(id=stored["shop"].id).token,
        Tool.objects.get(id=stored["tool"].id).secret,
        CachedAnswer.objects.get(id=stored["cached"].id).answer,
        AgreedCall.objects.get(id=stored["agreed"].id).answer,
        AuditSeal.objects.get(id=stored["seal"].id).place,
        AuditSeal.objects.get(id=stored["seal"].id).purged,
    ]


ALL = [
    SECRETS, True, "answer", [["iban", "DE89"]], "JBSWY3DP", "sk-1", "t-1", "whsec_1", {"text": "again"}, "done",
    {"followed": False}, {"purged": "then"},
]  # fmt: skip


def test_the_former_key_may_go_afterwards(stored: dict[str, Any], settings: Any) -> None:
    told = run()
    assert (told["older"], told["unreadable"]) == (len(told["places"]), 0)
    assert {name: (count["values"], count["older"]) for name, count in told["places"].items()} == {
        place.name: (1, 1) for place in rekey.places()
    }
    settings.ENCRYPTION_KEYS = [NEW]
    assert opened(stored) == ALL
    assert Message.objects.get(id=stored["message"].id).analysis["flags"] == ["iban"]


def test_a_second_run_finds_nothing_to_do_and_a_dry_one_does_nothing(stored: dict[str, Any], settings: Any) -> None:
    assert run("--dry-run")["older"] == run("--dry-run")["older"] == len(rekey.places())
    run()
    assert run()["older"] == 0
    settings.ENCRYPTION_KEYS = [NEW]
    assert opened(stored) == ALL


def test_every_tenant_reads_of_it_in_its_trail_even_of_a_run_that_was_stopped(
    stored: dict[str, Any], scope: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    # unscoped: the entries of all tenants
    told = AuditEntry.objects.unscoped().filter(action="encryption.rotation_began")
    removing = TenantFactory(status=Tenant.Status.REMOVING)
    run("--dry-run")
    assert not told.exists()

    def stopped(*given: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rekey, "_replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        run()
    found = {(entry.tenant_id, entry.actor, entry.target, str(entry.changes)) for entry in told}
    assert found == {(one.id, "system", f"tenant:{one.id}", "{}") for one in (scope, other_tenant)}
    assert removing.id not in {entry.tenant_id for entry in told}


def test_a_run_that_was_stopped_goes_on(stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    replace, done = rekey._replace, []

    def until_the_second(*given: Any) -> None:
        if done:
            raise KeyboardInterrupt
        done.append(replace(*given))

    monkeypatch.setattr(rekey, "_replace", until_the_second)
    with pytest.raises(KeyboardInterrupt):
        run()
    monkeypatch.setattr(rekey, "_replace", replace)
    assert run()["older"] == len(rekey.places()) - 1


def test_what_is_changed_meanwhile_stays(stored: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    replace = rekey._replace

    def after_a_change(place: rekey.Place, *given: Any) -> None:
        Channel.objects.filter(id=stored["channel"].id).update(secrets={"access_token": "newer"})
        IdempotencyRecord.objects.filter(id=stored["record"].id).update(body=encrypt("newer"))
        replace(place, *given)

    monkeypatch.setattr(rekey, "_replace", after_a_change)
    run()
    assert opened(stored) == [{"access_token": "newer"}, True, "newer", *ALL[3:]]


def test_what_no_key_opens_is_told_and_left(stored: dict[str, Any], settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(CommandError, match="12 values are opened by none"):
        run()
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert opened(stored) == ALL


def test_words_for_people(stored: dict[str, Any]) -> None:
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    assert "1 of 1        channels_app.Channel.secrets" in out.getvalue()
    assert out.getvalue().endswith(f"{len(rekey.places())} values were stored anew.\n")


def test_every_file_that_encrypts_has_its_place_in_the_list() -> None:
    """What is encrypted by hand lies in a column that `rekey.WITHIN` names, or for minutes in a console session or page."""
    apps = ("assistant", "channels_app", "chatsvc", "conversations", "messaging", "tenants")
    files = [path for app in apps for path in (ROOT / app).rglob("*.py")]
    by_hand = {str(path.relative_to(ROOT)) for path in files if re.search(r"(?<!def )\bencrypt\(", path.read_text())}
    by_hand -= {"tenants/console/second/own.py", "assistant/console/offered.py"}
    assert by_hand == {"conversations/safety.py", "tenants/api/idempotency.py", "tenants/storage/crypto.py"}
