"""Tenant: an isolated customer space, whose id is the slug and the primary key."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django_tenants.models import DomainMixin, TenantMixin

from apps.accounts.models import User
from apps.common.current_tenant import schema_of
from apps.common.models import TimestampedRow
from apps.tenants.catalog import is_tenant_id


def check_tenant_id(tenant_id: str) -> None:
    if not is_tenant_id(tenant_id):
        raise ValidationError(
            "Use lower-case letters, digits, - and _, beginning with a letter or digit; words of the product are taken."
        )


class Tenant(TimestampedRow, TenantMixin):  # type: ignore[django-manager-missing]  # TenantMixin is untyped
    """A row in public; its tables lie in `schema_name`, made by provisioning, never by `save`."""

    auto_create_schema = False
    auto_drop_schema = False

    id = models.CharField(primary_key=True, max_length=59, validators=[check_tenant_id])
    name = models.CharField(max_length=150)
    logo = models.CharField(max_length=255, blank=True)
    worker_group = models.JSONField(null=True, blank=True)
    require_existing_namespace = models.BooleanField(default=False)
    environment_name = models.CharField(max_length=40, blank=True)
    environment_color = models.CharField(max_length=7, blank=True)
    """#rrggbb: the stripe on top of each page, so that production never looks like a trial."""
    quotas = models.JSONField(default=dict, blank=True)
    """Names of catalog.QUOTAS → a number; one that is left out sets no limit."""
    retention = models.JSONField(default=dict, blank=True)
    """Names of catalog.RETENTIONS → days; one that is left out keeps for ever."""
    mfa_required = models.BooleanField(default=False)
    deleted_at = models.DateTimeField(null=True, blank=True)
    """When its deletion was ordered: nobody enters it any more, and a chore takes it away."""

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name or self.id

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.schema_name = schema_of(self.id)
        super().save(*args, **kwargs)


class TenantMember(models.Model):
    """Who may enter which tenant, for those who ask about all tenants at once.

    An index of what the tenants' own schemas say (bindings, groups, access), kept by triggers on their tables in the
    same transaction, so that no way of writing can miss it (rbac, migration 0002).
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tenants", db_index=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "tenant"), name="tenant_member_once"),)

    def __str__(self) -> str:
        return f"{self.user_id} in {self.tenant_id}"


class TenantLogo(models.Model):
    """The picture of a tenant, apart from its row, which each request remembers."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, primary_key=True, related_name="picture")
    media_type = models.CharField(max_length=20)
    content = models.BinaryField()

    def __str__(self) -> str:
        return f"logo of {self.tenant_id}"


class Domain(DomainMixin):
    """Unused: django-tenants asks for such a model, and our tenants are path segments."""
