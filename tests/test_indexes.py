"""No index that another begins with: every row written pays for each, and the longer one finds the same rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db.models import ForeignKey, Model

from tenants.storage.indexes import indexes_of

OWN = ("tenants", "channels_app", "conversations", "assistant", "messaging")
MODELS = [model for app in OWN for model in apps.get_app_config(app).get_models() if model._meta.managed]


def single(model: type[Model]) -> Iterator[str]:
    """Columns that have an index of their own."""
    for field in model._meta.local_fields:
        if isinstance(field, ForeignKey) and field.db_index and not field.unique:
            yield field.name


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_index_is_the_beginning_of_another(model: type[Model]) -> None:
    whole = list(indexes_of(model))
    alone = [(name,) for name in single(model)]
    shorter = [one for one in alone + whole for other in whole if one != other and one == other[: len(one)]]
    assert shorter == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_key_of_another_row_begins_an_index(model: type[Model]) -> None:
    """A removal there asks here; without an index it reads the whole table."""
    begins = {columns[0] for columns in indexes_of(model)} | set(single(model))
    keys = {field.name for field in model._meta.local_fields if isinstance(field, ForeignKey) and not field.unique}
    assert keys - begins == set()
