"""Logs of the processes."""

from apps.common import structured_logs
from kestra_ee.environment import env
from kestra_ee.settings.base import DEBUG

LOGGING = structured_logs.logging_config(level=env("KESTRA_EE_LOG_LEVEL", "INFO"), as_json=not DEBUG)
