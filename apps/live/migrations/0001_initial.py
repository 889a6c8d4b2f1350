"""The events' partitioned table, with a catch-all partition so that an insert never fails for want of one."""

from django.db import migrations, models

CREATE = """
CREATE SEQUENCE live_event_id;
CREATE TABLE live_event (
  id bigint NOT NULL DEFAULT nextval('live_event_id'),
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  tenant text COLLATE "C" NOT NULL,
  topic text COLLATE "C" NOT NULL,
  namespace text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  data jsonb NOT NULL,
  at timestamptz NOT NULL
) PARTITION BY RANGE (at);
ALTER SEQUENCE live_event_id OWNED BY live_event.id;
CREATE INDEX live_event_order ON live_event (tenant, xid, id);
CREATE TABLE live_event_rest PARTITION OF live_event DEFAULT;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.RunSQL(CREATE, "DROP TABLE live_event"),
        migrations.CreateModel(
            name="LiveEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("xid", models.BigIntegerField()),
                ("tenant", models.CharField(max_length=63)),
                ("topic", models.CharField(max_length=100)),
                ("namespace", models.CharField(max_length=150)),
                ("kind", models.CharField(max_length=30)),
                ("data", models.JSONField()),
                ("at", models.DateTimeField()),
            ],
            options={"db_table": "live_event", "managed": False},
        ),
    ]
