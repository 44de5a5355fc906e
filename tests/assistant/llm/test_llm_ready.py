"""Processes that answer have the providers' SDKs before the first question, and no SDK where no model is set up (AI-5, OPS-1)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from assistant.llm.providers.given import given_in
from assistant.llm.providers.ready import sdks_load
from assistant.llm.wires import anthropic, openai
from assistant.models import LanguageModel, Provider
from assistant.tools.models import Tool
from chatsvc.processes.embedded import _warm_up
from tenants.models import Tenant
from tenants.scope import tenant_scope

ROOT = Path(__file__).resolve().parents[3]
GIVEN = json.dumps([{"name": "house", "kind": "anthropic", "models": [{"name": "large"}]}])
ASKED = """
import sys
import django; django.setup()
from assistant.llm.providers.offers import Server
from assistant.llm.wires import anthropic, openai
for wire, sdk, method in ((openai, "openai", "chat.completions"), (anthropic, "anthropic", "messages")):
    assert sdk not in sys.modules
    wire.load()
    before = set(sys.modules)
    asked = wire._client(Server("1", "own", sdk, "https://api.example.com", "key"))
    for name in method.split("."):
        asked = getattr(asked, name)
    print(sdk, sorted(name for name in set(sys.modules) - before if name.partition(".")[0] == sdk))
"""


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(openai, "load", lambda: found.append("openai"))
    monkeypatch.setattr(anthropic, "load", lambda: found.append("anthropic"))
    return found


def model(tenant: Tenant, kind: str, *, enabled: bool = True, served: bool = True) -> None:
    with tenant_scope(tenant.id):
        of = Provider.objects.create(
            tenant=tenant, name=f"{kind}-{served}", kind=kind, base_url="https://llm.example.com", enabled=served
        )
        LanguageModel.objects.create(tenant=tenant, provider=of, name="one", enabled=enabled)


@pytest.mark.django_db
def test_models_that_are_not_asked_load_nothing(loaded: list[str], tenant: Tenant, other_tenant: Tenant) -> None:
    model(tenant, "openai", enabled=False)
    model(tenant, "anthropic", served=False)
    Tenant.objects.filter(id=other_tenant.id).update(status=Tenant.Status.SUSPENDED)
    model(other_tenant, "openai")
    assert (sdks_load(), loaded) == ([], [])


@pytest.mark.django_db
def test_a_tenants_and_the_operators_are_loaded_once(
    loaded: list[str], tenant: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    model(tenant, "openai")
    model(other_tenant, "compatible")
    assert (sdks_load(), loaded) == (["compatible", "openai"], ["openai"])
    monkeypatch.setitem(settings.ENV, "LLM_PROVIDERS", given_in(GIVEN))
    loaded.clear()
    assert (sdks_load(), sorted(loaded)) == (["anthropic", "compatible", "openai"], ["anthropic", "openai"])


@pytest.mark.django_db
@pytest.mark.parametrize(("models", "url", "wanted"), [(True, "", 1), (False, "", 0), (True, "grpc://engine:1", 0)])
def test_processes_that_ask_models_load_them(
    loaded: list[str], tenant: Tenant, monkeypatch: pytest.MonkeyPatch, models: bool, url: str, wanted: int
) -> None:
    monkeypatch.setattr("chatsvc.processes.embedded.lessons", lambda: Any)
    monkeypatch.setattr("chatsvc.processes.embedded.connections.close_all", lambda: None)
    monkeypatch.setattr("chatsvc.processes.embedded.Tenant.objects", Tenant.objects.none())
    monkeypatch.setitem(settings.ENV, "MCP_ENGINE_URL", url)
    model(tenant, "openai")
    _warm_up(words=False, models=models)
    assert len(loaded) == wanted


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "enabled", "status", "wanted"),
    [
        ("mcp", True, "active", 1),
        ("http", True, "active", 0),
        ("mcp", False, "active", 0),
        ("mcp", True, "suspended", 0),
    ],
)
def test_the_sdk_of_mcp_servers_is_loaded_where_a_tool_needs_it(
    loaded: list[str],
    tenant: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    enabled: bool,
    status: str,
    wanted: int,
) -> None:
    imported: list[str] = []
    monkeypatch.setattr("assistant.tools.toolbox.import_module", imported.append)
    monkeypatch.setattr("chatsvc.processes.embedded.connections.close_all", lambda: None)
    with tenant_scope(tenant.id):
        Tool.objects.create(tenant=tenant, name="status", kind=kind, enabled=enabled, url="https://tools.example.com")
    Tenant.objects.update(status=status)
    monkeypatch.setattr("chatsvc.processes.embedded.Tenant.objects", Tenant.objects.none())
    _warm_up(words=False, models=True)
    assert imported == ["assistant.tools.mcp_servers"] * wanted


def test_the_first_question_loads_nothing_more() -> None:
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "chatsvc.settings", "DATABASE_URL": "sqlite://:memory:"}
    ran = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, cwd=ROOT, env=environ)
    assert (ran.stdout.split("\n"), ran.stderr) == (["openai []", "anthropic []", ""], "")
