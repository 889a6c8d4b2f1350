"""The table of secrets."""

import apps.common.clock
import apps.common.ids
import apps.common.models
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Secret',
            fields=[
                ('created', models.DateTimeField(default=apps.common.clock.now, editable=False)),
                ('updated', models.DateTimeField(default=apps.common.clock.now, editable=False)),
                ('id', apps.common.models.ShortIdField(default=apps.common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('namespace', models.CharField(db_collation='C', max_length=150)),
                ('key', models.CharField(db_collation='C', max_length=200)),
                ('value', models.TextField()),
                ('description', models.TextField(blank=True)),
                ('tags', models.JSONField(default=dict)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('namespace', 'key'), name='secret_key')],
            },
        ),
    ]
