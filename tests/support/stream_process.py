"""A process that keeps streams, as a worker's pool process does, with a short lease, until it is killed."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta

os.environ["DJANGO_SETTINGS_MODULE"] = "kestra_ee.settings"

import django

django.setup()

from django.conf import settings

settings.KESTRA_DISPATCHER = "tests.support.inline_dispatcher.InlineDispatcher"

from apps.workflows.worker import streams

LEASE_SECONDS = 3


def main(name: str) -> None:
    """Keep streams until the process is killed."""
    streams.LEASE = timedelta(seconds=LEASE_SECONDS)
    streams.SILENT_SECONDS = LEASE_SECONDS * 0.75
    streams.TURN_SECONDS = 0.2
    keeper = streams.StreamKeeper(lambda: name, frozenset({"default"}))
    keeper.start()
    print("ready", flush=True)
    while True:
        time.sleep(1)  # until it is killed


if __name__ == "__main__":
    main(sys.argv[1])
