"""Every address declares what it demands, and keeps it (TEN-4, OWASP API5)."""

from __future__ import annotations

import json
import uuid

import pytest
from django.urls import URLPattern, get_resolver
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView
from rest_framework.views import APIView

from tenants.access import permissions
from tenants.api.views import TenantAPIView

#: DRF views that are not ours: the description of the API, open to all
FOREIGN = {SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def _views(patterns, before=""):
    for pattern in patterns:
        address = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            cls = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
            yield address, pattern.pattern, cls
        else:
            yield from _views(pattern.url_patterns, address)


VIEWS = [
    (address, pattern, cls)
    for address, pattern, cls in _views(get_resolver("chatsvc.urls").url_patterns)
    if cls is not None and issubclass(cls, APIView) and cls not in FOREIGN
]
OPERATIONS = [
    pytest.param(address, pattern, cls, method, id=f"{method} {address}")
    for address, pattern, cls in VIEWS
    for method in METHODS
    if hasattr(cls, method.lower())
]
CLOSED = [case for case in OPERATIONS if permissions.declared(case.values[2], case.values[3]) != (permissions.PUBLIC,)]
RESTRICTED = [
    case for case in CLOSED if permissions.declared(case.values[2], case.values[3]) != (permissions.AUTHENTICATED,)
]
VALUES = {"UUIDConverter": str(uuid.uuid4()), "IntConverter": "1"}


def _fill(address, pattern):
    for name, converter in pattern.converters.items():
        spelled = next(
            part for part in (f"<{kind}:{name}>" for kind in ("uuid", "int", "str", "slug", "path")) if part in address
        )
        address = address.replace(spelled, VALUES.get(type(converter).__name__, "x"))
    return f"/{address}"


def test_every_operation_declares_a_permission_that_exists(subtests):
    for address, _, cls, method in (case.values for case in OPERATIONS):
        with subtests.test(method=method, address=address):
            assert issubclass(cls, TenantAPIView)
            needed = permissions.declared(cls, method)
            assert needed
            if needed not in ((permissions.PUBLIC,), (permissions.AUTHENTICATED,)):
                assert set(needed) <= set(permissions.PERMISSIONS)


@pytest.mark.django_db
def test_no_caller_gets_in_without_a_credential(api, subtests):
    client = api()
    for address, pattern, _, method in (case.values for case in CLOSED):
        with subtests.test(method=method, address=address):
            assert client.generic(method, _fill(address, pattern)).status_code == 401


@pytest.mark.django_db
def test_a_credential_without_the_permission_is_refused(api, tenant, subtests):
    clients = {}  # one for each permission that it lacks
    asked = [(*case.values, lacks) for case in RESTRICTED for lacks in permissions.declared(*case.values[2:])]
    for address, pattern, _, method, lacks in asked:
        client = clients.get(lacks) or clients.setdefault(
            lacks, api(tenant, *sorted(permissions.PERMISSIONS.keys() - {lacks}))
        )
        with subtests.test(method=method, address=address, lacks=lacks):
            response = client.generic(method, _fill(address, pattern))
            error = client.error_of(response)
            assert (response.status_code, error["code"]) == (403, "permission_denied")
            assert error["details"] == {"permission": lacks}


@pytest.mark.django_db
@pytest.mark.urls("tests.api.views")
class TestDeclarations:
    def test_an_undeclared_view_is_closed(self, api, tenant):
        assert [client.get("/api/t/undeclared").status_code for client in (api(tenant), api())] == [403, 401]

    def test_an_undeclared_method_is_closed(self, api, tenant):
        assert api(tenant).put("/api/t/contacts").status_code == 403

    def test_a_method_without_a_handler_is_not_allowed(self, api, tenant):
        assert api(tenant).patch("/api/t/contacts").status_code == 405

    def test_what_is_missing_is_said(self, api, tenant):
        response = api(tenant, "contacts:read").post("/api/t/contacts", {"name": "x"})
        assert json.loads(response.content)["error"]["details"] == {"permission": "contacts:write"}

    def test_head_needs_what_get_needs(self, api, tenant):
        assert permissions.declared(type("V", (), {"permissions": {"GET": "audit:read"}}), "HEAD") == ("audit:read",)

    def test_public_views_ignore_bad_credentials(self, api):
        client = api()
        client.credentials(HTTP_AUTHORIZATION="Bearer expired-and-bad")
        assert client.get("/api/t/odd").status_code == 200


@pytest.mark.parametrize("role", permissions.ROLES)
def test_default_roles_are_made_of_known_permissions(role):
    assert set(permissions.ROLES[role]) <= {*permissions.PERMISSIONS, permissions.ALL}
    assert permissions.expand(permissions.ROLES[role])


def test_viewers_change_nothing():
    assert {name.rpartition(":")[2] for name in permissions.ROLES["viewer"]} == {"read"}


def test_unknown_permissions_are_nothing():
    assert permissions.expand(["audit:read", "root"]) == {"audit:read"}
