"""Triggers that listen; and timers for the flows that were saved before triggers had rows, which make these rows."""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from apps.common.current_tenant import current_tenant_id


def ask_for_missing_rows(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Rows need the flows' sources parsed, which a migration does not do: a timer each, which is due at once, does."""
    tenant = current_tenant_id()
    if tenant is None:
        return
    schema_editor.execute(
        "INSERT INTO public.timer (tenant, kind, key, due_at)"
        " SELECT %s, 'flow_triggers', f.uid::text, now() FROM flow f"
        " WHERE NOT f.deleted AND cardinality(f.trigger_ids) > 0 AND NOT EXISTS (SELECT 1 FROM trigger_state t WHERE t.flow_ref = f.uid) ON CONFLICT DO NOTHING",
        [tenant],
    )


class Migration(migrations.Migration):
    dependencies = [("workflows", "0002_triggers"), ("timers", "0002_lease")]

    operations = [
        migrations.AlterField(
            model_name="triggerstate",
            name="kind",
            field=models.CharField(
                choices=[
                    ("TIME", "Time"),
                    ("POLL", "Poll"),
                    ("FLOW", "Flow"),
                    ("WEBHOOK", "Webhook"),
                    ("STREAM", "Stream"),
                    ("OTHER", "Other"),
                ],
                db_collation="C",
                max_length=10,
            ),
        ),
        migrations.RunPython(ask_for_missing_rows, migrations.RunPython.noop),
    ]
