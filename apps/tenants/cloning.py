"""Copies a schema within the database: in the order of a dump, so that a copy has what the original has.

What no migration of ours makes is not copied (views, types, partitions, policies); the test that compares a copied
schema with a migrated one fails when a migration begins to.
"""

from typing import Final

from django.db import connection
from psycopg.sql import SQL, Identifier

_PATH: Final = "SELECT set_config('search_path', %s, false)"
# Definitions leave out the schema of what the search path finds: they are read with one path, carried out with another.
_STATEMENTS: Final = """
WITH source AS (SELECT oid, nspname, quote_ident(nspname) AS name FROM pg_namespace WHERE nspname = %s),
relation AS (
  SELECT c.*, quote_ident(c.relname) AS name, s.name || '.' || quote_ident(c.relname) AS original, s.nspname
  FROM pg_class c JOIN source s ON s.oid = c.relnamespace),
part AS (
  SELECT 1 AS step, p.proname AS place, regexp_replace(pg_get_functiondef(p.oid), s.name || '\\.', '') AS statement
  FROM pg_proc p JOIN source s ON s.oid = p.pronamespace
 UNION ALL
  SELECT 2, relname, format('CREATE %%s TABLE %%s (LIKE %%s INCLUDING ALL EXCLUDING INDEXES)%%s',
    CASE relpersistence WHEN 'u' THEN 'UNLOGGED' END, name, original, ' WITH (' || (
      SELECT string_agg(option, ', ') FROM (
        SELECT unnest(r.reloptions) AS option
        UNION ALL SELECT 'toast.' || unnest(t.reloptions) FROM pg_class t WHERE t.oid = r.reltoastrelid) AS options
    ) || ')')
  FROM relation r WHERE relkind = 'r'
 UNION ALL
  SELECT 3, attname, format('ALTER TABLE %%s ALTER COLUMN %%I SET STATISTICS %%s', name, attname, attstattarget)
  FROM pg_attribute JOIN relation r ON r.oid = attrelid
  WHERE relkind = 'r' AND attnum > 0 AND NOT attisdropped AND attstattarget >= 0
 UNION ALL
  SELECT 3, sequencename, format('ALTER SEQUENCE %%I AS %%s', sequencename, data_type)
  FROM pg_sequences JOIN source ON schemaname = nspname WHERE data_type <> 'bigint'::regtype
 UNION ALL
  SELECT 3, relname, format('INSERT INTO %%s (%%s) OVERRIDING SYSTEM VALUE SELECT %%2$s FROM %%3$s', name, (
      SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
      WHERE attrelid = r.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''), original)
  FROM relation r WHERE relkind = 'r'
 UNION ALL
  SELECT 4, sequencename, format('SELECT setval(%%L, %%s)', quote_ident(sequencename), last_value)
  FROM pg_sequences JOIN source ON schemaname = nspname WHERE last_value IS NOT NULL
 UNION ALL
  SELECT CASE contype WHEN 'f' THEN 7 ELSE 5 END, conname,
    format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', r.name, conname, pg_get_constraintdef(c.oid, true))
  FROM pg_constraint c JOIN relation r ON r.oid = c.conrelid WHERE contype IN ('p', 'u', 'x', 'f')
 UNION ALL
  SELECT 6, r.relname, pg_get_indexdef(r.oid, 0, true) FROM relation r
  WHERE relkind = 'i' AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = r.oid AND c.conrelid <> 0
    AND contype IN ('p', 'u', 'x'))
 UNION ALL
  SELECT 8, tgname, pg_get_triggerdef(t.oid, true) FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid
  WHERE NOT tgisinternal
 UNION ALL
  SELECT 9, relname, format('COMMENT ON %%s %%s IS %%L', CASE relkind WHEN 'i' THEN 'INDEX' ELSE 'TABLE' END, name,
    obj_description(oid, 'pg_class'))
  FROM relation WHERE relkind IN ('r', 'i') AND obj_description(oid, 'pg_class') IS NOT NULL
)
SELECT statement FROM part ORDER BY step, place
"""


def copy_schema(source: str, target: str) -> None:
    """Make the schema `target` with all that `source` holds, rows too: some hundred milliseconds, mostly for indexes.

    In the caller's transaction, so that a schema half made is never seen. Whatever was open is open again after it.
    Raises LookupError when there is no such schema.
    """
    with connection.cursor() as cursor:
        connection.search_path_set_schemas = None  # type: ignore[attr-defined]  # set anew for the next cursor
        cursor.execute(SQL("CREATE SCHEMA {}").format(Identifier(target)))
        cursor.execute(_PATH, [SQL("{}, public").format(Identifier(source)).as_string()])
        cursor.execute(_STATEMENTS, [source])
        statements = [statement for (statement,) in cursor.fetchall()]
        if not statements:
            raise LookupError(f"There is no schema '{source}' to copy.")
        cursor.execute(_PATH, [SQL("{}, public").format(Identifier(target)).as_string()])
        cursor.execute(SQL("; ".join(statements)))
