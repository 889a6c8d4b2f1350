"""The first tables of instance."""

import apps.common.models
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='ServiceInstance',
            fields=[
                ('id', apps.common.models.ShortIdField(primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=12)),
                ('host', models.CharField(max_length=255)),
                ('pid', models.IntegerField()),
                ('worker_group', models.CharField(blank=True, default='', max_length=63)),
                ('version', models.CharField(max_length=40)),
                ('state', models.CharField(max_length=24)),
                ('started', models.DateTimeField()),
                ('heartbeat', models.DateTimeField()),
            ],
            options={
                'db_table': 'service_instance',
                'indexes': [models.Index(fields=['state', 'heartbeat'], name='service_heartbeat')],
            },
        ),
    ]
