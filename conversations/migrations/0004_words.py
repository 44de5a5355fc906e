from django.db import migrations

import tenants.storage.folded


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0003_hours'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='words',
            field=tenants.storage.folded.Folded(blank=True, editable=False, null=True),
        ),
    ]
