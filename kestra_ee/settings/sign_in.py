"""Who people are: passwords, second factors, identity providers, sessions, and the headers that guard them."""

from kestra_ee.environment import env, env_duration, env_flag, env_json
from kestra_ee.settings.base import KESTRA_URL

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["apps.accounts.authentication.PasswordBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
KESTRA_PASSWORD_PATTERN = env("KESTRA_EE_PASSWORD_PATTERN", r"^(?=.*[A-Z])(?=.*\d).{8,256}$")
KESTRA_PASSWORD_HINT = env(
    "KESTRA_EE_PASSWORD_HINT",
    "The password is too weak: at least 8 characters, with an upper-case letter and a digit.",
)
"""What people read when a password does not match the pattern."""
KESTRA_RESET_SECONDS = int(env("KESTRA_EE_RESET_SECONDS", "3600"))
KESTRA_RESET_COOLDOWN_SECONDS = int(env("KESTRA_EE_RESET_COOLDOWN_SECONDS", "300"))
KESTRA_SIGN_IN_THRESHOLD = int(env("KESTRA_EE_SIGN_IN_THRESHOLD", "10"))
KESTRA_SIGN_IN_WINDOW_SECONDS = int(env("KESTRA_EE_SIGN_IN_WINDOW_SECONDS", "300"))
KESTRA_SIGN_IN_LOCK_SECONDS = int(env("KESTRA_EE_SIGN_IN_LOCK_SECONDS", "1800"))
KESTRA_INVITATION_SECONDS = env_duration("KESTRA_EE_INVITATION_EXPIRE_AFTER", "P7D")
"""How long an invitation's link is good: an ISO duration."""
LOGIN_URL = "/ui/login"
KESTRA_SECOND_FACTOR = env("KESTRA_EE_SECOND_FACTOR")
"""Of whom a second factor is required: everyone, super-admins; empty leaves it to tenants and people."""
KESTRA_IDENTITY_PROVIDERS = env_json("KESTRA_EE_IDENTITY_PROVIDERS")
"""OpenID Connect providers by name, beside those of the admin: {"fjord": {"issuer": …, "clientId": …}}."""
MFA_ADAPTER = "apps.accounts.sign_in.second_factor.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = False
SOCIALACCOUNT_ADAPTER = "apps.accounts.sign_in.oidc.ProviderAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
ACCOUNT_EMAIL_VERIFICATION = "none"
HTTPS = KESTRA_URL.startswith("https://")
SESSION_COOKIE_NAME = "kestra_session"
SESSION_COOKIE_AGE = int(env("KESTRA_EE_SESSION_SECONDS", str(14 * 24 * 3600)))
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env_flag("KESTRA_EE_SECURE_COOKIES", default=HTTPS)
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = int(env("KESTRA_EE_HSTS_SECONDS", "31536000" if HTTPS else "0"))
KESTRA_BEHIND_PROXY = env_flag("KESTRA_EE_BEHIND_PROXY")
if KESTRA_BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    USE_X_FORWARDED_HOST = True
