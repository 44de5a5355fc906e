"""Statements that are compiled once and kept: Django's compiler costs ten times what the statement itself does.

Owns the choice between the two ways to run them; SQL text stands in this package and nowhere else. Must not know any
particular model.

How a statement of the journey is converted, from ``from tenants.storage import prepared``:

* ``Model.objects.filter(**where).update(**changes)`` → ``prepared.update(Model, where, changes)``: the number of rows;
* the same for one row that is read afterwards → ``prepared.update_where(Model, where, changes)``: the row as it is now,
  or None, by one statement (``UPDATE … RETURNING``); ``where`` names at most one row;
* ``Model.objects.create(**fields)`` and ``bulk_create(rows)`` → ``prepared.insert([Model(**fields)])``, one table per call;
* ``Model.objects.filter(…)`` → a module's constant ``RECENT = prepared.Select(Model, lambda rows, conversation:
  rows.filter(conversation=conversation))``, run by ``RECENT.run(conversation=id)``, ``RECENT.first(conversation=id)``;
* an INSERT behind which a row of another table is looked at → ``prepared.insert_reading(row, SELECT, …)``: the SELECT's values,
  read by the INSERT itself.

A number behind those that are there already is looked up by the INSERT: ``PLACE = prepared.Next(Model, "place", lambda
rows, channel: rows.filter(channel=channel))``, and ``place=PLACE.behind(channel=id)`` in the new row.

``with prepared.gathered(Message, Event):`` keeps the inserts of those models back to the end of the block, which stands
inside `atomic`: one statement per table for the rows of many callers.

All of them keep to the tenant in scope as ``objects`` does, and raise NoTenantScope without one. They work inside and
outside of `atomic`, and raise Django's own exceptions. What is made of a shape (names of fields, lookups and kinds of
values) is kept, values never are: nothing that is unbounded may stand in a name.
"""

from __future__ import annotations

from tenants.storage.db import on_mongo

if on_mongo():
    from tenants.storage.prepared.orm import Next, Select, gathered, insert, insert_reading, update, update_where
else:
    from tenants.storage.prepared.kept import Next, Select, gathered, insert, update, update_where
    from tenants.storage.prepared.reading import insert_reading

__all__ = ["Next", "Select", "gathered", "insert", "insert_reading", "update", "update_where"]
