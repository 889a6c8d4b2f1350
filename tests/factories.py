"""Rows for tests, made the short way where the product's way is not what is tested."""

from typing import Any

from apps.accounts.models import User, UserType
from apps.rbac.models import Binding, BindingType, Role


def make_user(username: str, *, password: str | None = None, **fields: Any) -> User:
    """A person; without password none can be used."""
    user = User(username=username, email=username, **fields)
    if password is None:
        user.set_unusable_password()
    else:
        user.set_password(password)
    user.save(force_insert=True)
    return user


def make_super_admin(username: str = "root@example.com", **fields: Any) -> User:
    return make_user(username, type=UserType.SUPER_ADMIN, **fields)


def make_role(name: str, permissions: dict[str, list[str]], **fields: Any) -> Role:
    """In the open tenant."""
    return Role.objects.create(name=name, permissions=permissions, **fields)


def bind(user: User, role: Role, *, namespace: str | None = None) -> Binding:
    """In the open tenant."""
    return Binding.objects.create(type=BindingType.USER, external_id=user.pk, role=role, namespace=namespace)


def grant(user: User, *permissions: str, namespace: str | None = None) -> Binding:
    """`grant(bob, "FLOW:READ", "FLOW:UPDATE", namespace="a.b")` in the open tenant, by a role of its own."""
    wanted: dict[str, list[str]] = {}
    for permission in permissions:
        name, action = permission.split(":")
        wanted.setdefault(name, []).append(action)
    name = f"{user.username} {' '.join(permissions)} {namespace or ''}".strip()[:150]
    return bind(user, make_role(name, wanted), namespace=namespace)
