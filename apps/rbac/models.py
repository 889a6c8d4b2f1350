"""Role, Group, Binding and TenantAccess: rows of each tenant; people are named by id."""

from typing import Any

from django.db import models
from django.db.models.functions import Lower

from apps.common.models import ShortIdField, TenantRow, TimestampedRow, short_id_key


class Role(TimestampedRow, TenantRow):
    """A named map of permission → actions. Alone it grants nothing: bindings do. Managed ones cannot be edited."""

    id: "ShortIdField[str, str]" = short_id_key()
    name = models.CharField(max_length=150)
    description = models.TextField(blank=True)
    permissions: Any = models.JSONField(default=dict)
    is_default = models.BooleanField(default=False)
    is_managed = models.BooleanField(default=False)

    class Meta(TenantRow.Meta):
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(Lower("name"), name="role_name"),
            models.UniqueConstraint("is_default", condition=models.Q(is_default=True), name="role_one_default"),
        )

    def __str__(self) -> str:
        return self.name


class Group(TimestampedRow, TenantRow):
    """People of a tenant who are bound together. `provider` names who manages the members when it is not us."""

    id: "ShortIdField[str, str]" = short_id_key()
    name = models.CharField(max_length=150)
    description = models.TextField(blank=True)
    external_id = models.CharField(max_length=255, blank=True)
    provider = models.CharField(max_length=63, blank=True)

    class Meta(TenantRow.Meta):
        ordering = ("name",)
        constraints = (models.UniqueConstraint(Lower("name"), name="group_name"),)

    def __str__(self) -> str:
        return self.name


class Membership(models.TextChoices):
    """Owners may manage the members."""

    OWNER = "OWNER"
    MEMBER = "MEMBER"


class GroupMember(TenantRow):
    """One person in one group."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="members")
    user_id = ShortIdField(db_index=True)
    membership = models.CharField(max_length=10, choices=Membership.choices, default=Membership.MEMBER)

    class Meta(TenantRow.Meta):
        constraints = (models.UniqueConstraint("group", "user_id", name="group_member_once"),)

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"


class BindingType(models.TextChoices):
    """To whom a role is bound; a service account is a USER."""

    USER = "USER"
    GROUP = "GROUP"


class Binding(TenantRow):
    """Gives a role to a user or group, in one namespace with all below it, or in the whole tenant. Never changed."""

    id: "ShortIdField[str, str]" = short_id_key()
    type = models.CharField(max_length=10, choices=BindingType.choices)
    external_id = ShortIdField(db_index=True)
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="bindings")
    namespace = models.CharField(max_length=150, null=True, blank=True)  # noqa: DJ001  None is the whole tenant

    class Meta(TenantRow.Meta):
        constraints = (
            models.UniqueConstraint(
                "type", "external_id", "role", "namespace", name="binding_once", nulls_distinct=False
            ),
        )

    def __str__(self) -> str:
        return f"{self.role_id} for {self.type} {self.external_id} in {self.namespace or 'the tenant'}"


class TenantAccess(TenantRow):
    """A person who was added to the tenant without a role or group yet."""

    user_id = ShortIdField(primary_key=True)

    def __str__(self) -> str:
        return self.user_id
