import assistant.checks
import django.db.models.deletion
import tenants.storage.db
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('tenants', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='TrainedModel',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('version', models.PositiveIntegerField()),
                ('examples_digest', models.CharField(max_length=64)),
                ('state', models.JSONField(blank=True, default=dict)),
                ('metrics', models.JSONField(blank=True, default=dict)),
                ('trained_at', models.DateTimeField(default=tenants.storage.db.now)),
                ('training_until', models.DateTimeField(blank=True, null=True)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='LearntNumbers',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('npz', models.BinaryField()),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
                ('trained', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='numbers', to='assistant.trainedmodel')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Intent',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('name', models.SlugField(max_length=60)),
                ('title', models.CharField(blank=True, max_length=20)),
                ('description', models.CharField(blank=True, max_length=500)),
                ('examples', models.JSONField(blank=True, default=list, validators=[assistant.checks.check_texts])),
                ('responses', models.JSONField(blank=True, default=list, validators=[assistant.checks.check_responses])),
                ('slots', models.JSONField(blank=True, default=list, validators=[assistant.checks.check_slots])),
                ('enabled', models.BooleanField(default=True)),
                ('handover', models.BooleanField(default=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'name'), name='intent_name_per_tenant')],
            },
        ),
        migrations.CreateModel(
            name='KnowledgeEntry',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('title', models.CharField(max_length=200)),
                ('questions', models.JSONField(blank=True, default=list, validators=[assistant.checks.check_texts])),
                ('answer', models.TextField(max_length=4000)),
                ('tags', models.JSONField(blank=True, default=list, validators=[assistant.checks.check_texts])),
                ('language', models.CharField(blank=True, max_length=2)),
                ('source_url', models.URLField(blank=True, max_length=2048)),
                ('enabled', models.BooleanField(default=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name_plural': 'knowledge entries',
                'indexes': [models.Index(fields=['tenant', 'updated_at'], name='knowledge_by_change')],
            },
        ),
        migrations.AddConstraint(
            model_name='trainedmodel',
            constraint=models.UniqueConstraint(fields=('tenant', 'version'), name='trained_version_per_tenant'),
        ),
    ]
