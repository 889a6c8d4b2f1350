"""The choices of backends."""

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
            name='BackendChoice',
            fields=[
                ('created', models.DateTimeField(default=apps.common.clock.now, editable=False)),
                ('updated', models.DateTimeField(default=apps.common.clock.now, editable=False)),
                ('id', apps.common.models.ShortIdField(default=apps.common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('storage', 'storage'), ('secret', 'secret')], max_length=8)),
                ('namespace', models.CharField(blank=True, db_collation='C', max_length=150)),
                ('type', models.CharField(max_length=60)),
                ('configuration', models.TextField()),
                ('version', apps.common.models.ShortIdField(default=apps.common.ids.new_id)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('kind', 'namespace'), name='isolation_choice')],
            },
        ),
    ]
