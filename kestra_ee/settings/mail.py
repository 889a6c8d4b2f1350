"""Mail: how it leaves."""

from urllib.parse import unquote, urlsplit

from kestra_ee.environment import env, env_flag, env_json

MAIL_URL = urlsplit(env("KESTRA_EE_MAIL_URL"))
"""smtp://user:password@host:587 or smtps://…; console:// writes mails to the log; empty when no mail can be sent."""
KESTRA_MAIL_PROVIDER = env("KESTRA_EE_MAIL_PROVIDER").lower()
"""One of Anymail's (amazon_ses, brevo, mailgun, mailjet, postmark, resend, sendgrid, …) in place of SMTP."""
ANYMAIL = {**env_json("KESTRA_EE_MAIL_PROVIDER_SETTINGS"), "REQUESTS_TIMEOUT": 15}
KESTRA_MAIL_ENABLED = bool(KESTRA_MAIL_PROVIDER or MAIL_URL.hostname or MAIL_URL.scheme == "console")
if KESTRA_MAIL_PROVIDER:
    EMAIL_BACKEND = f"anymail.backends.{KESTRA_MAIL_PROVIDER}.EmailBackend"
else:
    EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if MAIL_URL.hostname else 'console'}.EmailBackend"
EMAIL_HOST = MAIL_URL.hostname or ""
EMAIL_PORT = MAIL_URL.port or (465 if MAIL_URL.scheme == "smtps" else 587)
EMAIL_HOST_USER = unquote(MAIL_URL.username or "")
EMAIL_HOST_PASSWORD = unquote(MAIL_URL.password or "")
EMAIL_USE_SSL = MAIL_URL.scheme == "smtps"
EMAIL_USE_TLS = MAIL_URL.scheme == "smtp" and env_flag("KESTRA_EE_MAIL_STARTTLS", default=True)
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = env("KESTRA_EE_MAIL_FROM", "kestra@localhost")
KESTRA_OUTBOX = "apps.mail.services.DatabaseOutbox"
