from django.db import migrations

from conversations.search.index import index_drop, index_make


class Migration(migrations.Migration):
    """The full-text index. No transaction: PostgreSQL makes it beside those who write."""

    atomic = False

    dependencies = [
        ('conversations', '0004_words'),
    ]

    operations = [
        migrations.RunPython(lambda *_: index_make(), lambda *_: index_drop(), elidable=False),
    ]
