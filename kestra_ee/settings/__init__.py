"""All settings, read from the environment: a module per subject."""

# ruff: noqa: F403  (Django reads the names of this module)
from django_stubs_ext import monkeypatch

from kestra_ee.settings.admin import *
from kestra_ee.settings.apps import *
from kestra_ee.settings.base import *
from kestra_ee.settings.database import *
from kestra_ee.settings.jobs import *
from kestra_ee.settings.logs import *
from kestra_ee.settings.mail import *
from kestra_ee.settings.sign_in import *
from kestra_ee.settings.storage import *
from kestra_ee.settings.web import *

monkeypatch()
