from typing import Any, ClassVar

from django.db import migrations

import tenants.storage.folded


class Migration(migrations.Migration):
    dependencies: ClassVar[list[Any]] = [("conversations", "0010_outside_at")]

    operations: ClassVar[list[Any]] = [
        migrations.AddField(
            model_name="contact",
            name=name,
            field=tenants.storage.folded.Following(blank=True, editable=False, null=True),
        )
        for name in ("name_words", "email_words")
    ]
