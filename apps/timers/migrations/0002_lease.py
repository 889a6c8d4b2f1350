"""Work without an end that one process at a time may do."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("timers", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Lease",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("tenant", models.CharField(db_collation="C", max_length=63)),
                ("kind", models.CharField(db_collation="C", max_length=20)),
                ("key", models.CharField(db_collation="C", max_length=255)),
                ("pool", models.CharField(db_collation="C", max_length=255)),
                ("token", models.CharField(db_collation="C", default="", max_length=60)),
                ("free_at", models.DateTimeField()),
                ("failures", models.IntegerField(default=0)),
            ],
            options={
                "db_table": "timer_lease",
                "indexes": [models.Index(fields=["kind", "pool", "free_at"], name="timer_lease_free")],
                "constraints": [models.UniqueConstraint(fields=["tenant", "kind", "key"], name="timer_lease_name")],
            },
        ),
    ]
