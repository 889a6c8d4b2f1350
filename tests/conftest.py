"""Two tenants, three people, a frozen clock, an API client; and the PostgreSQL they live in."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
import time_machine
from django.conf import settings
from django.db import connection, connections
from django.test.utils import setup_databases, teardown_databases
from pytest_django import DjangoDbBlocker

from apps.accounts.authentication import remembered, verified_passwords
from apps.accounts.models import User
from apps.namespaces.selectors import inherited_cache
from apps.secrets.services import secret_cache
from apps.tenants.models import Tenant
from apps.tenants.scope import tenant_scope
from apps.tenants.selectors import forget_tenant
from kestra_ee.launcher.postgres import temporary_postgres
from kestra_ee.settings import database_from_url
from tests.support.api_client import ApiClient
from tests.support.inline_dispatcher import InlineDispatcher, Jobs
from tests.support.whole_flows import flows, own_storage  # noqa: F401 - fixtures
from tests.support.world import ALPHA, BETA, build_world, person

PURE = ("tests/workflows/engine", "tests/workflows/expressions", "tests/workflows/flow_language")
SERVER = pytest.StashKey[ExitStack]()
ADDRESS = pytest.StashKey[str]()
KEPT_TABLES = ("django_migrations", "rbac_%")


# The server: started once, by the process that began the run, and only when a test wants it


def pytest_configure(config: pytest.Config) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.KESTRA_DISPATCHER = "tests.support.inline_dispatcher.InlineDispatcher"
    settings.KESTRA_DEFAULT_TENANT = ALPHA
    settings.KESTRA_UNMARKED_ROUTE_IS_ERROR = True
    # each client loads the middleware, and this one then looks through all static files
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.startswith("whitenoise.")]
    config.stash[SERVER] = ExitStack()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[SERVER].close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """xdist: the workers get the address of the controller's server."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    if not all(argument.startswith(PURE) for argument in config.args):
        node.workerinput["database_url"] = _address(config)  # type: ignore[attr-defined]


def _address(config: pytest.Config) -> str:
    if given := os.environ.get("DATABASE_URL") or getattr(config, "workerinput", {}).get("database_url"):
        return str(given)
    if ADDRESS not in config.stash:
        server = config.stash[SERVER].enter_context(temporary_postgres())
        config.stash[ADDRESS] = server.url("kestra")
    return config.stash[ADDRESS]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    """Points Django to the server, one database per xdist worker."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "")
    target = connections.settings["default"]
    where = database_from_url(_address(request.config))
    target |= {key: where[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    target["TEST"] |= {"NAME": f"test_{where['NAME']}{'_' if worker else ''}{worker}"}
    target["OPTIONS"] |= where["OPTIONS"]


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    django_db_keepdb: bool,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """Migrations and the world, once per worker."""
    with django_db_blocker.unblock():
        made = setup_databases(
            verbosity=0, interactive=False, aliases={"default": None}, keepdb=django_db_keepdb, serialized_aliases=set()
        )
        build_world()
    yield
    with django_db_blocker.unblock():
        connection.close()
        if not django_db_keepdb:
            teardown_databases(made, verbosity=0)


@pytest.fixture(autouse=True)
def _nothing_left_over() -> None:
    """What this process remembers between requests belongs to the test before."""
    InlineDispatcher.sent.clear()
    verified_passwords.forget_all()
    remembered.forget_all()
    secret_cache.forget_all()
    inherited_cache.forget_all()
    for tenant_id in (ALPHA, BETA):
        forget_tenant(tenant_id)


# Tenants


@pytest.fixture
def alpha(db: None) -> Tenant:
    """Alice's and Bob's tenant; its schema is not open."""
    return Tenant.objects.get(pk=ALPHA)


@pytest.fixture
def beta(db: None) -> Tenant:
    """Charlie's tenant; its schema is not open."""
    return Tenant.objects.get(pk=BETA)


@pytest.fixture
def in_alpha(alpha: Tenant) -> Iterator[Tenant]:
    """The test runs with alpha's schema open."""
    with tenant_scope(alpha.pk):
        yield alpha


@pytest.fixture
def committed_alpha(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """For tests that need real commits (several connections, locks): alpha's schema is open without a transaction.

    Afterwards all that alpha, the timers and the live events hold is deleted, but for roles and bindings.
    """
    with django_db_blocker.unblock(), tenant_scope(ALPHA):
        try:
            yield ALPHA
        finally:
            _empty_tables("t_" + ALPHA)
            _empty_tables("public", only=("timer%", "live_%", "service_%"))
            connection.run_on_commit.clear()


def _empty_tables(schema: str, *, only: tuple[str, ...] = ("%",)) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename LIKE ANY(%s)"
            " AND NOT tablename LIKE ANY(%s)",
            [schema, list(only), list(KEPT_TABLES)],
        )
        if tables := [f'"{schema}"."{name}"' for (name,) in cursor.fetchall()]:
            # the audit log refuses to be emptied; in this role its triggers sleep
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
            cursor.execute("SET session_replication_role = origin")


# People


@pytest.fixture
def alice(db: None) -> User:
    """Admin of alpha."""
    return person("alice")


@pytest.fixture
def bob(db: None) -> User:
    """Viewer of company.team in alpha."""
    return person("bob")


@pytest.fixture
def charlie(db: None) -> User:
    """Admin of beta, a stranger in alpha."""
    return person("charlie")


# Clock, API, background


@pytest.fixture
def frozen_clock() -> Iterator[time_machine.Traveller]:
    """It is Thursday, 15 January 2026, 10:00 UTC, until the test moves it."""
    with time_machine.travel(datetime(2026, 1, 15, 10, 0, tzinfo=UTC), tick=False) as clock:
        yield clock


@pytest.fixture
def api(db: None) -> Callable[..., ApiClient]:
    """`api(alice).get("/flows/search")`; `api()` is nobody; `api(charlie, tenant="beta")`."""
    return ApiClient


@pytest.fixture
def jobs() -> Jobs:
    """What was sent to the background, and running it."""
    return Jobs()
