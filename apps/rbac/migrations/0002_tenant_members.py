"""Triggers keep public's index of who may enter which tenant, and this fills it with whom the schema knows already."""

from django.db import migrations

# The row of the index is locked before the tables are asked, so that of two who write at the same time the second sees
# what the first did. The function lies in the schema of its tables, like those of the audit log.
CREATE = """
CREATE FUNCTION rbac_entered(person uuid, home text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.tenants_tenantmember AS held (tenant_id, user_id)
  SELECT t.id, u.id FROM public.tenants_tenant t, public.accounts_user u WHERE t.schema_name = home AND u.id = person
  ON CONFLICT (user_id, tenant_id) DO UPDATE SET user_id = held.user_id;
END $$;

CREATE FUNCTION rbac_left(person uuid, home text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  place bigint;
  known boolean;
BEGIN
  SELECT m.id INTO place FROM public.tenants_tenantmember m JOIN public.tenants_tenant t ON t.id = m.tenant_id
  WHERE t.schema_name = home AND m.user_id = person FOR UPDATE OF m;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  EXECUTE format(
    'SELECT EXISTS (SELECT FROM %1$I.rbac_binding WHERE type = ''USER'' AND external_id = $1)'
    ' OR EXISTS (SELECT FROM %1$I.rbac_groupmember WHERE user_id = $1)'
    ' OR EXISTS (SELECT FROM %1$I.rbac_tenantaccess WHERE user_id = $1)', home) INTO known USING person;
  IF NOT known THEN
    DELETE FROM public.tenants_tenantmember WHERE id = place;
  END IF;
END $$;

CREATE FUNCTION rbac_members() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  of_person text := TG_ARGV[0];
BEGIN
  IF TG_OP <> 'INSERT' AND (to_jsonb(OLD) ->> 'type') IS DISTINCT FROM 'GROUP' THEN
    EXECUTE format('SELECT %I.rbac_left($1, $2)', TG_TABLE_SCHEMA)
      USING (to_jsonb(OLD) ->> of_person)::uuid, TG_TABLE_SCHEMA::text;
  END IF;
  IF TG_OP <> 'DELETE' AND (to_jsonb(NEW) ->> 'type') IS DISTINCT FROM 'GROUP' THEN
    EXECUTE format('SELECT %I.rbac_entered($1, $2)', TG_TABLE_SCHEMA)
      USING (to_jsonb(NEW) ->> of_person)::uuid, TG_TABLE_SCHEMA::text;
  END IF;
  RETURN NULL;
END $$;
""" + "".join(
    f"CREATE TRIGGER rbac_members AFTER INSERT OR DELETE OR UPDATE OF {column} ON {table}"
    f" FOR EACH ROW EXECUTE FUNCTION rbac_members('{column}');\n"
    for table, column in (("rbac_binding", "external_id"), ("rbac_groupmember", "user_id"), ("rbac_tenantaccess", "user_id"))
) + """
INSERT INTO public.tenants_tenantmember (tenant_id, user_id)
SELECT t.id, u.id FROM public.tenants_tenant t, public.accounts_user u
WHERE t.schema_name = current_schema() AND u.id IN (
  SELECT external_id FROM rbac_binding WHERE type = 'USER'
  UNION SELECT user_id FROM rbac_groupmember UNION SELECT user_id FROM rbac_tenantaccess)
ON CONFLICT DO NOTHING;
"""
UNDO = """
DROP FUNCTION rbac_members() CASCADE;
DROP FUNCTION rbac_left(uuid, text);
DROP FUNCTION rbac_entered(uuid, text);
"""


class Migration(migrations.Migration):
    dependencies = [("rbac", "0001_initial"), ("tenants", "0003_members")]
    operations = [migrations.RunSQL(CREATE, UNDO)]
