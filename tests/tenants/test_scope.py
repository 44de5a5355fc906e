"""A tenant never sees another's data: every model fails closed, every way round is known (TEN-1)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from conversations.models import Contact
from tenants.models import AuditEntry
from tenants.scope import NoTenantScope, ScopedManager, current_tenant_id, tenant_id_if_any, tenant_scope, tenants_scope
from tenants.storage.db import TenantModel
from tests.factories import ContactFactory, TenantFactory

REPO = Path(__file__).resolve().parents[2]
APPS = ("tenants", "channels_app", "conversations", "assistant", "messaging", "chatsvc")
OURS = [model for model in apps.get_models() if model.__module__.split(".")[0] in APPS]
SCOPED = [model for model in OURS if issubclass(model, TenantModel)]

#: rows that belong to no tenant, or to one through another row
UNSCOPED = {"Tenant", "User", "Removal", "ServiceProcess", "RevokedToken", "ChannelHealth", "OutboxLane"}
UNSCOPED |= {"SecondFactor", "RecoveryCode", "StaffSession"}  # of an account, which may be in several tenants


def name_of(model):
    return model.__name__


def test_every_model_belongs_to_a_tenant_or_is_known_not_to():
    assert {model.__name__ for model in OURS if not issubclass(model, TenantModel)} <= UNSCOPED


@pytest.mark.parametrize("model", SCOPED, ids=name_of)
def test_a_tenants_model_fails_closed(model):
    assert isinstance(model._default_manager, ScopedManager)
    for query in (model.objects.all, model.objects.count, model.objects.first, model.objects.create):
        with pytest.raises(NoTenantScope):
            query()


@pytest.mark.django_db
@pytest.mark.parametrize("model", SCOPED, ids=name_of)
def test_a_query_in_scope_names_the_tenant(model, tenant):
    with tenant_scope(tenant.id):
        where = str(model.objects.all().query)
    assert tenant.id.hex in where.replace("-", "")


def test_related_rows_fail_closed_too(tenant):
    contact = ContactFactory(tenant=tenant)
    with pytest.raises(NoTenantScope):
        contact.identities.count()


def test_the_scope_of_several_shows_theirs_alone_and_names_none(tenant, other_tenant):
    rows = [ContactFactory(tenant=of) for of in (tenant, other_tenant, TenantFactory())]
    with tenants_scope([tenant.id, other_tenant.id]):
        assert set(Contact.objects.all()) == set(rows[:2])
        assert tenant_id_if_any() is None
        with pytest.raises(NoTenantScope):
            current_tenant_id()
        with tenant_scope(tenant.id):
            assert list(Contact.objects.all()) == rows[:1]
    with tenants_scope([]):
        assert not Contact.objects.exists()
    with pytest.raises(NoTenantScope):
        Contact.objects.count()


def test_scopes_nest_and_close_after_an_error(tenant, other_tenant):
    with tenant_scope(tenant.id):
        with pytest.raises(ZeroDivisionError), tenant_scope(other_tenant.id):
            assert current_tenant_id() == other_tenant.id
            raise ZeroDivisionError
        assert current_tenant_id() == tenant.id
    with pytest.raises(NoTenantScope):
        current_tenant_id()


def _python_files():
    return sorted(path for app in APPS for path in (REPO / app).rglob("*.py") if "migrations" not in path.parts)


def test_code_that_leaves_the_scope_says_why():
    """Each line that calls ``.unscoped()`` carries a comment, or follows one, that says so with the word."""
    silent = []
    for path in _python_files():
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            said = any(re.search(r"#.*\bunscoped\b", near) for near in lines[max(0, number - 3) : number + 1])
            silent += [f"{path.relative_to(REPO)}:{number + 1}"] * (".unscoped()" in line and not said)
    assert silent == []


def test_no_code_goes_round_the_scope_by_other_doors():
    doors = re.compile(r"\._base_manager\b|\.objects\.raw\(|all_objects")
    found = [str(path.relative_to(REPO)) for path in _python_files() if doors.search(path.read_text())]
    assert found == []


def test_only_kept_statements_are_built_without_a_manager():
    """They name the tenant themselves: tests/tenants/storage/prepared. The index of messages is made and asked in each
    engine's own language, that of people is made so, and so are vectors by pgvector; what they give is read again in the tenant's scope:
    tests/conversations/test_search.py, tests/assistant/vectors/test_stores.py."""
    doors = re.compile(r"\bQuerySet\(|UpdateQuery|InsertQuery|DeleteQuery|cursor\.execute\(")
    found = [str(path.relative_to(REPO)) for path in _python_files() if doors.search(path.read_text())]
    search = [f"conversations/search/{name}.py" for name in ("candidates", "forget", "index", "people_index")]
    kept = [
        "tenants/storage/db.py",
        "tenants/storage/prepared/driver.py",
        "tenants/storage/prepared/kept.py",
        "tenants/storage/sqlite/figures.py",  # ANALYZE, of no rows
    ]
    assert sorted(found) == ["assistant/vectors/pgvector.py", *search, *kept]


@pytest.mark.django_db
@pytest.mark.urls("tests.api.views")
class TestApi:
    def test_a_request_sees_its_own_tenants_rows_only(self, api, tenant, other_tenant):
        for owner in (tenant, other_tenant):
            ContactFactory(tenant=owner, name=owner.name)
        for owner in (tenant, other_tenant):
            client = api(owner)
            assert client.data_of(client.get("/api/t/contacts")) == {"names": [owner.name], "tenant": str(owner.id)}

    @pytest.mark.parametrize("name", ["anna", "conflict", "bug", "x" * 11], ids=["good", "error", "bug", "invalid"])
    def test_the_scope_is_closed_whatever_happens(self, api, tenant, name):
        api(tenant).post("/api/t/contacts", {"name": name})
        with pytest.raises(NoTenantScope):
            current_tenant_id()


def test_audit_entries_cannot_be_changed(scope):
    entry = AuditEntry.objects.create(tenant=scope, actor="system", action="x")
    entry.action = "y"
    for change in (entry.save, entry.delete):
        with pytest.raises(TypeError):
            change()
    assert AuditEntry.objects.get().action == "x"


def test_the_models_list_is_not_empty():
    assert len(SCOPED) > 15
    assert all(isinstance(model._meta.get_field("tenant"), models.ForeignKey) for model in SCOPED)
