"""Who a provider's identity is here: found, joined or made; default roles of a new person, groups by the mapping."""

from collections.abc import Iterable
from typing import Final

import structlog
from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, connection, transaction
from psycopg.sql import SQL, Identifier, Literal

from apps.accounts.models import IdentityProvider, User, UserType
from apps.accounts.selectors import find_user
from apps.accounts.services.people import create_user
from apps.accounts.sign_in.identity import Identity, SignInRefused
from apps.audit.services import record
from apps.common.current_tenant import schema_of
from apps.rbac.models import Binding, BindingType, Group, GroupMember, Membership, Role
from apps.tenants.models import Tenant
from apps.tenants.scope import UnknownTenant, public_scope, tenant_scope

log = structlog.get_logger(__name__)
OAUTH_WAY: Final = "OAUTH"
_HAS_DEFAULT: Final = SQL("SELECT {tenant} WHERE EXISTS (SELECT FROM {schema}.rbac_role WHERE is_default)")


def enter_by_identity(*, provider: IdentityProvider, identity: Identity) -> User:
    """The person, made at the first sign-in; groups follow the claim at each.

    An account that has the e-mail already is joined only when the provider has verified it. Raises SignInRefused for
    an identity without usable e-mail, and for an account that is switched off or no person's.
    """
    with public_scope(), transaction.atomic():
        account = SocialAccount.objects.select_related("user").filter(provider=provider.name, uid=identity.subject)
        known = account.first()
        user = known.user if known is not None else _join_or_make(provider, identity)
        if not user.is_active:
            raise SignInRefused("This account is switched off: ask an administrator.")
        _follow_groups(provider, identity, user)
    return user


def _join_or_make(provider: IdentityProvider, identity: Identity) -> User:
    if not identity.email:
        raise SignInRefused(f"{provider.label} did not tell your e-mail: it must be allowed the scope email.")
    user = find_user(identity.email)
    if user is not None and (user.is_service_account or not identity.email_verified):
        raise SignInRefused(
            f"There is an account '{identity.email}' already, and {provider.label} has not verified that this e-mail is"
            " yours: sign in with your password, or ask an administrator."
        )
    if user is None:
        user = create_user(
            acting_user=None,
            username=identity.email,
            first_name=identity.first_name,
            last_name=identity.last_name,
            user_type=UserType.STANDARD,
        )
        _give_default_roles(user)
    try:
        with transaction.atomic():
            SocialAccount.objects.create(user=user, provider=provider.name, uid=identity.subject)
    except IntegrityError as error:
        raise SignInRefused("This was done twice at the same time: sign in again.") from error
    user.auths = [*user.auths, {"uid": f"{provider.name}:{identity.subject}", "type": OAUTH_WAY, "name": provider.name}]
    user.save(update_fields=["auths"])
    detail = {"id": user.id, "username": user.username, "provider": provider.name}
    record(acting_user=user, action="UPDATE", resource="User", detail=detail)
    return user


def forget_identity(*, acting_user: User, user: User, way: str) -> None:
    """Takes away a provider as a way in, by the uid that `auths` shows; the next sign-in there joins it anew."""
    provider, _, subject = way.partition(":")
    with public_scope(), transaction.atomic():
        SocialAccount.objects.filter(user=user, provider=provider, uid=subject).delete()
        user.auths = [one for one in user.auths if one.get("uid") != way]
        user.save(update_fields=["auths"])
        detail = {"id": user.id, "username": user.username, "providerRemoved": provider}
        record(acting_user=acting_user, action="UPDATE", resource="User", detail=detail)


def _give_default_roles(user: User) -> None:
    """In each tenant that has one. One query over all tenants, then one scope for each that has."""
    for tenant_id in _tenants_with_default_role():
        with tenant_scope(tenant_id):
            role = Role.objects.filter(is_default=True).first()
            if role is not None:
                Binding.objects.get_or_create(type=BindingType.USER, external_id=user.pk, role=role, namespace=None)
                detail = {"type": "USER", "externalId": user.pk, "roleId": role.pk, "role": role.name}
                record(acting_user=None, action="CREATE", resource="Binding", detail=detail)


def _tenants_with_default_role() -> list[str]:
    tenants = list(Tenant.objects.values_list("pk", flat=True))
    if not tenants:
        return []
    parts = [_HAS_DEFAULT.format(tenant=Literal(one), schema=Identifier(schema_of(one))) for one in tenants]
    with connection.cursor() as cursor:
        cursor.execute(SQL(" UNION ALL ").join(parts))
        return [tenant for (tenant,) in cursor.fetchall()]


def _follow_groups(provider: IdentityProvider, identity: Identity, user: User) -> None:
    """Of the groups that the mapping names, the person is in exactly those of the claim; no other group is touched."""
    wanted: dict[str, dict[str, bool]] = {}
    for value, targets in provider.group_mapping.items():
        for target in targets:
            groups = wanted.setdefault(target["tenant"], {})
            groups[target["group"]] = groups.get(target["group"], False) or value in identity.groups
    for tenant_id, groups in wanted.items():
        try:
            with tenant_scope(tenant_id):
                _set_memberships(user, groups.items())
        except UnknownTenant:
            log.warning("group mapping names an unknown tenant", provider=provider.name, tenant=tenant_id)


def _set_memberships(user: User, groups: Iterable[tuple[str, bool]]) -> None:
    for name, member in groups:
        group = Group.objects.filter(name__iexact=name).first()
        if group is None:
            log.warning("group mapping names an unknown group", group=name)
            continue
        if member:
            _, changed = GroupMember.objects.get_or_create(
                group=group, user_id=user.pk, defaults={"membership": Membership.MEMBER}
            )
        else:
            changed = GroupMember.objects.filter(group=group, user_id=user.pk).delete()[0] > 0
        if changed:
            membership = str(Membership.MEMBER) if member else "none"
            detail = {"id": group.id, "name": group.name, "userId": user.id, "membership": membership}
            record(acting_user=None, action="UPDATE", resource="Group", detail=detail)
