"""Who there is and how they prove it: users, API tokens, sessions, reset links, identity providers."""

from typing import Any, ClassVar, Final

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from apps.common.clock import now
from apps.common.ids import new_id
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
    second_factor = models.BooleanField(default=False, editable=False)
    """Whether a code or passkey is asked after the password; follows allauth's rows (services/second_factor)."""
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


_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""In this order: most call themselves by the names of others too."""
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


class SignInSession(models.Model):
    """Where and how a person is signed in. The session itself is Django's row under the same key."""

    session_key = models.CharField(primary_key=True, max_length=40)
    public_id: "ShortIdField[str, str]" = ShortIdField(unique=True, default=new_id, editable=False)
    """What lists and forms show: the key itself would open the session."""
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_in_sessions")
    way = models.CharField(max_length=63)
    started = models.DateTimeField(default=now)
    last_seen = models.DateTimeField(default=now)
    ip_address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ("-last_seen",)

    def __str__(self) -> str:
        return f"{self.user_id} since {self.started:%Y-%m-%d %H:%M}"

    @property
    def program(self) -> str:
        """As people know it: Firefox on Linux; what else it calls itself, at most 60 characters."""
        browser = next((name for mark, name in _BROWSERS if mark in self.user_agent), "")
        system = next((name for mark, name in _SYSTEMS if mark in self.user_agent), "")
        if browser:
            return f"{browser} on {system}" if system else browser
        return self.user_agent[:60] or "Unknown program"


class PasswordReset(models.Model):
    """A link that was mailed. Only the digest of its token is kept."""

    id: "ShortIdField[str, str]" = short_id_key()
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_resets")
    digest = models.BinaryField(max_length=32, unique=True)
    created = models.DateTimeField(default=now)
    expires = models.DateTimeField()
    used = models.DateTimeField(null=True)

    class Meta:
        indexes = (models.Index("user", "created", name="password_reset_of_user"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.created:%Y-%m-%d %H:%M}"


class IdentityProvider(TimestampedRow):
    """Where people of a company sign in (OpenID Connect). The callback is /oauth/callback/<name>."""

    name = models.SlugField(primary_key=True, max_length=63, help_text="Part of the callback's address.")
    label = models.CharField(max_length=63, help_text="On the button: Continue with …")
    issuer = models.URLField(max_length=500, help_text="Its /.well-known/openid-configuration is read.")
    client_id = models.CharField(max_length=255)
    sealed_secret = models.TextField(blank=True, editable=False)
    scopes = models.CharField(max_length=255, default="openid profile email")
    domains: Any = models.JSONField(default=list, blank=True, help_text='E-mail domains sent here: ["fjord.example"]')
    groups_claim = models.CharField(max_length=63, default="groups", blank=True)
    group_mapping: Any = models.JSONField(
        default=dict, blank=True, help_text='{"value of the claim": [{"tenant": "main", "group": "Analytics"}]}'
    )
    trusts_email = models.BooleanField(
        default=False, help_text="Its e-mail addresses are verified although it does not say so (email_verified)."
    )
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ("label",)

    def __str__(self) -> str:
        return self.label
