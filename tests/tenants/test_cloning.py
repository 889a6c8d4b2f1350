"""A tenant's schema is a copy of a template, and the copy is what migrations would have made."""

import re
from collections import Counter

import pytest
from django.db import connection, transaction

from apps.tenants import provisioning
from apps.tenants.cloning import copy_schema
from apps.tenants.provisioning import (
    drop_old_templates,
    ensure_template,
    migrate_tenants,
    pending_schemas,
    template_schema,
)

DATABASE = pytest.mark.django_db
# Everything PostgreSQL knows of a schema, a line per fact, without numbers of rows and without the schema's name.
FACTS = r"""
WITH s AS (SELECT oid, nspname FROM pg_namespace WHERE nspname = %(schema)s),
c AS (SELECT c.* FROM pg_class c JOIN s ON s.oid = c.relnamespace),
fact AS (
  SELECT format('relation %%s %%s %%s %%s rls=%%s%%s identity=%%s toast=%%s', relkind, relname, relpersistence,
    reloptions, relrowsecurity, relforcerowsecurity, relreplident,
    (SELECT t.reloptions FROM pg_class t WHERE t.oid = c.reltoastrelid)) AS text FROM c
 UNION ALL
  SELECT format('column %%s.%%s %%s %%s null=%%s identity=%%s generated=%%s storage=%%s %%s target=%%s %%s %%s',
    relname, attname, (SELECT count(*) FROM pg_attribute b WHERE b.attrelid = a.attrelid AND b.attnum <= a.attnum
      AND b.attnum > 0 AND NOT b.attisdropped), format_type(atttypid, atttypmod),
    NOT attnotnull, attidentity, attgenerated, attstorage, attcompression, attstattarget, attoptions,
    attcollation::regcollation)
  FROM pg_attribute a JOIN c ON c.oid = attrelid WHERE attnum > 0 AND NOT attisdropped AND relkind <> 'i'
 UNION ALL
  SELECT format('default %%s.%%s %%s', relname, attname, pg_get_expr(adbin, adrelid))
  FROM pg_attrdef d JOIN c ON c.oid = adrelid JOIN pg_attribute a ON a.attrelid = adrelid AND a.attnum = adnum
 UNION ALL
  SELECT format('constraint %%s.%%s %%s %%s %%s %%s', relname, conname, pg_get_constraintdef(n.oid), convalidated,
    condeferrable, condeferred)
  FROM pg_constraint n JOIN c ON c.oid = conrelid
 UNION ALL
  SELECT format('index %%s %%s valid=%%s clustered=%%s', relname, pg_get_indexdef(c.oid), indisvalid, indisclustered)
  FROM pg_index i JOIN c ON c.oid = indexrelid
 UNION ALL
  SELECT format('trigger %%s %%s %%s', relname, pg_get_triggerdef(t.oid), tgenabled)
  FROM pg_trigger t JOIN c ON c.oid = tgrelid WHERE NOT tgisinternal
 UNION ALL
  SELECT 'function ' || pg_get_functiondef(p.oid) FROM pg_proc p JOIN s ON s.oid = pronamespace
 UNION ALL
  SELECT format('sequence %%s %%s %%s %%s %%s %%s %%s last=%%s of %%s', c.relname, seqtypid::regtype, seqstart,
    seqincrement, seqmax, seqcache, seqcycle, (SELECT last_value FROM pg_sequences p
      WHERE p.schemaname = %(schema)s AND sequencename = c.relname),
    (SELECT refobjid::regclass || '.' || refobjsubid FROM pg_depend
      WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype IN ('a', 'i')))
  FROM pg_sequence q JOIN c ON c.oid = seqrelid
 UNION ALL
  SELECT format('comment %%s %%s %%s', pg_describe_object(classoid, objoid, objsubid), objsubid, description)
  FROM pg_description d WHERE objoid IN (SELECT oid FROM c UNION ALL SELECT n.oid FROM pg_constraint n JOIN c ON
    c.oid = conrelid)
 UNION ALL
  SELECT format('type %%s %%s', typname, typtype) FROM pg_type JOIN s ON s.oid = typnamespace WHERE typtype <> 'c'
    AND typelem = 0
 UNION ALL SELECT 'statistics ' || pg_get_statisticsobjdef(x.oid) FROM pg_statistic_ext x JOIN s ON s.oid = stxnamespace
 UNION ALL SELECT format('rule %%s', rulename) FROM pg_rewrite r JOIN c ON c.oid = ev_class
 UNION ALL SELECT format('policy %%s', polname) FROM pg_policy r JOIN c ON c.oid = polrelid
)
SELECT replace(text, %(schema)s, '*') FROM fact
"""
CASTS = re.compile(r"\(+|\)+(\[\])?|::(text|character varying)(\[\])?")
"""`state IN ('A', 'B')` is written back with its casts inside the list once it was read again, as after a dump."""
# What one schema holds on to in another, which a copy would when it took a default or a function over with its schema.
REACHES_INTO = """
SELECT count(*) FROM pg_depend d
JOIN pg_class mine ON mine.oid = d.objid AND d.classid = 'pg_class'::regclass
JOIN pg_class theirs ON theirs.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
WHERE mine.relnamespace = %s::regnamespace AND theirs.relnamespace = %s::regnamespace
"""


