"""Every table of ours is known to the room of privacy, and what a person owns is found by real paths (PRIV-2)."""

from __future__ import annotations

import pytest
from django.apps import apps

from messaging.privacy.tables import EMPTIED, NAMED, NOBODY, OWNED, Person, rows_of
from tenants.storage.db import new_id

OURS = {"assistant", "channels_app", "conversations", "messaging", "tenants"}
LISTS = (list(OWNED), list(NAMED), list(NOBODY), [EMPTIED])
PERSONS = {"conversations.Contact", "conversations.Identity", "conversations.Conversation", "conversations.Message"}


def test_every_table_stands_in_exactly_one_list() -> None:
    ours = sorted(model._meta.label for model in apps.get_models() if model._meta.app_label in OURS)
    assert sorted(label for names in LISTS for label in names) == ours


@pytest.mark.parametrize("label", [*NOBODY, *NAMED])
def test_what_points_to_a_person_is_owned(label: str) -> None:
    related = {field.related_model for field in apps.get_model(label)._meta.concrete_fields if field.related_model}
    assert PERSONS.isdisjoint(model._meta.label for model in related)


@pytest.mark.django_db
@pytest.mark.parametrize("label", OWNED)
def test_a_path_leads_to_the_person(label: str, scope) -> None:
    person = Person(new_id(), (new_id(),), (new_id(),))
    assert not apps.get_model(label).objects.filter(rows_of(label, person)).exists()


@pytest.mark.parametrize(("label", "columns"), NAMED.items(), ids=list(NAMED))
def test_columns_that_may_name_a_person_are_there(label: str, columns: tuple[str, ...]) -> None:
    named = {column.partition(".")[0] for column in columns}
    assert named <= {field.name for field in apps.get_model(label)._meta.concrete_fields}
