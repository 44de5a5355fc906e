"""A new row has the values that Django gives it, and raises what Django raises."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.db import models
from django.db.models.signals import post_init

from conversations.models import Contact, Conversation, Message
from messaging.models import Delivery
from tenants.models import Tenant
from tenants.storage import db, rows

AT = datetime.datetime(2026, 5, 4, 3, 2, 1, 123000, tzinfo=datetime.UTC)
OWN = sorted((model for model in apps.get_models() if issubclass(model, db.Model)), key=lambda model: model.__name__)
ID = uuid.UUID(int=7)
TENANT, CONTACT = Tenant(id=ID), Contact(id=uuid.UUID(int=8), tenant_id=ID)


def by_django(model: type[models.Model], given: dict[str, Any]) -> models.Model:
    made = model.__new__(model)
    models.Model.__init__(made, **given)
    return made


def seen(row: models.Model) -> Any:
    """All about a row but what is drawn anew for each."""
    state = vars(row._state)
    facts = {name: value for name, value in vars(row).items() if name not in ("_state", "id", "key")}
    kept = state.pop("fields_cache", {})
    return list(facts.items()), {name: id(one) for name, one in kept.items()}, state


@time_machine.travel(AT, tick=False)
@pytest.mark.parametrize("model", OWN, ids=[model.__name__ for model in OWN])
def test_what_is_not_given_has_its_default(model: type[models.Model]) -> None:
    assert rows._plan(model) is not None
    for given in ({}, {"id": ID}):
        assert seen(model(**given)) == seen(by_django(model, given))


GIVEN: list[tuple[type[models.Model], dict[str, Any]]] = [
    (Message, {"tenant_id": ID, "text": "ü", "content": {"a": 1}, "seq": 3}), (Message, {"tenant": TENANT}),
    (Conversation, {"tenant": TENANT, "contact": CONTACT, "priority": "high"}), (Message, {"author": None}),
    (Message, {"conversation_id": None}), (Message, {"tenant": TENANT, "tenant_id": ID}), (Message, {"pk": ID}), (Conversation, {"status": Conversation.Status.ERROR}),
]  # fmt: skip


@time_machine.travel(AT, tick=False)
@pytest.mark.parametrize(
    ("model", "given"), GIVEN, ids=[f"{n}-{'-'.join(given)}" for n, (_, given) in enumerate(GIVEN)]
)
def test_what_is_given_stands(model: type[models.Model], given: dict[str, Any]) -> None:
    assert seen(model(**given)) == seen(by_django(model, given))


def test_a_row_knows_the_one_it_belongs_to_and_that_one_it() -> None:
    said = Message(tenant=TENANT)
    made = Delivery(tenant=TENANT, message=said)
    assert (made.message_id, made.message, made.tenant) == (said.id, said, TENANT)
    assert said._state.fields_cache["delivery"] is made
    again = by_django(Delivery, {"tenant": TENANT, "message": said})
    assert said._state.fields_cache["delivery"] is again


def test_no_two_rows_share_a_value_that_changes() -> None:
    one, other = Message(), Message()
    one.content = one.metadata
    one.metadata["a"] = 1
    assert (other.metadata, Message().metadata) == ({}, {})
    assert one.id != other.id


WRONG: dict[str, dict[str, Any]] = {
    "no field": {"txet": "x"}, "of another model": {"tenant": CONTACT}, "of none": {"tenant": ID},
}  # fmt: skip


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_as_by_django(given: dict[str, Any]) -> None:
    errors = []
    for make in (Message, lambda **given: by_django(Message, given)):
        with pytest.raises((TypeError, ValueError)) as caught:
            make(**given)
        errors.append((caught.type, str(caught.value)))
    assert errors[0] == errors[1]


def test_values_in_order_are_djangos_matter() -> None:
    made = Tenant(ID, AT, "Acorn")
    assert (made.id, made.created_at, made.name) == (ID, AT, "Acorn")


def test_receivers_are_told_of_each_new_row() -> None:
    told: list[Any] = []
    receiver = lambda instance, **_: told.append(instance)  # noqa: E731
    post_init.connect(receiver, sender=Message)
    try:
        made = Message(text="x")
    finally:
        post_init.disconnect(receiver, sender=Message)
    assert told == [made]
