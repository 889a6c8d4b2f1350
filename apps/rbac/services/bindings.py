"""Writes of bindings and of access to the tenant."""

from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.audit.services import record
from apps.common.current_tenant import require_tenant
from apps.common.errors import Forbidden, IllegalState, Invalid, Problem
from apps.common.namespace_paths import is_namespace
from apps.rbac.decisions import EVERYWHERE, check_delegated
from apps.rbac.models import Binding, BindingType, GroupMember, Role, TenantAccess
from apps.rbac.services.last_admin import keeping_an_admin
from apps.rbac.services.roles import check_may_grant


def create_binding(
    *, acting_user: User | None, subject: BindingType, subject_id: str, role: Role, namespace: str | None = None
) -> Binding:
    """Gives the role; `namespace` None is the whole tenant. acting_user None is the set-up.

    Who holds BINDING CREATE in a namespace gives there what he holds there, and nothing else. The caller has checked
    that the user or group exists. Raises Invalid, Forbidden, IllegalState when it is there.
    """
    if namespace is not None and not is_namespace(namespace):
        raise Invalid(problems=[Problem(f"'{namespace[:60]}' is no namespace.", "namespaceId")])
    if acting_user is not None:
        check_delegated(acting_user, "BINDING", "CREATE", namespace or EVERYWHERE)
    check_may_grant(acting_user, role.permissions, namespace)
    binding = Binding(type=subject, external_id=subject_id, role=role, namespace=namespace)
    with transaction.atomic():
        try:
            with transaction.atomic():
                binding.save(force_insert=True)
        except IntegrityError as error:
            raise IllegalState("There is already such a binding.") from error
        record(acting_user=acting_user, action="CREATE", resource="Binding", detail=_detail(binding))
    return binding


def delete_binding(*, acting_user: User | None, binding: Binding) -> None:
    """Takes the role away. Raises Forbidden when the person could not give it, IllegalState for the last Admin."""
    if acting_user is not None:
        check_delegated(acting_user, "BINDING", "DELETE", binding.namespace or EVERYWHERE)
    check_may_grant(acting_user, binding.role.permissions, binding.namespace)
    with keeping_an_admin(acting_user):
        detail = _detail(binding)
        binding.delete()
        record(acting_user=acting_user, action="DELETE", resource="Binding", detail=detail)


def add_access(*, acting_user: User | None, user: User) -> None:
    """The person may enter the tenant, with no rights yet. Raises Forbidden for a service account of another tenant."""
    check_belongs_here(acting_user, user)
    with transaction.atomic():
        _, made = TenantAccess.objects.get_or_create(pk=user.pk)
        if made:
            record(
                acting_user=acting_user,
                action="CREATE",
                resource="TenantAccess",
                detail={"id": user.id, "username": user.username},
            )


def remove_access(*, acting_user: User | None, user: User) -> None:
    """Everything that ties the person to the tenant: bindings, groups, access. Raises IllegalState for the last
    Admin."""
    with keeping_an_admin(acting_user):
        Binding.objects.filter(type=BindingType.USER, external_id=user.pk).delete()
        GroupMember.objects.filter(user_id=user.pk).delete()
        TenantAccess.objects.filter(pk=user.pk).delete()
        record(
            acting_user=acting_user,
            action="DELETE",
            resource="TenantAccess",
            detail={"id": user.id, "username": user.username},
        )


def check_belongs_here(acting_user: User | None, user: User) -> None:
    """A service account is managed by the admins of its tenant, who could read its tokens: so it gets rights in no
    other one, unless a super admin gives them. Raises Forbidden."""
    if acting_user is None or acting_user.is_super_admin:
        return
    if user.is_service_account and user.home_tenant != require_tenant("Access"):
        raise Forbidden(f"{user.username} belongs to another tenant.")


def _detail(binding: Binding) -> dict[str, object]:
    return {
        "id": binding.id,
        "type": binding.type,
        "externalId": binding.external_id,
        "roleId": binding.role_id,
        "role": binding.role.name,
        "namespace": binding.namespace,
    }
