import channels_app.models
import django.db.models.deletion
import tenants.storage.crypto
import tenants.storage.db
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('tenants', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Channel',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('kind', models.CharField(max_length=20)),
                ('name', models.CharField(max_length=100)),
                ('key', models.CharField(default=channels_app.models.new_key, max_length=40, unique=True)),
                ('enabled', models.BooleanField(default=True)),
                ('config', models.JSONField(blank=True, default=dict)),
                ('secrets', tenants.storage.crypto.EncryptedJSONField(blank=True, default=dict)),
                ('rate_per_second', models.FloatField(blank=True, help_text="Empty: the platform's own limit", null=True)),
                ('ip_allow_list', models.JSONField(blank=True, default=list, help_text='Networks that may call the webhook; empty: all')),
                ('disconnected_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('cleared_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='ChannelHealth',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('state', models.CharField(choices=[('unchecked', 'Unchecked'), ('healthy', 'Healthy'), ('degraded', 'Degraded'), ('credential_refused', 'Credential Refused'), ('silent', 'Silent')], default='unchecked', max_length=20)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('held_until', models.DateTimeField(blank=True, null=True)),
                ('noticed_until', models.DateTimeField(blank=True, null=True)),
                ('reason', models.CharField(blank=True, max_length=300)),
                ('checked_at', models.DateTimeField(blank=True, null=True)),
                ('last_inbound_at', models.DateTimeField(blank=True, null=True)),
                ('state_since', models.DateTimeField(default=tenants.storage.db.now)),
                ('channel', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='health', to='channels_app.channel')),
            ],
            options={
                'verbose_name_plural': 'channel health',
            },
        ),
        migrations.CreateModel(
            name='ChannelIncident',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('state', models.CharField(choices=[('unchecked', 'Unchecked'), ('healthy', 'Healthy'), ('degraded', 'Degraded'), ('credential_refused', 'Credential Refused'), ('silent', 'Silent')], max_length=20)),
                ('reason', models.CharField(blank=True, max_length=300)),
                ('is_open', models.BooleanField(default=True)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='incidents', to='channels_app.channel')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='MessageTemplate',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('name', models.CharField(max_length=512)),
                ('category', models.CharField(blank=True, max_length=20)),
                ('variants', models.JSONField(default=dict)),
                ('synced_at', models.DateTimeField(blank=True, null=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('channel', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='templates', to='channels_app.channel')),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.AddIndex(
            model_name='channel',
            index=models.Index(fields=['tenant', 'kind'], name='channel_by_kind'),
        ),
        migrations.AddConstraint(
            model_name='channelincident',
            constraint=models.UniqueConstraint(condition=models.Q(('is_open', True)), fields=('channel',), name='one_open_incident'),
        ),
        migrations.AddConstraint(
            model_name='messagetemplate',
            constraint=models.UniqueConstraint(fields=('tenant', 'channel', 'name'), name='template_name_per_channel'),
        ),
    ]
