"""Sign-in, tenant switch, permission check and new tenants among 100,000 people and 1,000 tenants.

On a PostgreSQL of its own, with Django in this process: figures are the database's own time for the statements of one
action, and the wall time where it says so. The thousand tenants are rows; two of them have a schema, since a look-up
never asks more than one: what the other schemas would cost is the catalog's size, which this does not show.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any, Final

from tests.bench.figures import Figure

PEOPLE: Final = 100_000
TENANTS: Final = 1_000
ROUNDS: Final = 200
MEMBERS: Final = 20_000
"""People with access to the tenant that is measured, half of them through groups."""


def main() -> int:
    """Builds the world, measures, and prints a line for each figure."""
    from kestra_ee.launcher.postgres import temporary_postgres

    with temporary_postgres() as server:
        os.environ["DATABASE_URL"] = server.url("kestra")
        os.environ["DJANGO_SETTINGS_MODULE"] = "kestra_ee.settings"
        os.environ.setdefault("KESTRA_EE_LOG_LEVEL", "ERROR")
        import django

        django.setup()
        from django.db import connection

        try:
            _create_database(server.url("postgres"))
            for figure in _measure():
                print(f"{figure.name:<68}{figure.value:>10,.3f} {figure.unit}", flush=True)
        finally:
            connection.close()
    return 0


def _create_database(url: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as admin:
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = 'kestra'").fetchone() is None:
            admin.execute("CREATE DATABASE kestra")


def _measure() -> list[Figure]:
    from django.db import connection

    from apps.accounts.models import User
    from apps.accounts.selectors import find_user
    from apps.common.current_tenant import opened_schema
    from apps.console.selectors import tenants_of
    from apps.instance.services.tenants import create_tenant
    from apps.rbac.decisions import can, forget_grants
    from apps.tenants.provisioning import ensure_template, migrate_shared
    from apps.tenants.selectors import forget_tenant, get_open_tenant

    migrate_shared()
    began = time.perf_counter()
    ensure_template()
    built = time.perf_counter() - began
    made, busy = [], []
    for number in range(4):
        began, worked = time.perf_counter(), time.process_time()
        create_tenant(acting_user=None, tenant_id=f"real-{number}")
        made.append(time.perf_counter() - began)
        busy.append(time.process_time() - worked)
    _fill(connection)
    person = User.objects.get(username="person-50000@example.com")
    figures = [
        Figure("build the template by migrations, once per version, wall", built, "s"),
        Figure("create a tenant from the template, wall, median of 4", statistics.median(made), "s"),
        Figure("… of it this process's own work, without the server's", statistics.median(busy), "s"),
        Figure("sign-in: find the person among 100,000", _database(lambda: find_user(person.username)), "ms"),
        Figure("session: the person by id", _database(lambda: User.objects.get(pk=person.pk)), "ms"),
    ]

    def switch() -> None:
        forget_tenant("real-0")
        get_open_tenant("real-0")

    figures.append(Figure("tenant switch: find the tenant among 1,000", _database(switch), "ms"))
    with opened_schema("t_real-0"):

        def check() -> None:
            forget_grants(person)
            assert can(person, "FLOW", "READ", "company.data")

        figures.append(Figure("permission check, first of a request, 20,000 members", _database(check), "ms"))
    try:
        listed = _database(lambda: tenants_of(person), rounds=20)
        figures.append(Figure("list of one's own tenants (rows without schema left out)", listed, "ms"))
    except Exception as error:
        print(f"The list of one's own tenants asks every schema, and {TENANTS} of them are rows only: {error!s:.80}")

    def query() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def switched() -> None:
        with opened_schema("t_real-0"):
            query()

    query()
    plain = statistics.median(_wall(query) for _ in range(2000))
    turned = statistics.median(_wall(switched) for _ in range(2000))
    figures.append(Figure("overhead of the schema switch, there and back, wall", turned - plain, "ms"))
    return figures


def _fill(connection: Any) -> None:
    """In bulk: people, tenant rows, and members of one tenant, bound half by themselves and half through groups."""
    from apps.accounts.models import User
    from apps.tenants.models import Tenant

    for start in range(1, PEOPLE + 1, 5000):
        User.objects.bulk_create(
            User(username=f"person-{number}@example.com", password="!") for number in range(start, start + 5000)
        )
    Tenant.objects.bulk_create(
        Tenant(id=f"t{number}", schema_name=f"t_t{number}", name=f"Tenant {number}") for number in range(TENANTS)
    )
    with connection.cursor() as cursor:
        role = "(SELECT id FROM \"t_real-0\".rbac_role WHERE name = 'Editor')"
        cursor.execute(
            'INSERT INTO "t_real-0".rbac_binding (id, type, external_id, role_id, namespace)'
            f" SELECT gen_random_uuid(), 'USER', id, {role}, 'company.data' FROM accounts_user"
            " WHERE username = 'person-50000@example.com' OR id IN (SELECT id FROM accounts_user ORDER BY id LIMIT %s)",
            [MEMBERS // 2],
        )
        cursor.execute(
            'INSERT INTO "t_real-0".rbac_group (id, created, updated, name, description, external_id, provider)'
            " SELECT gen_random_uuid(), now(), now(), 'group ' || n, '', '', '' FROM generate_series(1, 100) n"
        )
        cursor.execute(
            'INSERT INTO "t_real-0".rbac_groupmember (group_id, user_id, membership)'
            " SELECT g.id, u.id, 'MEMBER' FROM \"t_real-0\".rbac_group g CROSS JOIN LATERAL"
            " (SELECT id FROM accounts_user ORDER BY id DESC LIMIT %s) u",
            [MEMBERS // 200],
        )
        cursor.execute("ANALYZE")


def _database(action: Callable[[], object], *, rounds: int = ROUNDS) -> float:
    """Median time of all statements of one action, as the driver sees it (network of the machine included)."""
    from django.db import connection

    spent: list[float] = []

    def timed(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            spent[-1] += (time.perf_counter() - began) * 1000

    with connection.execute_wrapper(timed):
        for _ in range(rounds):
            spent.append(0.0)
            action()
    return statistics.median(spent)


def _wall(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000
