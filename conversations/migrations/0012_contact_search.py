from typing import Any, ClassVar

from django.db import migrations

from conversations.search.people_index import people_index_drop, people_index_make
from conversations.search.people_backfill import people_check


def fill(*_: Any) -> None:
    people_check(lambda: True)
    people_index_make()


class Migration(migrations.Migration):
    """The words of the contacts there are, a batch at a time, then their index. No transaction: others write beside."""

    atomic = False

    dependencies: ClassVar[list[Any]] = [("conversations", "0011_contact_words")]

    operations: ClassVar[list[Any]] = [
        migrations.RunPython(fill, lambda *_: people_index_drop(), elidable=False),
    ]
