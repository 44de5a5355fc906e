from django.db import migrations, models

from tenants.storage.indexes import AddIndexBeside


class Migration(migrations.Migration):
    """No transaction: PostgreSQL makes the indexes beside those who write."""

    atomic = False

    dependencies = [
        ('conversations', '0006_desk'),
    ]

    operations = [
        AddIndexBeside(
            model_name='conversation',
            index=models.Index(condition=models.Q(('is_open', True)), fields=['tenant', 'held_by', 'rank', 'waiting_since', 'id'], name='conversation_queue'),
        ),
        AddIndexBeside(
            model_name='conversation',
            index=models.Index(condition=models.Q(('is_open', True)), fields=['tenant', 'assignee', 'id'], name='conversation_mine'),
        ),
        AddIndexBeside(
            model_name='conversation',
            index=models.Index(fields=['team', 'id'], name='conversation_by_team'),
        ),
        AddIndexBeside(
            model_name='conversation',
            index=models.Index(condition=models.Q(('is_open', True)), fields=['tenant', 'control_owner', 'last_message_at', 'id'], name='conversation_talking'),
        ),
        AddIndexBeside(
            model_name='conversation',
            index=models.Index(condition=models.Q(('is_open', False)), fields=['tenant', 'ended_at', 'id'], name='conversation_ended'),
        ),
    ]
