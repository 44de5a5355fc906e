from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0012_week_sheets"),
    ]

    operations = [
        migrations.AddField(
            model_name="inboundevent",
            name="done",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
