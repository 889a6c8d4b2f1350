"""Roles, groups, bindings and people as the API shows and takes them."""

from typing import Literal, Self

from pydantic import Field

from apps.accounts.models import User
from apps.accounts.schemas import AuthShape, UserShape
from apps.common.json_values import Shape
from apps.rbac.models import Binding, Group, GroupMember, Role


class IdsBody(Shape):
    """Several of them, by id."""

    ids: list[str]


class AutocompleteBody(Shape):
    """What was typed, and ids that must be in the answer."""

    q: str | None = None
    ids: list[str] | None = None


class RoleBody(Shape):
    name: str
    description: str | None = None
    permissions: dict[str, list[str]]
    is_default: bool | None = None


class RoleShape(Shape):
    id: str
    name: str
    description: str
    permissions: dict[str, list[str]]
    is_default: bool
    is_managed: bool

    @classmethod
    def of(cls, role: Role) -> Self:
        return cls.model_validate(role)


class GroupMemberBody(Shape):
    user_id: str
    membership: Literal["OWNER", "MEMBER"] = "MEMBER"


class MembershipBody(Shape):
    membership: Literal["OWNER", "MEMBER"]


class GroupIdsBody(Shape):
    group_ids: list[str]


class GroupBody(Shape):
    """`members`, when given, are set exactly."""

    name: str
    description: str | None = None
    members: list[GroupMemberBody] | None = None


class GroupShape(Shape):
    id: str
    name: str
    description: str
    provider: str | None = None

    @classmethod
    def of(cls, group: Group) -> Self:
        return cls(id=group.id, name=group.name, description=group.description, provider=group.provider or None)


class BindingBody(Shape):
    type: Literal["USER", "GROUP"]
    external_id: str
    role_id: str
    namespace_id: str | None = None


class BindingShape(Shape):
    id: str
    type: str
    external_id: str
    role_id: str
    namespace_id: str | None = None

    @classmethod
    def of(cls, binding: Binding) -> Self:
        return cls(
            id=binding.id,
            type=binding.type,
            external_id=binding.external_id,
            role_id=binding.role_id,
            namespace_id=binding.namespace,
        )


class BindingDetail(Shape):
    """A binding with what it joins."""

    binding: BindingShape
    role: RoleShape
    user: UserShape | None = None
    group: GroupShape | None = None


class GroupOfUser(Shape):
    tenant_id: str | None = None
    group_id: str
    membership: str = "MEMBER"


class MemberShape(UserShape):
    """A person as the open tenant sees him."""

    group_list: list[GroupOfUser] = Field(default_factory=list)
    groups: list[GroupShape] = Field(default_factory=list)
    providers: list[str] = Field(default_factory=list)

    @classmethod
    def of_member(cls, user: User, members: list[GroupMember], tenant_id: str) -> Self:
        return cls(
            **UserShape.of(user).model_dump(exclude={"auths"}),
            auths=[AuthShape(**auth) for auth in user.auths],
            group_list=[
                GroupOfUser(tenant_id=tenant_id, group_id=member.group_id, membership=member.membership)
                for member in members
            ],
            groups=[GroupShape.of(member.group) for member in members],
        )


class MyRole(Shape):
    """A role one holds, and where; no namespace is the whole tenant."""

    role: RoleShape
    namespace_id: str | None = None


class MyTenant(Shape):
    id: str
    name: str


class MeShape(Shape):
    """`permissions` is what one may somewhere in the tenant, for hiding what one may not."""

    user: MemberShape
    roles: list[MyRole]
    permissions: dict[str, list[str]]
    tenants: list[MyTenant]


class UserBody(Shape):
    """A person; a name that exists in the installation only gets access. `groups` and `groupList` are ids."""

    username: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    description: str | None = None
    password: str | None = None
    groups: list[str] | None = None
    group_list: list[GroupOfUser] | None = None

    def names_no_groups(self) -> bool:
        """Then the groups stay as they are."""
        return self.groups is None and self.group_list is None

    def group_ids(self) -> list[str]:
        return [*(self.groups or []), *(group.group_id for group in self.group_list or [])]


class ServiceAccountBody(Shape):
    username: str | None = None
    name: str | None = None
    description: str | None = None
    group_list: list[GroupOfUser] | None = None

    def group_ids(self) -> list[str]:
        return [group.group_id for group in self.group_list or []]


class NewPasswordBody(Shape):
    password: str
