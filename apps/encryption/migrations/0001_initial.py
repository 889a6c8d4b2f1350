"""The table of data keys."""

from django.db import migrations, models

import apps.common.clock


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="DataKey",
            fields=[
                ("id", models.CharField(db_collation="C", max_length=22, primary_key=True, serialize=False)),
                ("wrapped", models.BinaryField()),
                ("master_key_id", models.CharField(db_collation="C", max_length=16)),
                ("active", models.BooleanField()),
                ("created", models.DateTimeField(default=apps.common.clock.now)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("active", True)), fields=("active",), name="encryption_one_active_key"
                    )
                ]
            },
        ),
    ]
