"""Entries know their transaction; seals, checkpoints and the head of the chain; triggers that refuse changes."""

from django.db import migrations, models

import apps.common.models

GUARDED = ("audit_auditentry", "audit_auditseal", "audit_auditcheckpoint")

# A delete passes only in a transaction that has written a checkpoint: the purge. The functions lie in the schema of
# their tables, so that a dump of one tenant is whole.
CREATE = """
ALTER TABLE audit_auditentry ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX audit_order ON audit_auditentry (xid, id);
ALTER TABLE audit_auditcheckpoint ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();

CREATE FUNCTION audit_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.xid := pg_current_xact_id();
  RETURN NEW;
END $$;

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE purging boolean := false;
BEGIN
  IF TG_OP = 'DELETE' THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.audit_auditcheckpoint WHERE xid = pg_current_xact_id())',
                   TG_TABLE_SCHEMA) INTO purging;
  END IF;
  IF NOT purging THEN
    RAISE EXCEPTION 'The audit log is append-only: % of %.% is refused.', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
      USING ERRCODE = 'insufficient_privilege', HINT = 'Old entries go by the retention of the tenant.';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER audit_stamp BEFORE INSERT ON audit_auditentry FOR EACH ROW EXECUTE FUNCTION audit_stamp();
CREATE TRIGGER audit_stamp BEFORE INSERT ON audit_auditcheckpoint FOR EACH ROW EXECUTE FUNCTION audit_stamp();
""" + "".join(
    f"CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();\n"
    for table in GUARDED
)
UNDO = """
DROP FUNCTION audit_refuse() CASCADE;
DROP FUNCTION audit_stamp() CASCADE;
ALTER TABLE audit_auditentry DROP COLUMN xid;
ALTER TABLE audit_auditcheckpoint DROP COLUMN xid;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [
        migrations.AlterModelOptions(
            name="auditentry", options={"ordering": ("-id",), "verbose_name_plural": "audit entries"}
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="type",
            field=models.CharField(
                choices=[
                    ("CREATE", "Create"),
                    ("READ", "Read"),
                    ("UPDATE", "Update"),
                    ("DELETE", "Delete"),
                    ("LOGIN", "Login"),
                    ("LOGOUT", "Logout"),
                    ("IMPERSONATE", "Impersonate"),
                    ("EXPORT", "Export"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="auditentry", name="means", field=models.CharField(default="system", max_length=12)
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("sealed_at", models.DateTimeField()),
                ("first_id", apps.common.models.ShortIdField()),
                ("last_id", apps.common.models.ShortIdField()),
                ("count", models.IntegerField()),
                ("leaves", models.BinaryField()),
                ("root", models.CharField(max_length=64)),
                ("previous", models.CharField(max_length=64)),
                ("upto_xid", models.BigIntegerField()),
                ("upto_id", apps.common.models.ShortIdField()),
                ("hash", models.CharField(max_length=64)),
                ("key_id", models.CharField(max_length=16)),
                ("signature", models.CharField(max_length=64)),
            ],
            options={"ordering": ("-number",)},
        ),
        migrations.CreateModel(
            name="AuditCheckpoint",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("hash", models.CharField(max_length=64)),
                ("purged", models.BigIntegerField()),
                ("made_at", models.DateTimeField()),
                ("key_id", models.CharField(max_length=16)),
                ("signature", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
                ("hash", models.CharField(max_length=64)),
                ("key_id", models.CharField(max_length=16)),
                ("signature", models.CharField(max_length=64)),
            ],
        ),
        migrations.RunSQL(CREATE, UNDO),
    ]
