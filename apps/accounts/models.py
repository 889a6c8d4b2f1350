"""User, ApiToken and SignInGuard: who there is and how they prove it."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from apps.common.clock import now
from apps.common.models import ShortIdField, TimestampedRow, short_id_key


class UserType(models.TextChoices):
    """What kind of user."""

    STANDARD = "STANDARD"
    SERVICE_ACCOUNT = "SERVICE_ACCOUNT"
    SUPER_ADMIN = "SUPER_ADMIN"


class UserManager(BaseUserManager["User"]):
    """What Django's sign-in asks of a manager; users are made by services."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(username=(username or "").lower())


class User(TimestampedRow, AbstractBaseUser):
    """A person or a service account. `username` is the e-mail of a person, the name of a service account."""

    id: "ShortIdField[str, str]" = short_id_key()
    username = models.CharField(max_length=254, unique=True)
    email = models.EmailField(blank=True)
    first_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    description = models.TextField(blank=True)
    type = models.CharField(max_length=20, choices=UserType.choices, default=UserType.STANDARD)
    is_active = models.BooleanField(default=True)
    restricted = models.BooleanField(default=False)
    home_tenant = models.CharField(max_length=59, blank=True)
    """For a service account: the tenant whose admins manage it; empty when only super admins do."""
    auths = models.JSONField(default=list, blank=True)
    preferences = models.JSONField(default=dict, blank=True)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ("username",)
        constraints = (models.UniqueConstraint(Lower("username"), name="user_username_any_case"),)

    def __str__(self) -> str:
        return self.username

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.username

    @property
    def is_super_admin(self) -> bool:
        return self.is_active and self.type == UserType.SUPER_ADMIN

    @property
    def is_service_account(self) -> bool:
        return self.type == UserType.SERVICE_ACCOUNT

    # what Django's admin asks

    @property
    def is_staff(self) -> bool:
        return self.is_super_admin

    def has_perm(self, permission: str, obj: Any = None) -> bool:
        return self.is_super_admin

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_super_admin


class ApiToken(models.Model):
    """A Bearer token. Only its digest is kept; `prefix` is what lists show."""

    id: "ShortIdField[str, str]" = short_id_key()
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=63)
    description = models.TextField(blank=True)
    prefix = models.CharField(max_length=16)
    digest = models.BinaryField(max_length=32, unique=True)
    created = models.DateTimeField(default=now, editable=False)
    expires = models.DateTimeField(null=True, blank=True)
    max_age = models.DurationField(null=True, blank=True)
    extended = models.BooleanField(default=False)
    """Each use pushes the expiry to `max_age` from then."""
    last_used = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint("user", "name", name="api_token_name_per_user"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def expired(self) -> bool:
        return self.expires is not None and self.expires <= now()


class SignInGuard(models.Model):
    """Failed sign-ins of one name, so that guessing is locked out in every process at once."""

    username = models.CharField(primary_key=True, max_length=254)
    failures = models.PositiveIntegerField(default=0)
    first_failure = models.DateTimeField(default=now)
    locked_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.username
