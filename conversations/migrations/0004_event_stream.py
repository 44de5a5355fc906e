from django.db import migrations, models
from django.db.models import F

import conversations.models


def published_is_streamed(apps, schema_editor):
    """What went out before there was a second outbox does not go out again."""
    apps.get_model("conversations", "Event").objects.filter(published_at__isnull=False).update(
        streamed_at=F("published_at")
    )


class Migration(migrations.Migration):
    dependencies = [("conversations", "0003_revisions_reactions_files")]

    operations = [
        migrations.AddField(
            model_name="event",
            name="correlation_id",
            field=models.CharField(blank=True, default=conversations.models.correlation_id, max_length=64),
        ),
        migrations.AddField(
            model_name="event",
            name="streamed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["streamed_at", "id"], name="event_stream"),
        ),
        migrations.RunPython(published_is_streamed, migrations.RunPython.noop),
    ]
