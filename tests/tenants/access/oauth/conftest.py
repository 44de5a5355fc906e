"""A client, and Ana in her browser."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client as Browser

from tenants.access.grants.clients import client_create
from tenants.models import OAuthClient, Tenant, User
from tests.factories import MembershipFactory, RoleFactory, UserFactory
from tests.tenants.access.oauth.steps import (
    BACK,
    SCOPES,
)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.UTC), tick=False) as moved:
        yield moved


@pytest.fixture
def made(tenant: Tenant) -> tuple[OAuthClient, str]:
    return client_create(tenant, "Shop analytics", SCOPES, [BACK])


@pytest.fixture
def ana(tenant: Tenant) -> User:
    role = RoleFactory(tenant=tenant, permissions=["conversations:read", "messages:read"])
    return MembershipFactory(tenant=tenant, role=role, user=UserFactory(username="ana")).user


@pytest.fixture
def desk(ana: User) -> Browser:
    """The browser of a member of staff."""
    browser = Browser()
    browser.force_login(ana)
    return browser
