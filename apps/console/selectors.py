"""What the pages around the apps read."""

from apps.accounts.models import User
from apps.rbac.selectors import tenants_with_access
from apps.tenants.models import Tenant


def tenants_of(user: User) -> list[Tenant]:
    """The tenants the person may enter, by id; a super admin enters all. Two queries."""
    tenants = list(Tenant.objects.order_by("id"))
    if user.is_super_admin:
        return tenants
    allowed = set(tenants_with_access(user, [tenant.pk for tenant in tenants]))
    return [tenant for tenant in tenants if tenant.pk in allowed]
