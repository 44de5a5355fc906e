"""What members of staff did is summed up by week; weeks that have sheets of their days get theirs."""

from collections import defaultdict

from django.db import migrations

from messaging.figures.facts import ALL, WEEK, Place, weeks_of
from messaging.figures.sheet import Sheet


def sum_up(apps, schema_editor):
    model = apps.get_model("messaging", "DaySheet")
    rows = model._base_manager.using(schema_editor.connection.alias)
    rows.filter(channel=WEEK).delete()
    days = defaultdict(dict)
    for tenant_id, *place, figures in rows.filter(channel=ALL).values_list("tenant_id", *Place._fields, "figures"):
        days[tenant_id][Place(*place)] = Sheet.from_json(figures)
    for tenant_id, sheets in days.items():
        rows.bulk_create(
            [
                model(tenant_id=tenant_id, **place._asdict(), figures=sheet.to_json())
                for place, sheet in weeks_of(sheets).items()
            ],
            batch_size=200,
        )


class Migration(migrations.Migration):

    dependencies = [('messaging', '0011_sheet_by_day')]

    operations = [migrations.RunPython(sum_up, migrations.RunPython.noop)]
