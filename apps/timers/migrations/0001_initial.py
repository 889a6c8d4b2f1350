"""The first tables of timers."""

from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Timer',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('tenant', models.CharField(db_collation='C', max_length=63)),
                ('kind', models.CharField(db_collation='C', max_length=20)),
                ('key', models.CharField(db_collation='C', max_length=255)),
                ('due_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'timer',
                'indexes': [models.Index(fields=['due_at'], name='timer_due')],
                'constraints': [models.UniqueConstraint(fields=('tenant', 'kind', 'key'), name='timer_name')],
            },
        ),
    ]
