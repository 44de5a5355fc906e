import django.db.models.deletion
from django.db import migrations, models

from tenants.storage.indexes import AddIndexBeside


class Migration(migrations.Migration):
    """No transaction: PostgreSQL makes the indexes beside those who write."""

    atomic = False

    dependencies = [
        ('channels_app', '0001_initial'),
        ('messaging', '0008_export'),
    ]

    operations = [
        AddIndexBeside(
            model_name='delivery',
            index=models.Index(fields=['tenant', 'created_at', 'id'], name='delivery_listed'),
        ),
        AddIndexBeside(
            model_name='delivery',
            index=models.Index(fields=['tenant', 'status', 'created_at', 'id'], name='delivery_of_status'),
        ),
        AddIndexBeside(
            model_name='delivery',
            index=models.Index(fields=['channel', 'created_at', 'id'], name='delivery_of_channel'),
        ),
        # the index above begins with it
        migrations.AlterField(
            model_name='delivery',
            name='channel',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='channels_app.channel'),
        ),
    ]
