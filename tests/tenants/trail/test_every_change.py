"""Whatever changes something stands in the audit trail: every unsafe operation of the API, page of the console, command
(TEN-6). What leaves no entry is listed here with its reason."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, get_resolver
from rest_framework.views import APIView

from tenants.models import AuditEntry, Tenant, User
from tests.admin.conftest import rows, url
from tests.factories import MembershipFactory

ROOT = Path(__file__).parents[3]
WRITES = re.compile(r"\baudit\(|\.done\(|\.note\(|tell_tenants\(")
TRANSCRIPT = "the transcript has it, with its author"
NOTHING = "changes nothing that is kept"
VISITOR = "a visitor's own; nothing of staff"
#: operation → why it leaves no entry
SILENT = {
    "POST api/v2/chat/message": TRANSCRIPT,
    "POST api/v1/threads/<uuid:thread_id>/messages": TRANSCRIPT,
    "POST api/v2/webchat/<str:key>/messages": TRANSCRIPT,
    "POST api/v2/webchat/<str:key>/session": VISITOR,
    "POST api/v2/webchat/<str:key>/files": VISITOR,
    "POST api/v2/webchat/<str:key>/files/<str:ticket>": VISITOR,
    "POST api/v2/chat/conversations/<uuid:conversation_id>/read": "how far an agent has read",
    "POST api/v2/chat/conversations/<uuid:conversation_id>/typing": NOTHING,
    "POST api/v2/chat/conversations/<uuid:conversation_id>/looking": NOTHING,
    "POST api/v2/engine/conversations/<uuid:conversation_id>/messages": TRANSCRIPT,
    "POST api/v2/engine/conversations/<uuid:conversation_id>/typing": NOTHING,
    "POST api/v1/privacy/export": "the room of privacy writes the entry, for commands and pages too",
    "POST api/v1/privacy/delete": "the room of privacy writes the entry, for commands and pages too",
    "PUT api/v2/members/presence": "told again every half minute",
    "POST api/v2/canned-replies/<uuid:canned_id>/fill": NOTHING,
    "POST api/v2/intents/classify": NOTHING,
    "POST api/v2/channels/<uuid:channel_id>/preview": NOTHING,
    "POST api/v2/evaluations": NOTHING,
    "POST api/v2/chat/conversations/<uuid:conversation_id>/proposal": NOTHING,
    "POST api/v2/chat/conversations/<uuid:conversation_id>/reply-translation": NOTHING,
    "POST api/v2/chat/conversations/<uuid:conversation_id>/summary": NOTHING,
    "POST api/v2/chat/messages/<uuid:message_id>/translation": NOTHING,
    "POST api/v2/chat/messages/<uuid:message_id>/compare": NOTHING,
    "POST api/v2/templates/<uuid:template_id>/preview": NOTHING,
    "POST api/v2/prompts/preview": NOTHING,
    "POST api/v2/tools/offered": NOTHING,
    "POST api/v2/product-source/try": NOTHING,
    "POST api/v2/auth/refresh": "the exchange stands there, and its family lists what came of it",
    "POST api/v2/auth/revoke": "the token of the caller, who need not be known; its family says that it ended",
}
#: command → what its act calls, which writes the entry
CALLED = {
    "erase_contact": "messaging/privacy", "hold_contact": "messaging/privacy", "export_contact": "messaging/privacy", "purge": "messaging/privacy",
}  # fmt: skip
#: commands that change nothing of a tenant's, or whose acts are no one's
OTHERS = {
    "asyncapi", "backup", "channel_doctor", "chat", "check_channels", "consume_events", "evaluate_assistant", "figures_rebuild", "index_messages",
    "kafka_topics", "run_engine", "run_engine_port", "run_security_hub", "send_webhook", "serve", "stats", "twin", "verify_audit", "ws", "restore", "restored", "seed_demo",
    "replay_events", "reindex_vectors", "evaluate_intents", "train_assistant",
}  # fmt: skip
#: the operator's repairs of traffic: the rows that they start again say so, no act of staff is among them
REPAIRS = {"replay_dead_letters", "retry_deliveries", "webhook_replay", "sync_templates"}
#: takes the tenant and its trail away; Removal keeps who asked for it
GONE = {"remove_tenant"}
#: what an entry tells of a change: ids, names of columns, roles and formats, counts, states and codes of ours. Whatever a person
#: or a colleague writes by themselves (a reason, a comment, a note) has no place there: it would outlive an erasure
TOLD = {
    "about", "against", "assignee", "attachment", "before", "buckets", "code", "count", "counts", "enabled", "entries",
    "event_id", "event_types", "export", "fields", "flushed", "format", "former", "good", "identity", "invitation",
    "keep_old_hours", "keys", "kind", "label", "message", "messages", "name", "permissions", "pinned", "prefix", "role",
    "rule", "scheduled", "scopes", "seq", "share", "state", "status", "successor", "team", "trigger", "ttl", "until",
    "url", "version",
}  # fmt: skip
ROOMS = ("assistant", "channels_app", "chatsvc", "conversations", "messaging", "tenants")


def told_keys() -> Iterator[str]:
    """Of every entry that is written, as far as its facts stand where it is written."""
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            if getattr(call.func, "attr", getattr(call.func, "id", "")) in ("audit", "note", "done", "tell_tenants"):
                facts = [node for node in ast.walk(call) if isinstance(node, ast.Dict)]
                yield from (str(key.value) for one in facts for key in one.keys if isinstance(key, ast.Constant))


def test_an_entry_tells_no_words_of_people() -> None:
    assert set(told_keys()) == TOLD


def operations() -> Iterator[tuple[str, Any]]:
    def walk(patterns: Any, before: str = "") -> Iterator[tuple[str, Any]]:
        for pattern in patterns:
            address = before + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield address, getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
            elif not address.startswith("admin"):
                yield from walk(pattern.url_patterns, address)

    for address, view in walk(get_resolver("chatsvc.urls").url_patterns):
        for method in ("post", "put", "patch", "delete"):
            if view and issubclass(view, APIView) and hasattr(view, method):
                yield f"{method.upper()} {address}", inspect.unwrap(getattr(view, method))


def test_every_unsafe_operation_writes_an_entry() -> None:
    silent = {name for name, handler in operations() if not WRITES.search(inspect.getsource(handler))}
    assert silent == SILENT.keys()


def test_every_page_that_stores_by_itself_writes_an_entry() -> None:
    admin.autodiscover()
    pages = [type(page) for page in admin.site._registry.values()]
    own = [
        (page.__name__, name)
        for page in pages
        for name in ("save_model", "delete_model", "delete_queryset")
        if name in vars(page)
        and not re.search(
            rf"super\(\)\.{name}|self\.note\(|audit\(|tell_tenants\(|\berase\(", inspect.getsource(vars(page)[name])
        )
    ]
    assert own == []
    plain = [
        page.__name__ for page in pages if not hasattr(page, "note") and vars(page).get("has_change_permission") is None
    ]
    assert plain == []


def test_every_command_that_changes_something_writes_an_entry() -> None:
    there = {path.stem for path in (ROOT / "chatsvc/management/commands").glob("[a-z]*.py")}
    source = {name: (ROOT / f"chatsvc/management/commands/{name}.py").read_text() for name in there}
    silent = {name for name in there if not WRITES.search(source[name])}
    assert silent == CALLED.keys() | OTHERS | REPAIRS | GONE
    for name, room in CALLED.items():
        assert room.replace("/", ".") in source[name]
        assert any(WRITES.search(path.read_text()) for path in (ROOT / room).glob("*.py"))


@pytest.mark.django_db
def test_what_commands_make_stands_there() -> None:
    call_command("create_tenant", "acme", "--name", "Acme", "--json")
    call_command("create_user", "ana", "--tenant", "acme", "--role", "admin", "--json")
    call_command("create_api_key", "--tenant", "acme", "--name", "CRM", "--json")
    call_command("create_channel", "--tenant", "acme", "--kind", "web", "--json")
    told = rows(AuditEntry).order_by("id").values_list("actor", "action")
    assert list(told) == [
        ("system", "tenant.created"), ("system", "membership.created"), ("system", "apikey.created"),
        ("system", "channel.created"),
    ]  # fmt: skip


@pytest.mark.django_db
def test_what_is_done_with_an_account_stands_in_each_of_its_tenants(
    superuser: Client, tenant: Tenant, other_tenant: Tenant
) -> None:
    ana = MembershipFactory(tenant=tenant, user__username="ana", user__password="a right one 42").user
    MembershipFactory(tenant=tenant)
    MembershipFactory(tenant=other_tenant, user=ana)
    MembershipFactory(tenant=other_tenant)
    facts = {"username": "ana", "first_name": "Ana", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    superuser.post(url(User, "change", ana.pk), {**facts, "is_active": "on", "is_staff": "on"})
    fresh = "a much newer one 43"
    superuser.post(
        f"/admin/tenants/user/{ana.pk}/password/", {"password1": fresh, "password2": fresh, "usable_password": "true"}
    )
    own = Client()
    own.post("/admin/login/", {"username": "ana", "password": fresh})
    own.post(
        "/admin/password_change/", {"old_password": fresh, "new_password1": fresh + "4", "new_password2": fresh + "4"}
    )
    superuser.post(url(User, "delete", ana.pk), {"post": "yes"})
    for one in (tenant, other_tenant):
        told = rows(AuditEntry).filter(tenant=one).order_by("id").values_list("actor", "action")
        assert list(told) == [
            ("user:root", "user.updated"), ("user:root", "user.updated"), ("user:ana", "login.done"),
            ("user:ana", "user.updated"), ("user:root", "user.deleted"),
        ]  # fmt: skip
    assert "newer" not in str(list(rows(AuditEntry).values()))
