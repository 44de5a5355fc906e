from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0003_integrators_webhooks")]

    operations = [
        migrations.AddField(
            model_name="webhookendpoint",
            name="held_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["endpoint", "status", "due_at"], name="webhook_lane"),
        ),
    ]
