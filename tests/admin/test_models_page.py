"""Providers of language models are set up and tried in the console; their keys go in and never out (AI-5, ADM-1)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.models import Provider
from channels_app.twin import server as twins
from tests.admin.conftest import rows, url
from tests.admin.test_settings_page import as_shown
from tests.assistant.llm import provider, reachable

pytestmark = pytest.mark.django_db
SECRET = "sk-0123456789abcdef"


@pytest.fixture
def twin():
    with twins.start() as twin, reachable(twin):
        yield twin


@pytest.fixture
def page(tenant, scope, staff_of, twin) -> tuple[Any, str, Provider]:
    row = provider(tenant, twin, key=SECRET)
    return staff_of(tenant, ("models:read", "models:write")), url(Provider, "change", row.pk), row


def test_a_page_that_is_saved_unchanged_keeps_the_key_and_shows_it_masked(page) -> None:
    client, where, row = page
    assert client.post(where, as_shown(client, where)).status_code == 302
    assert rows(Provider).get(pk=row.pk).key == SECRET
    shown = client.get(where).content.decode()
    assert SECRET not in shown and "••••cdef" in shown


def test_a_new_key_takes_the_place_of_the_old_one(page) -> None:
    client, where, row = page
    assert client.post(where, {**as_shown(client, where), "new_key": "sk-another-one"}).status_code == 302
    assert rows(Provider).get(pk=row.pk).key == "sk-another-one"


def test_another_address_needs_the_key_and_a_private_one_is_refused(page, twin) -> None:
    client, where, row = page
    for address in (f"{twin.url}/other/v1", "http://169.254.169.254/v1"):
        answer = client.post(where, {**as_shown(client, where), "base_url": address})
        assert (answer.status_code, rows(Provider).get(pk=row.pk).base_url) == (200, row.base_url)
    given = {**as_shown(client, where), "base_url": f"{twin.url}/other/v1", "new_key": "sk-another-one"}
    assert client.post(where, given).status_code == 302
    assert rows(Provider).get(pk=row.pk).base_url == f"{twin.url}/other/v1"
