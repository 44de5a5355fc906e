from typing import Any, ClassVar

from django.db import migrations

from conversations.search.people_index import people_index_make


class Migration(migrations.Migration):
    """The indexes of people's words and of the ends of their numbers, a batch at a time on SQLite. No transaction: others write
    beside."""

    atomic = False

    dependencies: ClassVar[list[Any]] = [("conversations", "0013_contact_phone")]

    operations: ClassVar[list[Any]] = [
        migrations.RunPython(lambda *_: people_index_make(), lambda *_: None, elidable=False),
    ]