def facts(schema: str) -> Counter[str]:
    with connection.cursor() as cursor:
        cursor.execute(f'SET LOCAL search_path = "{schema}", public')
        cursor.execute(FACTS, {"schema": schema})
        found = Counter(CASTS.sub("", text) for (text,) in cursor.fetchall())
        cursor.execute("SET LOCAL search_path = public")
    return found


def rows(schema: str) -> dict[str, list[str]]:
    """The contents of each table that has any; when a migration ran is not one of them."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        for (name,) in cursor.fetchall():
            cursor.execute(f'SELECT (to_jsonb(r) - \'applied\')::text FROM "{schema}"."{name}" r ORDER BY 1')
            if here := [row for (row,) in cursor.fetchall()]:
                found[name] = here
    return found


@DATABASE
def test_a_copied_schema_is_what_migrations_make() -> None:
    ensure_template()
    migrate_tenants(["schema_one"])
    copy_schema(template_schema(), "schema_two")
    made, copied = facts("schema_one"), facts("schema_two")
    assert copied - made == Counter(), "the copy has more"
    assert made - copied == Counter(), "the copy lacks this"
    assert {text.split()[0] for text in made} >= {"relation", "column", "constraint", "index", "trigger", "function"}
    assert rows("schema_two") == rows("schema_one")
    assert pending_schemas(["schema_two"]) == []
    with connection.cursor() as cursor:
        cursor.execute(REACHES_INTO, ["schema_two", template_schema()])
        assert cursor.fetchone() == (0,)


@DATABASE
def test_a_copy_has_what_a_migration_may_make_one_day() -> None:
    """Defaults, unlogged tables, options, comments, generated columns, seeded rows and where their numbers went on."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            CREATE SCHEMA origin; SET LOCAL search_path = origin, public;
            CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
            CREATE UNLOGGED TABLE "Odd name" (
              id bigint GENERATED BY DEFAULT AS IDENTITY (START 7) PRIMARY KEY, "order" int DEFAULT 5
              CHECK ("order" > 0),
              more int GENERATED ALWAYS AS (id * 2) STORED, note text COLLATE "C" NOT NULL
            ) WITH (fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_enabled = false);
            COMMENT ON TABLE "Odd name" IS 'it''s odd: 100%'; COMMENT ON COLUMN "Odd name".note IS 'a note';
            CREATE INDEX half ON "Odd name" (lower(note) text_pattern_ops, "order" DESC) INCLUDE (more)
              WITH (fillfactor = 60) WHERE "order" > 3;
            COMMENT ON INDEX half IS 'an index';
            CREATE UNLOGGED TABLE other (id int PRIMARY KEY, odd bigint REFERENCES "Odd name" ON DELETE CASCADE
              DEFERRABLE INITIALLY DEFERRED, UNIQUE NULLS NOT DISTINCT (odd));
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no: %', TG_OP; END $$;
            CREATE TRIGGER never BEFORE INSERT ON other FOR EACH ROW WHEN (NEW.id > 100) EXECUTE FUNCTION refuse();
            INSERT INTO "Odd name" (note) VALUES ('one'), ('two'); INSERT INTO other VALUES (1, 8);
            """
        )
    copy_schema("origin", "copy")
    assert facts("copy") == facts("origin")
    assert rows("copy") == rows("origin")
    with connection.cursor() as cursor:
        cursor.execute('INSERT INTO "copy"."Odd name" (note) VALUES (%s) RETURNING id', ["three"])
        assert cursor.fetchone() == (9,), "numbers go on behind the rows that were copied"


@DATABASE
def test_a_schema_that_is_not_there_is_not_copied() -> None:
    with pytest.raises(LookupError, match="no schema 'nowhere' to copy"), transaction.atomic():
        copy_schema("nowhere", "copy")


@DATABASE
def test_another_set_of_migrations_is_another_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a copy never lacks a migration, nor has one that this version does not know."""
    ensure_template()
    assert ensure_template() is False, "it is there"
    now = template_schema()
    with monkeypatch.context() as older:
        older.setattr(provisioning, "_migrations", lambda: (("tenants", "0001_initial"),))
        template_schema.cache_clear()
        assert template_schema() != now
    template_schema.cache_clear()
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA template_older")
    assert drop_old_templates() == ["template_older"]
    assert pending_schemas([now]) == []
