"""Every list takes the documents' parameters, beside cursors: one place, the same behaviour (API-1, CONV-7)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assistant.knowledge.sites.reading import MOST as MOST_SITES
from assistant.tools.models import MOST as MOST_TOOLS
from channels_app.models import MessageTemplate
from conversations.models import Conversation
from messaging.api.work.session_views import DEVICES
from tenants.api import pages
from tenants.models import (
    Tenant,
)
from tenants.storage.db import new_id
from tests.api.document import document
from tests.api.listed import LISTS, MANY, at, endpoints, filters, labels, members, teams, transcript
from tests.factories import (
    ContactFactory,
)

PARAMETERS = {"page", "page_size", "sort_by", "sort_order", "search_query", "start_date", "end_date", "cursor"}
#: walked by other means, by the cursor of what was found, of a view, of several tables at once, or of rows without words
APART = {
    "/api/v2/chat/messages",
    "/api/v2/chat/inbox",
    "/api/v2/chat/conversations/{conversation_id}/trail",
}
#: holds the key of the client that asks, too: tests/api/test_work_api.py; have no words: tests/api/test_intents_api.py and
#: tests/messaging/assist/test_judgements.py; is for operators: tests/chatsvc/test_system_api.py
OWN = {"/api/v2/api-keys", "/api/v2/intents/trainings", "/api/v2/judged-answers", "/api/v2/system/tenants"}
#: GETs that answer a list without pages: how many it has at most, the parameters that bound it, or what it is made of
BOUNDED: dict[str, int | set[str] | str] = {
    "/api/v2/channels/kinds": "adapters of the release",
    "/api/v2/events/schemas": "types of the release",
    "/api/v2/tools": MOST_TOOLS,
    "/api/v2/knowledge-sites": MOST_SITES,
    "/api/v2/contacts/{contact_id}/devices": DEVICES,
    "/api/v2/chat/conversations/{conversation_id}/looking": "colleagues who have it open within the same twenty seconds",
    "/api/v2/chat/messages/{message_id}/hidden": "parts of one message",
    "/api/v2/knowledge/unanswered": {"limit"},
    "/api/v2/chat/messages/{message_id}/similar": {"limit"},
    "/api/v2/chat/conversations/{conversation_id}/similar": {"limit"},
    "/api/v2/chat/conversations/{conversation_id}": {"messages"},
    "/api/v2/webchat/{key}/messages": {"after", "limit"},
}


class Listing:
    def __init__(self, client: Any, address: str, rows: list[Any], column: str):
        self.client, self.address, self.column = client, address, column
        self.rows = [str(row.id) for row in rows]

    def get(self, **query: Any) -> Any:
        answer = self.client.get(self.address, query)
        assert answer.status_code == 200, answer.content
        return self.client.data_of(answer)

    def ids(self, **query: Any) -> list[str]:
        return [row["id"] for row in self.get(**query)["items"]]

    def refused(self, **query: Any) -> tuple[int, str]:
        answer = self.client.get(self.address, query)
        return answer.status_code, self.client.error_of(answer)["code"]


@pytest.fixture(params=LISTS)
def listing(request: Any, scope: Tenant, api: Any) -> Listing:
    make, column = LISTS[request.param]
    owner, rows = make(scope)
    return Listing(api(scope), re.sub(r"\{\w+\}", owner, request.param), rows, column)


#: of a page behind a cursor, with what looks up whose rows they are
MOST_STATEMENTS = 4


def test_a_page_takes_as_many_statements_as_one_row(listing: Listing) -> None:
    first = listing.get(page_size=1)  # from now on the credential is remembered
    counts = []
    for size in (1, MANY - 1):
        with CaptureQueriesContext(connection) as asked:
            rows = listing.get(page_size=size, cursor=first["next_cursor"])["items"]
        assert len(rows) == size
        counts.append(len([one for one in asked if one["sql"].startswith("SELECT")]))
    assert counts[0] == counts[1] <= MOST_STATEMENTS, [one["sql"][:200] for one in asked]


SHORT = ("channels/kinds", "events/schemas", "tools", "knowledge-sites", "contacts/{contact_id}/devices")


@pytest.mark.parametrize("path", SHORT)
def test_a_short_list_says_that_it_has_no_second_page(path: str, scope: Tenant, api: Any) -> None:
    client = api(scope)
    address = f"/api/v2/{path.format(contact_id=ContactFactory(tenant=scope).id)}"
    assert client.get(address).status_code == 200
    answer = client.get(address, {"page": 2})
    assert (answer.status_code, client.error_of(answer)["details"][0]["field"]) == (400, "page")


def test_all_lists_are_tried_here() -> None:
    """What has a cursor has the other parameters too."""
    taken = {
        path: {parameter["name"] for parameter in item["get"].get("parameters", ())}
        for path, item in document()["paths"].items()
        if "get" in item
    }
    lists = {path for path, names in taken.items() if "cursor" in names} - APART
    assert lists - OWN == LISTS.keys()
    assert {path: PARAMETERS - taken[path] for path in lists if PARAMETERS - taken[path]} == {}


def _whole_lists(schemas: dict[str, Any], paths: dict[str, Any]) -> dict[str, set[str]]:
    """Path → names of the lists of things that its GET answers without a cursor to go on with."""

    def meant(schema: dict[str, Any]) -> dict[str, Any]:
        return meant(schemas[schema["$ref"].rpartition("/")[2]]) if "$ref" in schema else schema

    found = {}
    for path, item in paths.items():
        for answer in item.get("get", {"responses": {}})["responses"].values():
            whole = meant(answer.get("content", {}).get("application/json", {}).get("schema", {}))
            data = meant(whole.get("properties", {}).get("data", whole))
            members = data.get("properties", {})
            lists = {name for name in ("items", "messages", "events") if "array" in str(members.get(name))}
            if (lists or data.get("type") == "array") and "next_cursor" not in members:
                found[path] = lists
    return found


def test_no_list_is_given_whole_that_can_grow() -> None:
    """What has no pages is bounded: by a number that its schema tells, or by what is asked for."""
    made = document()
    schemas, paths = made["components"]["schemas"], made["paths"]
    whole = _whole_lists(schemas, paths)
    assert whole.keys() == BOUNDED.keys()
    for path, bound in BOUNDED.items():
        operation = paths[path]["get"]
        if isinstance(bound, set):
            told = {parameter["name"]: json.dumps(parameter) for parameter in operation["parameters"]}
            assert bound <= told.keys(), path
            assert any('"maximum"' in told[name] or "At most" in told[name] for name in bound), path
        if isinstance(bound, int):
            data = operation["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["data"]
            assert schemas[data["$ref"].rpartition("/")[2]]["properties"]["items"]["maxItems"] == bound, path


@pytest.mark.parametrize(
    ("make", "path"), [(labels, "labels"), (teams, "teams"), (members, "members"), (filters, "chat/inbox/filters"),
                       (endpoints, "webhook-endpoints")],
)  # fmt: skip
def test_lists_that_were_given_whole_are_whole_without_a_size(make, path, scope: Tenant, api: Any) -> None:
    """In the order that they had, and by cursor with a size."""
    client, (_, rows) = api(scope), make(scope)
    whole = client.data_of(client.get(f"/api/v2/{path}"))
    assert [row["id"] for row in whole["items"]] == [str(row.id) for row in rows]
    assert (whole["has_next"], whole["page_size"]) == (False, pages.WHOLE)
    first = client.data_of(client.get(f"/api/v2/{path}", {"page_size": 3}))
    onward = client.data_of(client.get(f"/api/v2/{path}", {"page_size": 3, "cursor": first["next_cursor"]}))
    assert first["items"] + onward["items"] == whole["items"]


def test_pages_have_numbers_and_a_total(listing: Listing) -> None:
    order = {"sort_by": listing.column, "sort_order": "asc", "page_size": 2}
    pages_ = [listing.get(page=number, **order) for number in (1, 2, 3)]
    assert [[row["id"] for row in page["items"]] for page in pages_] == [
        listing.rows[:2], listing.rows[2:4], listing.rows[4:],
    ]  # fmt: skip
    told = [(page["page"], page["page_size"], page["total"], page["has_previous"], page["has_next"]) for page in pages_]
    assert told == [(1, 2, 5, False, True), (2, 2, 5, True, True), (3, 2, 5, True, False)]
    assert listing.ids(page=9, **order) == []
    onward = listing.get(cursor=pages_[0]["next_cursor"], **order)
    assert [row["id"] for row in onward["items"]] == listing.rows[2:4]
    assert (onward["page"], onward["total"], onward["has_previous"]) == (None, None, True)


def test_they_are_sorted_either_way_and_by_cursor(listing: Listing) -> None:
    for order, expected in (("asc", listing.rows), ("desc", listing.rows[::-1])):
        given = {"sort_by": listing.column, "sort_order": order, "page_size": 2}
        seen, page = [], listing.get(**given)
        while page["has_next"]:
            seen += page["items"]
            page = listing.get(cursor=page["next_cursor"], **given)
        assert [row["id"] for row in seen + page["items"]] == expected
    assert listing.ids(sort_by=listing.column) == listing.rows[::-1]  # as the documents have it
    assert {tuple(listing.ids(sort_order=order)) for order in ("asc", "desc")} == {
        tuple(listing.rows), tuple(listing.rows[::-1]),
    }  # fmt: skip


def test_days_and_words_choose(listing: Listing) -> None:
    assert sorted(listing.ids(start_date=at(1).isoformat(), end_date=at(2).isoformat())) == sorted(listing.rows[1:3])
    assert listing.ids(search_query="NUMBER 3") == [listing.rows[3]]
    assert listing.ids(search_query="nothing like it") == []
    chosen = listing.get(search_query="number", page=1, page_size=2)
    assert (chosen["total"], len(chosen["items"])) == (5, 2)


def test_what_cannot_be_asked_is_refused_with_a_reason(listing: Listing) -> None:
    assert listing.refused(sort_by="phase_of_the_moon") == (422, "sort_not_offered")
    assert listing.refused(page=501, page_size=20) == (422, "page_too_deep")
    assert listing.ids(page=500, page_size=20) == []
    assert listing.refused(page=1, cursor=str(new_id())) == (400, "page_or_cursor")
    assert listing.refused(cursor="x") == (400, "invalid_cursor")
    assert listing.refused(page=0) == listing.refused(page_size=101) == (400, "validation_error")
    assert listing.refused(sort_order="up") == (400, "validation_error")
    backwards = {"start_date": at(2).isoformat(), "end_date": at(1).isoformat()}
    assert listing.refused(**backwards) == (400, "range_invalid")
    cursor = listing.get(page_size=1, sort_by=listing.column, sort_order="desc")["next_cursor"]
    assert listing.get(page_size=1, cursor=cursor, sort_by=listing.column, sort_order="desc")["items"]


def test_a_total_counts_no_further_than_numbers_reach(listing: Listing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "NUMBERED", 3)
    assert listing.get(page=1, page_size=1)["total"] == 4  # more than three


def test_what_callers_may_sort_by_has_an_index() -> None:
    """Else a page would sort all that a tenant has."""
    from channels_app.api.channel_views import OLDEST_FIRST
    from channels_app.models import Channel
    from channels_app.templates.store import BY_NAME
    from conversations.api.contact_views import CONTACTS
    from conversations.models import Contact
    from conversations.selectors import CONVERSATIONS

    walks = ((CONVERSATIONS, Conversation), (CONTACTS, Contact), (OLDEST_FIRST, Channel), (BY_NAME, MessageTemplate))
    grown = {Conversation, Contact}  # the others are few per tenant
    bare = [
        (model.__name__, column)
        for walk, model in walks
        for column in walk.sorts.values()
        if column
        and model in grown
        and not any(index.fields[:2] == ["tenant", column] for index in model._meta.indexes)
    ]
    assert bare == []


def test_a_transcript_by_seq_goes_on_as_a_list(scope: Tenant, api: Any) -> None:
    owner, rows = transcript(scope)
    listing = Listing(api(scope), f"/api/v2/chat/conversations/{owner}/messages", rows, "seq")
    first = listing.get(after=1, limit=2)
    assert [row["seq"] for row in first["items"]] == [2, 3]
    told = ("has_more", "has_next", "has_previous", "page", "page_size", "total", "last_seq")
    assert [first[name] for name in told] == [True, True, True, None, 2, None, MANY]
    onward = listing.get(cursor=first["next_cursor"])
    assert [row["seq"] for row in onward["items"]] == [4, 5]
    assert [onward[name] for name in told] == [False, False, True, None, 50, None, MANY]
    last = listing.get(before=5, page_size=2)
    assert ([row["seq"] for row in last["items"]], last["has_more"], last["has_next"]) == ([3, 4], True, True)
    assert [row["seq"] for row in listing.get(after=1, before=5, sort_order="desc")["items"]] == [4, 3, 2]
    assert listing.get(limit=100)["next_cursor"] is None
    assert [row["seq"] for row in listing.get()["items"]] == [1, 2, 3, 4, 5]
