"""`manage.py bootstrap`: everything a start needs, in one process; quick when nothing is to do."""

import json
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.instance.services.setup import ensure_first_admin, ensure_periodic_jobs
from apps.instance.services.tenants import create_tenant
from apps.rbac.services.roles import ensure_managed_roles
from apps.tenants.models import Tenant
from apps.tenants.provisioning import (
    drop_old_templates,
    ensure_template,
    migrate_shared,
    migrate_tenants,
    pending_schemas,
    session_lock,
)
from apps.tenants.scope import tenant_scope

LOCK: Final = 4_816_231
"""Any number that no other advisory lock of the product has."""


class Command(BaseCommand):
    """May be run at every start and by several machines at once."""

    help = "Migrates, makes the default tenant and the first administrator, and prints what there is as one JSON line."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        with session_lock(LOCK):  # other machines wait
            answer = self._bootstrap(options["verbosity"])
        self.stdout.write(json.dumps(answer))

    def _bootstrap(self, verbosity: int) -> dict[str, object]:
        migrate_shared(verbosity=verbosity)
        ensure_template(verbosity=verbosity)
        drop_old_templates()
        tenant_id = settings.KESTRA_DEFAULT_TENANT
        tenants = {tenant.pk: tenant.schema_name for tenant in Tenant.objects.all()}
        created_tenant = tenant_id not in tenants
        if created_tenant:
            create_tenant(acting_user=None, tenant_id=tenant_id)
        pending = set(pending_schemas(tenants.values()))
        for name, schema in tenants.items():
            if schema in pending:
                migrate_tenants([schema], verbosity=verbosity)
            with tenant_scope(name):
                ensure_managed_roles()
        ensure_periodic_jobs()
        email, password = settings.KESTRA_ADMIN_EMAIL, settings.KESTRA_ADMIN_PASSWORD
        if settings.KESTRA_SETUP == "page":
            email = password = ""
        admin, created_admin = ensure_first_admin(email=email, password=password, tenant_id=tenant_id)
        return {
            "tenant": tenant_id,
            "created_tenant": created_tenant,
            "admin": None if admin is None else admin.username,
            "created_admin": created_admin,
        }
