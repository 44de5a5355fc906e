from django.db import migrations, models

from tenants.storage.indexes import AddIndexBeside


class Migration(migrations.Migration):
    """No transaction: PostgreSQL makes the index beside those who write."""

    atomic = False

    dependencies = [
        ('messaging', '0010_delivery_action'),
    ]

    operations = [
        AddIndexBeside(
            model_name='daysheet',
            index=models.Index(fields=['tenant', 'day', 'channel'], name='sheet_by_day'),
        ),
    ]
