import django.db.models.deletion
import tenants.storage.db
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assistant', '0016_training_on_demand'),
        ('tenants', '0011_trusted_issuer'),
    ]

    operations = [
        migrations.CreateModel(
            name='AnswerMark',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('message_id', models.UUIDField()),
                ('conversation_id', models.UUIDField()),
                ('good', models.BooleanField()),
                ('by', models.UUIDField()),
                ('marked_at', models.DateTimeField(default=tenants.storage.db.now)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'indexes': [models.Index(fields=['tenant', 'marked_at'], name='answer_mark_by_age'), models.Index(fields=['tenant', 'conversation_id'], name='answer_mark_by_talk')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'message_id'), name='answer_mark_once')],
            },
        ),
    ]
