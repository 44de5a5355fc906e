import django.db.models.deletion
from django.db import migrations, models

from tenants.storage.indexes import AddIndexBeside


class Migration(migrations.Migration):
    """No transaction: PostgreSQL makes the index beside those who write."""

    atomic = False

    dependencies = [
        ('conversations', '0008_merges'),
    ]

    operations = [
        AddIndexBeside(
            model_name='session',
            index=models.Index(fields=['tenant', 'created_at', 'id'], name='session_walk'),
        ),
        # the index above begins with it
        migrations.AlterField(
            model_name='session',
            name='tenant',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant'),
        ),
    ]
