"""The settings of namespaces."""

import apps.common.clock
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('namespaces', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Namespace',
            fields=[
                ('created', models.DateTimeField(default=apps.common.clock.now, editable=False)),
                ('updated', models.DateTimeField(default=apps.common.clock.now, editable=False)),
                ('id', models.CharField(db_collation='C', max_length=150, primary_key=True, serialize=False)),
                ('description', models.TextField(blank=True)),
                ('variables', models.JSONField(default=dict)),
                ('plugin_defaults', models.JSONField(default=list)),
                ('allowed_namespaces', models.JSONField(null=True)),
                ('worker_group', models.JSONField(null=True)),
            ],
            options={
                'ordering': ('id',),
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
    ]
