"""Background work: broker, Celery, what is done again and again."""

from typing import Any

from kestra_ee.environment import env
from kestra_ee.launcher.broker import transport_options

CELERY_BROKER_URL = env("CELERY_BROKER_URL", "memory://")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    transport_options(CELERY_BROKER_URL) if CELERY_BROKER_URL.startswith("pgmq://") else {}
)
CELERY_TASK_DEFAULT_QUEUE = "executor"
CELERY_TASK_ACKS_LATE = False  # rows and timers own recovery: a message is only a nudge
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # nothing waits behind a long task
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_PUBLISH_RETRY = False  # a caller may hold a request: the timers send again
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_DB_REUSE_MAX = 10_000  # together with the health check in kestra_ee/celery.py
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_RESULT_EXPIRES = None
KESTRA_PERIODIC_JOBS = {
    # The first start makes these rows for beat; afterwards they belong to the platform team (admin, Periodic tasks).
    # One that waited longer than `expires` is dropped, so that a stopped executor finds no heap of ticks.
    "tick": {"job": "workflows.tick", "every_seconds": 1, "expires": 2},
    "accounts clean-up": {"job": "accounts.clean_up", "every_seconds": 24 * 3600, "expires": 3600},
    "mail": {"job": "mail.carry", "every_seconds": 5, "expires": 5},
    "invitations clean-up": {"job": "invitations.clean_up", "every_seconds": 24 * 3600, "expires": 3600},
    "mail clean-up": {"job": "mail.clean_up", "every_seconds": 24 * 3600, "expires": 3600},
    "audit seals": {"job": "instance.seal_audit", "every_seconds": 60, "expires": 50},
    "audit retention": {"job": "instance.purge_audit", "every_seconds": 3600, "expires": 600},
    "retention": {
        "job": "workflows.purge_by_retention",
        "every_seconds": 3600,
        "expires": 600,
        "queue": "worker.default",
    },
    "counts of dashboards": {"job": "workflows.fold_rollups", "every_seconds": 60, "expires": 50},
    "tenants to delete": {"job": "instance.delete_tenants", "every_seconds": 30, "expires": 25},
    "transfers": {"job": "transfers.carry", "every_seconds": 10, "expires": 10, "queue": "worker.default"},
    "key-value clean-up": {"job": "namespaces.clean_up_kv", "every_seconds": 3600, "expires": 600},
}
DJANGO_CELERY_BEAT_TZ_AWARE = True
