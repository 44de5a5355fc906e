"""Another tenant's row is as if it were not there: every address of the URL conf, every list, every cursor (TEN-1)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tenants.storage.db import new_id
from tests.api.world import World, bodies
from tests.cases import by_noun, undone
from tests.conftest import Api
from tests.tenants.access.test_permissions import CLOSED

pytestmark = pytest.mark.django_db
PLACE = re.compile(r"<uuid:(\w+)>")
BODIES = bodies()
WITH_ROWS = [case for case in CLOSED if PLACE.search(case.values[0])]
LISTS = [case for case in CLOSED if "<" not in case.values[0] and case.values[3] == "GET"]


@pytest.fixture(autouse=True)
def no_limits(settings: Any) -> None:
    settings.ENV = {**settings.ENV, "ENABLE_RATE_LIMITING": False}


@pytest.fixture
def theirs(tenant: Any) -> World:
    return World(tenant, "kingfisher")


@pytest.fixture
def ours(other_tenant: Any) -> World:
    return World(other_tenant, "heron")


def place(address: str, name: str) -> str:
    """What the row is that stands there, where the name does not tell."""
    if "webhook-endpoints" in address and name == "delivery_id":
        return "webhook_delivery_id"
    if name == "message_id" and address.startswith("api/v1/threads"):
        return "thread_message_id"
    return "answer_id" if name == "message_id" and address.endswith(("/delivery", "/judgement")) else name


def filled(address: str, ids: dict[str, str]) -> str:
    return "/" + PLACE.sub(lambda found: ids[place(address, found[1])], address)


def asked(client: Api, method: str, address: str, ids: dict[str, str]) -> tuple[int, str, str]:
    body = json.dumps(BODIES.get((method, "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", address)), {}))
    answer = client.generic(
        method, filled(address, ids), "" if method == "GET" else body, content_type="application/json"
    )
    said = answer.content.decode() if not answer.streaming else b"".join(answer.streaming_content).decode()
    code = re.search(r'"code": ?"(\w+)"', said)
    return answer.status_code, code[1] if code else "", said


@pytest.mark.parametrize("cases", by_noun(WITH_ROWS))
def test_a_row_of_another_tenant_is_like_none_at_all(
    theirs: World, ours: World, api: Any, subtests: pytest.Subtests, cases: Any
) -> None:
    client = api(ours.tenant)
    nothing = {name: str(new_id()) for name in theirs.ids}
    before = theirs.everything()
    for address, _, _, method in cases:
        with undone(subtests, method=method, address=address):
            for name in PLACE.findall(address):  # one of theirs at each place, and at all of them
                name = place(address, name)
                for rest in (ours.ids, theirs.ids):
                    status, code, said = asked(client, method, address, {**rest, name: theirs.ids[name]})
                    absent = asked(client, method, address, {**rest, name: nothing[name]})
                    assert (status, code) == absent[:2]
                    assert status < 500 or code == "not_available"
                    assert theirs.mark not in said
            assert theirs.everything() == before


def test_no_list_holds_anything_of_another_tenant(
    theirs: World, other_tenant: Any, api: Any, subtests: pytest.Subtests
) -> None:
    client = api(other_tenant)
    for address, _, _, _ in (case.values for case in LISTS):
        with undone(subtests, address=address):
            _, _, said = asked(client, "GET", address, {})
            assert theirs.mark not in said
            assert [name for name, row in theirs.ids.items() if row in said or row.replace("-", "") in said] == []


def test_the_rows_are_there_for_their_own(theirs: World, api: Any) -> None:
    """Or the tests above could not fail: a key of the tenant finds most of them."""
    client = api(theirs.tenant)
    reads = [case.values for case in WITH_ROWS if case.values[3] == "GET"]
    answers = {address: asked(client, "GET", address, theirs.ids)[0] for address, _, _, _ in reads}
    assert [address for address, status in answers.items() if status >= 500 and status != 501] == []
    lost = {address for address, status in answers.items() if status == 404}
    assert lost == set()
    assert len(answers) > 50
    seen = [case.values[0] for case in LISTS if theirs.mark in asked(client, "GET", case.values[0], {})[2]]
    assert len(seen) > 15


def test_a_cursor_of_another_tenant_leads_to_nothing_of_theirs(theirs: World, ours: World, api: Any) -> None:
    own, foreign = api(theirs.tenant), api(ours.tenant)
    again = World(theirs.tenant, "kingfisher")
    tried = []
    for address, _, _, _ in (case.values for case in LISTS):
        answer = own.get(f"/{address}?page_size=1")
        data = Api.data_of(answer) if answer.status_code == 200 and "json" in answer.get("Content-Type", "") else None
        cursor = data.get("next_cursor") if isinstance(data, dict) else None
        if not cursor:
            continue
        tried.append(address)
        said = foreign.get(f"/{address}", {"page_size": 50, "cursor": cursor}).content.decode()
        assert [row for row in (*theirs.ids.values(), *again.ids.values()) if row in said] == [], address
    assert len(tried) > 10
