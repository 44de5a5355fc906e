"""Seals get what only our keys can have written. Seals that are there are taken as they stand on the day of the upgrade."""

from django.db import migrations

from tenants.storage.crypto import EncryptedJSONField


def prove(apps, schema_editor):
    seals = apps.get_model("tenants", "AuditSeal")._base_manager.using(schema_editor.connection.alias)
    followed = set()
    for tenant_id, number in seals.values_list("tenant_id", "number"):
        followed.add((tenant_id, number - 1))
    for seal in seals.all():
        facts = {"seal": str(seal.id), "hash": seal.hash}
        seal.place = {**facts, "followed": (seal.tenant_id, seal.number) in followed}
        if seal.purged_at:
            seal.purged = {**facts, "purged": seal.purged_at.isoformat(timespec="milliseconds")}
        seal.save(update_fields=["place", "purged"])


class Migration(migrations.Migration):

    dependencies = [("tenants", "0012_oauth_client_rotation")]

    operations = [
        migrations.AddField("auditseal", "place", EncryptedJSONField(null=True, editable=False)),
        migrations.AddField("auditseal", "purged", EncryptedJSONField(null=True, editable=False)),
        migrations.RunPython(prove, migrations.RunPython.noop),
    ]
