from django.db import migrations, models

from tenants.storage.indexes import AddIndexBeside


class Migration(migrations.Migration):
    """No transaction: PostgreSQL makes the index beside those who write."""

    atomic = False

    dependencies = [
        ('conversations', '0012_contact_search'),
    ]

    operations = [
        AddIndexBeside(
            model_name='contact',
            index=models.Index(fields=['tenant', 'phone'], name='contact_by_phone'),
        ),
    ]
