"""Django's own log of the console kept what a row was called, a person's name too, beyond their erasure. The trail tells it all."""

from django.db import migrations


def empty(apps, schema_editor):
    apps.get_model("admin", "LogEntry").objects.using(schema_editor.connection.alias).all().delete()


class Migration(migrations.Migration):

    dependencies = [("tenants", "0013_audit_seal_proofs"), ("admin", "0001_initial")]

    operations = [migrations.RunPython(empty, migrations.RunPython.noop)]
