from typing import Any, ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("conversations", "0009_session_walk")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="conversation",
            name="outside_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
