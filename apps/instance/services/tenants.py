"""Makes, changes and deletes tenants."""

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import User
from apps.audit.services import record
from apps.common.errors import IllegalState, Invalid, Problem
from apps.instance.services.deletion import take_away
from apps.isolation.models import WHOLE_TENANT
from apps.isolation.schemas import IsolationFields
from apps.isolation.services import clear_choice, save_choice
from apps.rbac.models import Binding, BindingType
from apps.rbac.selectors import get_admin_role
from apps.rbac.services.bindings import create_binding
from apps.rbac.services.roles import ensure_managed_roles
from apps.tenants.models import Tenant
from apps.tenants.provisioning import create_tenant_row, ensure_template
from apps.tenants.scope import public_scope, tenant_scope


def create_tenant(*, acting_user: User | None, tenant_id: str, name: str = "", admin: User | None = None) -> Tenant:
    """The tenant with schema, managed roles and its first Admin: `admin`, else the creator, unless that is a super
    admin, who binds himself explicitly. All of it or nothing; some hundred milliseconds, for a copied schema.

    Raises Invalid for a bad id, IllegalState for one that is taken.
    """
    if Tenant.objects.filter(pk=tenant_id).exists():
        raise IllegalState(f"There is already a tenant '{tenant_id}'.")
    ensure_template()
    with transaction.atomic():
        tenant = _new_row(tenant_id, name)
        with tenant_scope(tenant_id):
            ensure_managed_roles()
            first = admin or (acting_user if acting_user is not None and not acting_user.is_super_admin else None)
            if first is not None:
                make_admin(user=first)
        with public_scope():
            record(
                acting_user=acting_user,
                action="CREATE",
                resource="Tenant",
                detail={"id": tenant_id, "name": tenant.name},
            )
    return tenant


def _new_row(tenant_id: str, name: str) -> Tenant:
    try:
        return create_tenant_row(tenant_id=tenant_id, name=name or tenant_id)
    except ValidationError as error:
        raise Invalid(
            problems=[Problem(text, field) for field, texts in error.message_dict.items() for text in texts]
        ) from error


def choose_tenant_backends(*, acting_user: User, tenant: Tenant, body: IsolationFields) -> None:
    """The storage and secret backend of a tenant, as far as the body names them; errors of `save_choice`."""
    with tenant_scope(tenant.pk):
        for kind, type_name, configuration in body.given():
            if type_name is None:
                clear_choice(acting_user=acting_user, kind=kind, namespace=WHOLE_TENANT)
            else:
                save_choice(
                    acting_user=acting_user,
                    kind=kind,
                    namespace=WHOLE_TENANT,
                    type_name=type_name,
                    configuration=configuration,
                )


def delete_tenant(*, acting_user: User | None, tenant: Tenant) -> None:
    """At once and in place: for a tenant that was made a moment ago and that nobody has entered. Others are marked
    (services/deletion.py). Raises StorageFailed with the tenant still there.
    """
    take_away(tenant)
    with public_scope():
        record(acting_user=acting_user, action="DELETE", resource="Tenant", detail={"id": tenant.pk})


def make_admin(*, user: User) -> None:
    """Binds the Admin role of the open tenant, unless it is bound. The product does it, so nobody must have it."""
    role = get_admin_role()
    bound = Binding.objects.filter(type=BindingType.USER, external_id=user.pk, role=role, namespace=None)
    if not bound.exists():
        create_binding(acting_user=None, subject=BindingType.USER, subject_id=user.pk, role=role)
