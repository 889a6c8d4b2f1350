"""The tenants of a person."""

from apps.accounts.models import User
from apps.rbac.selectors import tenants_with_access
from apps.tenants.models import Tenant


def tenants_of(user: User) -> list[Tenant]:
    """The tenants the person may enter, by id; a super admin enters all. One query."""
    if user.is_super_admin:
        return list(Tenant.objects.filter(deleted_at=None).order_by("id"))
    return list(tenants_with_access(user))
