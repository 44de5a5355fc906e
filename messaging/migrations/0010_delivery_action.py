from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('messaging', '0009_delivery_lists'),
    ]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='action',
            field=models.CharField(max_length=6, null=True),
        ),
    ]
