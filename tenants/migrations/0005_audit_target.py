from django.db import migrations, models

from tenants.storage.indexes import AddIndexBeside


class Migration(migrations.Migration):
    """No transaction: PostgreSQL makes the index beside those who write."""

    atomic = False

    dependencies = [
        ('tenants', '0004_turn'),
    ]

    operations = [
        AddIndexBeside(
            model_name='auditentry',
            index=models.Index(fields=['tenant', 'target', 'id'], name='audit_by_target'),
        ),
    ]
