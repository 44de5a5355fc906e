from django.db import migrations, models

from tenants.storage.db import on_mongo
from tenants.storage.indexes import AddIndexBeside

NEW = AddIndexBeside(
    model_name='identity',
    index=models.Index(
        fields=['tenant', 'value'], name='identity_begun', opclasses=['uuid_ops', 'varchar_pattern_ops']
    ),
)
FORMER = migrations.RemoveIndex(model_name='identity', name='identity_by_value')


class Migration(migrations.Migration):
    """Values by their beginnings, beside those who write; then the index goes that knew them whole alone."""

    atomic = False

    dependencies = [
        ('conversations', '0014_people_found'),
    ]

    #: MongoDB refuses a second index of the same fields
    operations = [FORMER, NEW] if on_mongo() else [NEW, FORMER]
