"""Every page of the console: it opens, no user sees another tenant, no secret and no script gets into it (ADM-1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Message
from messaging.models import Delivery
from tenants.models import AuditEntry, Removal, User
from tests.admin.conftest import SECRET, XSS, World, rows, url
from tests.factories import (
    ConversationFactory,
    DeliveryFactory,
    MessageFactory,
)

admin.autodiscover()

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
OWNED = [model for model in MODELS if hasattr(model._default_manager, "unscoped")]
OWN_APPS = ("tenants", "channels_app", "conversations", "assistant", "messaging")


def test_every_page_opens_for_a_superuser(superuser: Client, acme: World, globex: World) -> None:
    """Of all models with one pair of tenants, which takes longer to make than the pages of a model."""
    there = {model: list(rows(model)) for model in MODELS}  # before the pages leave rows in the trail
    wrong = {model: [*wrong_for_a_superuser(model, there[model], superuser)] for model in MODELS}
    assert wrong == {model: [] for model in MODELS}


def wrong_for_a_superuser(model: Any, there: list[Any], superuser: Client) -> Iterator[str]:
    pages = {f"change {row.pk}": superuser.get(url(model, "change", row.pk)) for row in there}
    if not pages:
        yield "no row"
    pages |= {f"list {query}": superuser.get(url(model, "changelist"), query) for query in ({}, {"q": "acme"})}
    add = superuser.get(url(model, "add"))
    if add.status_code != (200 if admin.site._registry[model].has_add_permission(add.wsgi_request) else 403):
        yield f"add: {add.status_code}"
    for name, page in pages.items():
        if page.status_code != 200:
            yield f"{name}: {page.status_code}"
        if XSS in page.content.decode():
            yield f"{name}: a script"
    for name, page in [*pages.items(), ("add", add)]:
        if SECRET in page.content.decode():
            yield f"{name}: a secret"


def test_a_list_is_filtered_by_tenant(superuser: Client, acme: World, globex: World) -> None:
    pages = {model: superuser.get(url(model, "changelist"), {"tenant": acme.tenant.pk}) for model in OWNED}
    found = {model: {row.tenant_id for row in page.context["cl"].result_list} for model, page in pages.items()}
    assert found == dict.fromkeys(OWNED, {acme.tenant.pk})


def test_staff_see_their_own_tenants_only(staff_of: Any, acme: World, globex: World) -> None:
    client = staff_of(acme.tenant)
    listed = {
        model: client.get(url(model, "changelist")) for model in MODELS if model is not Removal
    }  # superusers' alone
    assert {model: page.status_code for model, page in listed.items()} == dict.fromkeys(listed, 200)
    assert [model for model, page in listed.items() if "globex" in page.content.decode().lower()] == []


def test_rows_of_another_tenant_do_not_exist(staff_of: Any, acme: World, globex: World) -> None:
    client = staff_of(acme.tenant)
    there = {model: [list(rows(model).filter(tenant=one.tenant)) for one in (acme, globex)] for model in OWNED}
    wrong = {model: [*wrong_for_staff(model, *there[model], client)] for model in OWNED}
    assert wrong == {model: [] for model in OWNED}


def wrong_for_staff(model: Any, own: list[Any], foreign: list[Any], client: Client) -> Iterator[str]:
    if not (foreign and own):
        yield "no rows"
    for row in foreign:
        answers = {page: client.get(url(model, page, row.pk)).status_code for page in ("change", "delete", "history")}
        answers["do"] = client.post(url(model, "do", row.pk, "retry")).status_code
        if answers not in [{"change": 302, "delete": gone, "history": 404, "do": 404} for gone in (302, 403)]:
            yield f"foreign {row.pk}: {answers}"
    for row in own:
        page = client.get(url(model, "change", row.pk))
        gone = client.get(url(model, "delete", row.pk)).status_code
        trail = client.get(url(model, "history", row.pk)).headers.get("Location")
        if (page.status_code, trail) != (200, f"{url(AuditEntry, 'changelist')}?q={row.pk}") or gone not in (200, 403):
            yield f"own {row.pk}: change {page.status_code}, delete {gone}, history {trail}"
        if "globex" in page.content.decode().lower():
            yield f"own {row.pk}: tells of another tenant"


def test_staff_without_a_membership_see_nothing(acme: World) -> None:
    client = Client()
    client.force_login(User.objects.create(username="new", is_staff=True))
    answers = {model: client.get(url(model, "changelist")).status_code for model in MODELS}
    assert answers == dict.fromkeys(MODELS, 403)


def test_viewers_change_nothing(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, ("channels:read", "conversations:read", "messages:read", "keys:read", "members:read",
                                    "templates:read", "contacts:read", "deliveries:read", "intents:read", "models:read", "webhooks:read",
                                    "audit:read", "tenants:read", "privacy:export", "privacy:delete"))  # fmt: skip
    answers = {}
    for model in OWNED:
        row = rows(model).filter(tenant=acme.tenant).first()
        answers[model] = [
            client.get(url(model, "change", row.pk)).status_code,
            client.post(url(model, "change", row.pk), {"name": "new"}).status_code,
            client.get(url(model, "add")).status_code,
            client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code,
            client.post(url(model, "do", row.pk, "close")).status_code,
        ]
    assert answers == dict.fromkeys(OWNED, [200, 403, 403, 403, 403])


LISTS = {
    "conversations": (Conversation, ConversationFactory),
    "messages": (Message, MessageFactory),
    "deliveries": (Delivery, DeliveryFactory),
}


@pytest.mark.parametrize(("model", "factory"), LISTS.values(), ids=LISTS)
def test_the_number_of_queries_does_not_grow_with_the_list(
    model: Any, factory: Any, superuser: Client, acme: World, django_assert_num_queries: Any
) -> None:
    superuser.get(url(model, "changelist"))  # what is read once per process
    with CaptureQueriesContext(connection) as before:
        superuser.get(url(model, "changelist"))
    for _ in range(5):
        factory(tenant=acme.tenant, **({"message__conversation__contact__name": "New"} if model is Delivery else {}))
    with django_assert_num_queries(len(before)):
        page = superuser.get(url(model, "changelist"))
    assert len(page.context["cl"].result_list) >= 6
    assert len(before) <= 12


OWN_MODELS = [model for model in apps.get_models() if model.__module__.split(".")[0] in OWN_APPS]


@pytest.mark.parametrize("model", OWN_MODELS, ids=lambda model: model._meta.label)
def test_every_row_has_a_name(model: Any) -> None:
    assert model.__str__ is not models.Model.__str__
