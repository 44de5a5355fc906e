import django.db.models.deletion
import tenants.storage.crypto
import tenants.storage.db
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('channels_app', '0001_initial'),
        ('conversations', '0001_initial'),
        ('tenants', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('claim', models.UUIDField(blank=True, editable=False, null=True)),
                ('due_at', models.DateTimeField(default=tenants.storage.db.now)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('leases', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('seq', models.PositiveIntegerField()),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('sending', 'Sending'), ('sent', 'Sent'), ('delivered', 'Delivered'), ('read', 'Read'), ('failed', 'Failed')], default='queued', max_length=9)),
                ('parts_sent', models.PositiveSmallIntegerField(default=0)),
                ('parts_again', models.JSONField(default=list, editable=False)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('error_code', models.CharField(blank=True, max_length=60)),
                ('error_detail', models.CharField(blank=True, max_length=500)),
                ('dead_at', models.DateTimeField(blank=True, null=True)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('delivered_at', models.DateTimeField(blank=True, null=True)),
                ('read_at', models.DateTimeField(blank=True, null=True)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='channels_app.channel')),
                ('conversation', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='conversations.conversation')),
                ('message', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='delivery', to='conversations.message')),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name_plural': 'deliveries',
            },
        ),
        migrations.CreateModel(
            name='DeliveryAttempt',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('number', models.PositiveSmallIntegerField()),
                ('outcome', models.CharField(choices=[('accepted', 'Accepted'), ('retryable', 'Retryable'), ('throttled', 'Throttled'), ('permanent', 'Permanent'), ('unknown', 'Unknown'), ('config', 'Config')], max_length=9)),
                ('code', models.CharField(blank=True, max_length=60)),
                ('latency_ms', models.PositiveIntegerField(default=0)),
                ('exchange', models.JSONField(blank=True, default=list)),
                ('delivery', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tries', to='messaging.delivery')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='DeliveryPart',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('index', models.PositiveSmallIntegerField()),
                ('platform_id', models.CharField(blank=True, default='', max_length=255)),
                ('status', models.CharField(default='sent', max_length=9)),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='channels_app.channel')),
                ('delivery', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='messaging.delivery')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='EarlyStatus',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('platform_id', models.CharField(max_length=255)),
                ('status', models.CharField(max_length=9)),
                ('code', models.CharField(blank=True, max_length=60)),
                ('detail', models.CharField(blank=True, max_length=500)),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='channels_app.channel')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='HandledEvent',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('handler', models.CharField(max_length=20)),
                ('event', models.UUIDField()),
                ('error', models.CharField(blank=True, max_length=120)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'event that was not handled',
                'verbose_name_plural': 'events that were not handled',
            },
        ),
        migrations.CreateModel(
            name='InboundEvent',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('claim', models.UUIDField(blank=True, editable=False, null=True)),
                ('due_at', models.DateTimeField(default=tenants.storage.db.now)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('leases', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('lane', models.CharField(blank=True, max_length=255)),
                ('place', models.PositiveBigIntegerField(default=0, editable=False)),
                ('digest', models.CharField(max_length=64)),
                ('request', models.JSONField()),
                ('status', models.CharField(choices=[('received', 'Received'), ('processed', 'Processed'), ('ignored', 'Ignored'), ('malformed', 'Malformed'), ('failed', 'Failed')], default='received', max_length=9)),
                ('reason', models.CharField(blank=True, max_length=300)),
                ('processed_at', models.DateTimeField(blank=True, null=True)),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='channels_app.channel')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'receipt',
            },
        ),
        migrations.CreateModel(
            name='OutboxLane',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('claim', models.UUIDField(blank=True, editable=False, null=True)),
                ('due_at', models.DateTimeField(default=tenants.storage.db.now)),
                ('outbox', models.CharField(max_length=20)),
                ('number', models.PositiveSmallIntegerField()),
            ],
            options={
                'indexes': [models.Index(fields=['claim'], name='outbox_lane_claim')],
                'constraints': [models.UniqueConstraint(fields=('outbox', 'number'), name='outbox_lane_once')],
            },
        ),
        migrations.CreateModel(
            name='StaffAlert',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('claim', models.UUIDField(blank=True, editable=False, null=True)),
                ('due_at', models.DateTimeField(default=tenants.storage.db.now)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('leases', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('event', models.UUIDField()),
                ('way', models.CharField(max_length=10)),
                ('subject', models.CharField(max_length=200)),
                ('text', models.TextField(blank=True)),
                ('facts', models.JSONField(default=dict)),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('sent', 'Sent'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('error', models.CharField(blank=True, max_length=60)),
                ('incident', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='channels_app.channelincident')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Turn',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('claim', models.UUIDField(blank=True, editable=False, null=True)),
                ('due_at', models.DateTimeField(default=tenants.storage.db.now)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('leases', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('first_seq', models.PositiveIntegerField()),
                ('last_seq', models.PositiveIntegerField()),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('answered', 'Answered'), ('void', 'Void'), ('silent', 'Silent'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('latest_at', models.DateTimeField(default=tenants.storage.db.now)),
                ('outcome', models.CharField(blank=True, max_length=40)),
                ('engine', models.CharField(blank=True, max_length=40)),
                ('latency_ms', models.PositiveIntegerField(blank=True, null=True)),
                ('conversation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='turns', to='conversations.conversation')),
                ('reply', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='conversations.message')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='WebhookEndpoint',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('url', models.URLField(max_length=2048)),
                ('description', models.CharField(blank=True, max_length=200)),
                ('event_types', models.JSONField(default=list)),
                ('secrets', tenants.storage.crypto.EncryptedJSONField(default=list)),
                ('enabled', models.BooleanField(default=True)),
                ('paused_at', models.DateTimeField(blank=True, null=True)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('held_until', models.DateTimeField(blank=True, null=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('claim', models.UUIDField(blank=True, editable=False, null=True)),
                ('due_at', models.DateTimeField(default=tenants.storage.db.now)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('leases', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('type', models.CharField(max_length=60)),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('sending', 'Sending'), ('delivered', 'Delivered'), ('failed', 'Failed')], default='queued', max_length=9)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('response_status', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('error_code', models.CharField(blank=True, max_length=60)),
                ('exchanges', models.JSONField(blank=True, default=list)),
                ('event', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='conversations.event')),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
                ('endpoint', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='messaging.webhookendpoint')),
            ],
            options={
                'verbose_name_plural': 'webhook deliveries',
            },
        ),
        migrations.CreateModel(
            name='DailyFigure',
            fields=[
                ('id', tenants.storage.db.Id(default=tenants.storage.db.new_id, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=tenants.storage.db.now, editable=False)),
                ('day', models.DateField()),
                ('name', models.CharField(max_length=80)),
                ('value', models.PositiveBigIntegerField(default=0)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'day', 'name'), name='figure_once_per_day')],
            },
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['status', 'due_at'], name='delivery_due'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['conversation', 'status', 'seq'], name='delivery_lane'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['tenant', 'dead_at'], name='delivery_dead'),
        ),
        migrations.AddIndex(
            model_name='deliveryattempt',
            index=models.Index(fields=['delivery', 'number'], name='attempt_by_delivery'),
        ),
        migrations.AddIndex(
            model_name='deliverypart',
            index=models.Index(fields=['channel', 'platform_id'], name='part_by_platform_id'),
        ),
        migrations.AddConstraint(
            model_name='deliverypart',
            constraint=models.UniqueConstraint(fields=('delivery', 'index'), name='part_once'),
        ),
        migrations.AddConstraint(
            model_name='earlystatus',
            constraint=models.UniqueConstraint(fields=('channel', 'platform_id', 'status'), name='early_status_once'),
        ),
        migrations.AddIndex(
            model_name='handledevent',
            index=models.Index(fields=['error', 'created_at'], name='handled_by_error'),
        ),
        migrations.AddConstraint(
            model_name='handledevent',
            constraint=models.UniqueConstraint(fields=('handler', 'event'), name='handled_once_per_handler'),
        ),
        migrations.AddIndex(
            model_name='inboundevent',
            index=models.Index(fields=['status', 'due_at'], name='receipt_due'),
        ),
        migrations.AddIndex(
            model_name='inboundevent',
            index=models.Index(fields=['channel', 'place'], name='receipt_by_channel'),
        ),
        migrations.AddIndex(
            model_name='inboundevent',
            index=models.Index(fields=['channel', 'lane', 'status', 'place'], name='receipt_lane'),
        ),
        migrations.AddConstraint(
            model_name='inboundevent',
            constraint=models.UniqueConstraint(fields=('channel', 'digest'), name='receipt_once_per_digest'),
        ),
        migrations.AddIndex(
            model_name='staffalert',
            index=models.Index(fields=['status', 'due_at'], name='alert_due'),
        ),
        migrations.AddConstraint(
            model_name='staffalert',
            constraint=models.UniqueConstraint(fields=('event', 'way'), name='alert_once_per_way'),
        ),
        migrations.AddIndex(
            model_name='turn',
            index=models.Index(fields=['status', 'due_at'], name='turn_due'),
        ),
        migrations.AddConstraint(
            model_name='turn',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'waiting')), fields=('conversation',), name='one_waiting_turn_per_conversation'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(fields=['status', 'due_at'], name='webhook_due'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(fields=['endpoint', 'created_at'], name='webhook_log'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(fields=['endpoint', 'status', 'due_at'], name='webhook_lane'),
        ),
        migrations.AddConstraint(
            model_name='webhookdelivery',
            constraint=models.UniqueConstraint(fields=('endpoint', 'event'), name='webhook_once_per_event'),
        ),
    ]
