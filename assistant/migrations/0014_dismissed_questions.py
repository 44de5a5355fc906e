from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assistant', '0013_staff_helps'),
    ]

    operations = [
        migrations.AddField(
            model_name='unanswered',
            name='dismissed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
