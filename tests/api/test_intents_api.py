"""Intents by REST: taught, changed, forgotten, and asked what a text is (AI-1, AI-4)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.intents import definitions
from assistant.intents.lessons import forget_all, lessons
from assistant.models import Intent, TrainedModel
from tenants.models import AuditEntry
from tests.factories import TenantFactory

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/v2/intents"
SIZE = {
    "name": "size",
    "title": "Size",
    "examples": ["what size do i need", "which size fits me", "size chart please"],
    "replies": [
        {"messages": [{"type": "text", "text": "You take {size}."}]},
        {"messages": [{"type": "text", "text": "Sie tragen {size}."}], "language": "de", "channels": ["sms", "web"]},
    ],
    "slots": [{"name": "size", "prompt": "How tall are you?", "choices": [{"title": "Tall", "value": "L", "also": ["2 m"]}]}],
    "translations": {"de": {"title": "Größe", "slots": {"size": {"prompt": "Wie groß sind Sie?", "choices": ["Groß"]}}}},
    "confirm": True,
}  # fmt: skip
COLOUR = {"name": "colour", "examples": ["which colours are there", "do you have it in red", "is there a blue one"]}


@pytest.fixture
def client(scope, api):
    yield api(scope)
    forget_all()


def test_what_is_taught_comes_back_as_it_was_given(client) -> None:
    made = client.data_of(client.post(PATH, SIZE))
    assert made["replies"][1] == {
        "messages": [{"type": "text", "text": "Sie tragen {size}.", "format": "plain"}], "language": "de",
        "channels": ["sms", "web"],
    }  # fmt: skip
    assert made["slots"][0]["choices"] == [{"title": "Tall", "value": "L", "also": ["2 m"]}]
    assert made["translations"]["de"]["slots"]["size"]["choices"] == ["Groß"]
    assert client.data_of(client.get(f"{PATH}/{made['id']}")) == made
    assert client.data_of(client.get(PATH, {"search": "siz"}))["items"] == [made]
    assert client.data_of(client.get(PATH, {"search": "colour"}))["items"] == []


def test_a_change_names_what_it_changes_and_stands_in_the_trail(client) -> None:
    made = client.data_of(client.post(PATH, SIZE))
    changed = client.data_of(client.patch(f"{PATH}/{made['id']}", {"examples": ["which size"], "enabled": False}))
    assert {**changed, "updated_at": 0} == {**made, "examples": ["which size"], "enabled": False, "updated_at": 0}
    assert client.delete(f"{PATH}/{made['id']}").status_code == 204
    assert client.get(f"{PATH}/{made['id']}").json()["error"]["code"] == "intent_not_found"
    acts = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert acts == ["intent.created", "intent.updated", "intent.deleted"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"slots": [{"name": "size", "prompt": "?", "pattern": "("}]}, "intent_invalid"),
        ({"slots": [SIZE["slots"][0], SIZE["slots"][0]]}, "intent_invalid"),
        ({"replies": [{"messages": [{"type": "text", "text": "Hi"}], "channels": ["fax"]}]}, "intent_invalid"),
        ({"replies": [{"messages": []}]}, "validation_error"),
        ({"examples": [" "]}, "validation_error"),
        ({"name": "two words"}, "validation_error"),
        ({"translations": {"german": {}}}, "validation_error"),
        ({"colour": "red"}, "validation_error"),
    ],
)
def test_what_is_malformed_is_refused_and_nothing_is_stored(client, change, code) -> None:
    answer = client.post(PATH, {**SIZE, **change})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert not Intent.objects.exists()


def test_a_name_is_given_once(client) -> None:
    client.post(PATH, SIZE)
    answer = client.post(PATH, SIZE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "intent_name_taken")
    other = client.data_of(client.post(PATH, COLOUR))
    assert client.patch(f"{PATH}/{other['id']}", {"name": "size"}).json()["error"]["code"] == "intent_name_taken"


def test_there_are_only_so_many(client, monkeypatch) -> None:
    monkeypatch.setattr(definitions, "MOST", 1)
    client.post(PATH, SIZE)
    assert client.post(PATH, COLOUR).json()["error"]["code"] == "too_many_intents"


def test_texts_are_classified_as_in_a_conversation(client) -> None:
    client.post(PATH, SIZE)
    client.post(PATH, COLOUR)
    texts = ["Which size fits me?", "wich sise fits me", "write to a@b.example on 2026-03-04"]
    found = client.data_of(client.post(f"{PATH}/classify", {"texts": texts}))
    first, mistyped, other = found["items"]
    assert (first["intent"], first["confidence"], first["outcome"], first["settled_by"]) == (
        "size",
        1.0,
        "answer",
        "letters",
    )
    assert (mistyped["intent"], mistyped["settled_by"]) == ("size", "spelling")
    assert [(one["type"], one["value"]) for one in other["entities"]] == [
        ("email", "a@b.example"),
        ("date", "2026-03-04"),
    ]
    assert found["thresholds"] == {"answer": 0.55, "ask": 0.35}
    (version,) = client.data_of(client.get(f"{PATH}/trainings"))["items"]
    assert (version["id"], version["newest"], version["examples"]["size"]) == (found["version"], True, 3)


@pytest.mark.parametrize("texts", [[], [""], ["x"] * 101, ["x" * 5000]], ids=["none", "empty", "many", "long"])
def test_texts_to_classify_are_bounded(client, texts) -> None:
    assert client.post(f"{PATH}/classify", {"texts": texts}).json()["error"]["code"] == "validation_error"


def test_one_text_is_classified_as_a_list_of_it_is(client) -> None:
    one, many = (
        client.data_of(client.post(f"{PATH}/classify", body)) for body in ({"text": "hello"}, {"texts": ["hello"]})
    )
    assert one == many and len(one["items"]) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, "text_or_texts"), ({"text": "a", "texts": ["b"]}, "text_or_texts"), ({"text": ""}, "validation_error"),
     ({"text": None}, "validation_error"), ({"text": ["a"]}, "validation_error")],
)  # fmt: skip
def test_either_one_text_or_several_are_given(client, body: Any, code: str) -> None:
    answer = client.post(f"{PATH}/classify", body)
    assert (answer.status_code, client.error_of(answer)["code"]) == (400, code)


def test_another_tenants_intents_are_not_there(client, api) -> None:
    made = client.data_of(client.post(PATH, SIZE))
    other = api(TenantFactory())
    assert other.data_of(other.get(PATH))["items"] == []
    assert other.data_of(other.get(f"{PATH}/trainings"))["items"] == []
    for answer in (other.get(f"{PATH}/{made['id']}"), other.patch(f"{PATH}/{made['id']}", {"title": "x"})):
        assert answer.json()["error"]["code"] == "intent_not_found"
    assert other.delete(f"{PATH}/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("verb", "path"), [("get", PATH), ("post", PATH), ("post", f"{PATH}/classify"), ("get", f"{PATH}/trainings")]
)
def test_each_needs_its_permission(scope, api, verb, path) -> None:
    caller = api(scope, "contacts:read")
    assert getattr(caller, verb)(path, {}).status_code == 403


def test_an_older_version_is_activated_pinned_and_released(scope, client, api) -> None:
    made = client.data_of(client.post(PATH, SIZE))
    lessons()
    client.patch(f"{PATH}/{made['id']}", {"examples": ["how tall is it"]})
    lessons()
    place = f"{PATH}/trainings"
    second, first = client.data_of(client.get(place))["items"]
    assert [(one["newest"], one["answers"], one["kept"]) for one in (second, first)] == [
        (True, True, True),
        (False, False, True),
    ]
    chosen = client.data_of(client.post(f"{place}/{first['id']}/activate", {"pinned": True}))
    assert (chosen["answers"], chosen["pinned"]) == (True, True)
    found = client.data_of(client.post(f"{PATH}/classify", {"texts": ["which size fits me?"]}))
    assert (found["version"], found["items"][0]["intent"]) == (first["id"], "size")
    listed = client.data_of(client.get(place))
    assert (listed["held"]["version"], listed["held"]["pinned"], listed["held"]["usable"]) == (1, True, True)
    assert client.data_of(client.get(f"{place}/{second['id']}"))["answers"] is False
    assert client.data_of(client.post(f"{place}/newest"))["held"] is None
    assert client.data_of(client.get(f"{place}/{second['id']}"))["answers"] is True
    acts = AuditEntry.objects.filter(action__startswith="trainedmodel.").order_by("id")
    assert [one.action for one in acts] == ["trainedmodel.activated", "trainedmodel.released"]
    reader, other = api(scope, "intents:read"), api(TenantFactory())
    assert reader.post(f"{place}/{first['id']}/activate", {}).status_code == 403
    assert reader.post(f"{place}/newest").status_code == 403
    for answer in (other.get(f"{place}/{first['id']}"), other.post(f"{place}/{first['id']}/activate", {})):
        assert answer.json()["error"]["code"] == "training_not_found"


def test_the_former_names_of_a_lists_parameters_are_taken(api, scope):
    client = api(scope)
    for number in range(3):
        Intent.objects.create(tenant=scope, name=f"own_{number}", title="Mine" if number else "Other")
    old = client.data_of(client.get(PATH, {"search": "mine", "limit": 1}))
    new = client.data_of(client.get(PATH, {"search_query": "mine", "page_size": 1}))
    assert ([one["name"] for one in old["items"]], old["has_next"]) == (["own_1"], True)
    assert old == new
    onward = client.data_of(client.get(PATH, {"search": "mine", "limit": 1, "cursor": old["next_cursor"]}))
    assert [one["name"] for one in onward["items"]] == ["own_2"]


def test_trainings_have_pages(api, scope, django_assert_max_num_queries):
    client = api(scope)
    for version in range(1, 6):
        TrainedModel.objects.create(tenant=scope, version=version, examples_digest=f"{version}")
    path = f"{PATH}/trainings"
    client.get(path)
    with django_assert_max_num_queries(9):
        first = client.data_of(client.get(path, {"page_size": 2}))
    assert [(one["version"], one["newest"]) for one in first["items"]] == [(5, True), (4, False)]
    onward = client.data_of(client.get(path, {"page_size": 2, "cursor": first["next_cursor"]}))
    assert [(one["version"], one["newest"]) for one in onward["items"]] == [(3, False), (2, False)]
    numbered = client.data_of(client.get(path, {"page_size": 2, "page": 3, "sort_by": "version", "sort_order": "asc"}))
    assert ([one["version"] for one in numbered["items"]], numbered["total"]) == ([5], 5)


def test_a_training_is_asked_for_and_followed(scope, client, api) -> None:
    place = f"{PATH}/trainings"
    assert client.get(f"{place}/run").json()["error"]["code"] == "training_not_found"
    answer = client.post(place, {})
    assert (answer.status_code, client.data_of(answer)["state"]) == (202, "queued")
    assert client.post(place, {}).json()["error"]["code"] == "training_busy"
    assert client.data_of(client.get(f"{place}/run")) == client.data_of(client.get(place))["run"]
    assert AuditEntry.objects.filter(action="traininglane.asked").count() == 1
    assert client.post(place, {"against": "x"}).status_code == 400
    assert api(scope, "intents:read").post(place, {}).status_code == 403
    other = api(TenantFactory())
    assert other.data_of(other.get(place))["run"] is None
