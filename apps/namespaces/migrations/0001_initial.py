"""The table of KV pairs."""

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
            name='KeyValue',
            fields=[
                ('created', models.DateTimeField(default=apps.common.clock.now, editable=False)),
                ('updated', models.DateTimeField(default=apps.common.clock.now, editable=False)),
                ('id', apps.common.models.ShortIdField(default=apps.common.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('namespace', models.CharField(db_collation='C', max_length=150)),
                ('key', models.CharField(db_collation='C', max_length=200)),
                ('type', models.CharField(choices=[('STRING', 'STRING'), ('NUMBER', 'NUMBER'), ('BOOLEAN', 'BOOLEAN'), ('DATETIME', 'DATETIME'), ('DATE', 'DATE'), ('DURATION', 'DURATION'), ('JSON', 'JSON')], max_length=8)),
                ('version', apps.common.models.ShortIdField()),
                ('size', models.BigIntegerField()),
                ('description', models.TextField(blank=True)),
                ('expires', models.DateTimeField(null=True)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(models.F('expires'), condition=models.Q(('expires__isnull', False)), name='kv_expires')],
                'constraints': [models.UniqueConstraint(fields=('namespace', 'key'), name='kv_key')],
            },
        ),
    ]
