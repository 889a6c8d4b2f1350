"""Rows of flows and executions, with the storage settings that engine-frames §10 and read-side §10 measured."""

import apps.common.models
import apps.workflows.models.task_run
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.comparison
from django.db import migrations, models


STORAGE = """
ALTER TABLE execution SET (fillfactor = 50, autovacuum_vacuum_insert_scale_factor = 0,
  autovacuum_vacuum_insert_threshold = 5000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
  autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE task_run SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE execution_label SET (autovacuum_vacuum_insert_scale_factor = 0,
  autovacuum_vacuum_insert_threshold = 50000);
ALTER TABLE log SET (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000);
ALTER TABLE execution ALTER COLUMN flow_ref SET STATISTICS 500;
ALTER TABLE execution_label ALTER COLUMN term SET STATISTICS 500;
ALTER TABLE execution_label DROP CONSTRAINT execution_label_pkey;
CREATE UNIQUE INDEX execution_label_term ON execution_label (term, start_date DESC, execution_id DESC)
  INCLUDE (flow_ref);
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='ExecutionLabel',
            fields=[
                ('pk', models.CompositePrimaryKey('term', 'start_date', 'execution_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('term', models.BigIntegerField()),
                ('start_date', models.DateTimeField()),
                ('execution_id', apps.common.models.ShortIdField()),
                ('flow_ref', models.IntegerField()),
            ],
            options={
                'db_table': 'execution_label',
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='FlowSlot',
            fields=[
                ('pk', models.CompositePrimaryKey('namespace', 'flow_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('namespace', models.CharField(db_collation='C', max_length=150)),
                ('flow_id', models.CharField(db_collation='C', max_length=100)),
                ('running', models.IntegerField(default=0)),
            ],
            options={
                'db_table': 'flow_slot',
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='LoopValues',
            fields=[
                ('pk', models.CompositePrimaryKey('task_run_id', 'chunk', blank=True, editable=False, primary_key=True, serialize=False)),
                ('task_run_id', apps.common.models.ShortIdField()),
                ('chunk', models.IntegerField()),
                ('vals', models.JSONField()),
            ],
            options={
                'db_table': 'loop_values',
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='NamespaceRef',
            fields=[
                ('ref', models.AutoField(primary_key=True, serialize=False)),
                ('name', models.CharField(db_collation='C', max_length=150, unique=True)),
            ],
            options={
                'db_table': 'namespace_ref',
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='Execution',
            fields=[
                ('id', apps.common.models.ShortIdField(primary_key=True, serialize=False)),
                ('namespace', models.CharField(db_collation='C', max_length=150)),
                ('flow_id', models.CharField(db_collation='C', max_length=100)),
                ('flow_revision', models.IntegerField()),
                ('flow_ref', models.IntegerField()),
                ('state', models.CharField(db_collation='C', max_length=10)),
                ('histories', models.JSONField(default=list)),
                ('inputs', models.JSONField(null=True)),
                ('labels', models.JSONField(default=list)),
                ('variables', models.JSONField(null=True)),
                ('outputs', models.JSONField(null=True)),
                ('trigger', models.JSONField(null=True)),
                ('parent_id', apps.common.models.ShortIdField(null=True)),
                ('original_id', apps.common.models.ShortIdField(null=True)),
                ('schedule_date', models.DateTimeField(null=True)),
                ('cursor', models.JSONField(null=True)),
                ('pending', models.BooleanField(default=False)),
                ('paused', models.IntegerField(default=0)),
                ('hold', models.BooleanField(default=False)),
                ('slot', models.BooleanField(default=False)),
                ('parent_execution_id', apps.common.models.ShortIdField(null=True)),
                ('parent_run_id', apps.common.models.ShortIdField(null=True)),
                ('parent_token', models.CharField(db_collation='C', max_length=60, null=True)),
                ('batch', models.IntegerField(null=True)),
                ('told', models.BooleanField(default=False)),
                ('attempt_number', models.IntegerField(default=1)),
                ('original_created', models.DateTimeField(null=True)),
                ('start_date', models.DateTimeField()),
                ('end_date', models.DateTimeField(null=True)),
                ('duration_ms', models.BigIntegerField(null=True)),
                ('correlation', models.CharField(db_collation='C', max_length=255, null=True)),
                ('trigger_id', models.CharField(db_collation='C', max_length=255, null=True)),
                ('trigger_type', models.CharField(db_collation='C', max_length=255, null=True)),
                ('error', models.CharField(max_length=300, null=True)),
            ],
            options={
                'db_table': 'execution',
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(models.OrderBy(models.F('start_date'), descending=True), models.OrderBy(models.F('id'), descending=True), include=('flow_ref', 'state', 'duration_ms'), name='x_time'), models.Index(models.F('flow_ref'), models.OrderBy(models.F('start_date'), descending=True), models.OrderBy(models.F('id'), descending=True), include=('state', 'duration_ms'), name='x_flow'), models.Index(models.F('state'), models.OrderBy(models.F('start_date'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('state', 'SUCCESS'), _negated=True), include=('flow_ref',), name='x_state'), models.Index(condition=models.Q(('correlation__isnull', False)), fields=['correlation', 'start_date'], name='x_correlation'), models.Index(condition=models.Q(('parent_id__isnull', False)), fields=['parent_id', 'start_date'], name='x_parent'), models.Index(condition=models.Q(('parent_run_id__isnull', False), ('told', False)), fields=['parent_run_id'], name='x_waiting_parent'), models.Index(condition=models.Q(('state', 'QUEUED')), fields=['namespace', 'flow_id', 'start_date'], name='x_queued')],
            },
        ),
        migrations.CreateModel(
            name='Flow',
            fields=[
                ('uid', models.AutoField(primary_key=True, serialize=False)),
                ('namespace', models.CharField(db_collation='C', max_length=150)),
                ('flow_id', models.CharField(db_collation='C', max_length=100)),
                ('namespace_ref', models.IntegerField()),
                ('revision', models.IntegerField()),
                ('disabled', models.BooleanField(default=False)),
                ('deleted', models.BooleanField(default=False)),
                ('description', models.TextField(blank=True, default='')),
                ('labels', models.JSONField(default=list)),
                ('source', models.TextField()),
                ('initials', models.CharField(db_collation='C', default='', max_length=100)),
                ('words', django.contrib.postgres.search.SearchVectorField(null=True)),
                ('task_types', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('trigger_ids', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('trigger_types', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('created', models.DateTimeField()),
                ('updated', models.DateTimeField()),
            ],
            options={
                'db_table': 'flow',
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['words'], name='flow_words'), models.Index(fields=['initials'], name='flow_initials')],
                'constraints': [models.UniqueConstraint(fields=('namespace', 'flow_id'), name='flow_namespace_id')],
            },
        ),
        migrations.CreateModel(
            name='LogEntry',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('execution_id', apps.common.models.ShortIdField(null=True)),
                ('task_run_id', apps.common.models.ShortIdField(null=True)),
                ('flow_ref', models.IntegerField()),
                ('ts', models.DateTimeField()),
                ('level', models.SmallIntegerField()),
                ('attempt', models.SmallIntegerField(null=True)),
                ('trigger_id', models.CharField(db_collation='C', max_length=255, null=True)),
                ('message', models.TextField()),
            ],
            options={
                'db_table': 'log',
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(fields=['execution_id', 'id'], name='log_execution'), django.contrib.postgres.indexes.BrinIndex(fields=['ts'], name='log_ts', pages_per_range=32)],
            },
        ),
        migrations.CreateModel(
            name='MetricEntry',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('execution_id', apps.common.models.ShortIdField()),
                ('task_run_id', apps.common.models.ShortIdField()),
                ('flow_ref', models.IntegerField()),
                ('task_id', models.CharField(db_collation='C', max_length=255)),
                ('kind', models.CharField(max_length=10)),
                ('name', models.CharField(db_collation='C', max_length=255)),
                ('value', models.FloatField()),
                ('tags', models.JSONField(default=dict)),
                ('ts', models.DateTimeField()),
            ],
            options={
                'db_table': 'metric',
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(fields=['execution_id', 'id'], name='metric_execution'), models.Index(fields=['flow_ref', 'name', 'ts'], name='metric_flow')],
            },
        ),
        migrations.CreateModel(
            name='TaskRun',
            fields=[
                ('id', apps.common.models.ShortIdField(primary_key=True, serialize=False)),
                ('execution_id', apps.common.models.ShortIdField()),
                ('seq', apps.workflows.models.task_run.IdentityField()),
                ('task_id', models.CharField(db_collation='C', max_length=255)),
                ('state', models.CharField(db_collation='C', max_length=10)),
                ('histories', models.JSONField(default=list)),
                ('attempts', models.JSONField(null=True)),
                ('outputs', models.JSONField(null=True)),
                ('value', models.TextField(null=True)),
                ('iteration', models.IntegerField(null=True)),
                ('parent_id', apps.common.models.ShortIdField(null=True)),
                ('ancestors', django.contrib.postgres.fields.ArrayField(base_field=apps.common.models.ShortIdField(), default=list, size=None)),
                ('branch', models.CharField(db_collation='C', max_length=1)),
                ('lane', models.IntegerField()),
                ('idx', models.IntegerField()),
                ('loop_key', models.BinaryField(default=b'')),
                ('pending', models.BooleanField(default=False)),
                ('token', models.CharField(db_collation='C', max_length=60, null=True)),
                ('nudged_at', models.DateTimeField(null=True)),
                ('cursor', models.JSONField(null=True)),
            ],
            options={
                'db_table': 'task_run',
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(fields=['execution_id', 'seq'], name='task_run_order'), models.Index(fields=['execution_id', 'task_id', 'loop_key'], name='task_run_outputs'), models.Index(condition=models.Q(('pending', True)), fields=['execution_id', 'seq'], name='task_run_pending'), models.Index(condition=models.Q(('state__in', ['CREATED', 'RUNNING', 'PAUSED', 'RESTARTED', 'RETRYING', 'KILLING'])), fields=['execution_id', 'nudged_at'], name='task_run_open'), models.Index(condition=models.Q(('token__isnull', False)), fields=['token'], name='task_run_token')],
                'constraints': [models.UniqueConstraint(django.db.models.functions.comparison.Coalesce('parent_id', 'execution_id'), models.F('branch'), models.F('lane'), models.F('idx'), name='task_run_place')],
            },
        ),
        migrations.CreateModel(
            name='FlowRevision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('revision', models.IntegerField()),
                ('source', models.TextField()),
                ('deleted', models.BooleanField(default=False)),
                ('author_id', models.CharField(blank=True, db_collation='C', default='', max_length=22)),
                ('created', models.DateTimeField()),
                ('flow', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='revisions', to='workflows.flow')),
            ],
            options={
                'db_table': 'flow_revision',
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('flow', 'revision'), name='flow_revision_number')],
            },
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
