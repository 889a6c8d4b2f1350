"""Door for an ASGI server: requests in threads of their own pool, streams on the event loop.

Under ASGI each of Django's synchronous middlewares costs a change of threads; as one WSGI call in a pool a request is
about twice as fast (README, decisions). Only answers that stay open belong on the loop, where they hold no thread.
"""

import os
from typing import Any

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

from kestra_ee.request_threads import RequestThreads

STREAMS = ("/follow", "/events", "/download", "/file")
"""Ends of the paths whose answers are sent piece by piece."""
WAITING = b"wait=true"
"""In the query of a request that is answered when an execution has ended."""

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kestra_ee.settings")
on_the_loop = get_asgi_application()
in_threads = RequestThreads(get_wsgi_application(), workers=int(os.environ.get("KESTRA_EE_WEB_THREADS", "16")))


def stays_open(scope: dict[str, Any]) -> bool:
    """Whether a request's answer is a stream, or waits for something to happen."""
    path: str = scope["path"]
    return path.endswith(STREAMS) or WAITING in scope["query_string"]


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """One request."""
    if scope["type"] == "http" and not stays_open(scope):
        await in_threads(scope, receive, send)
    else:
        await on_the_loop(scope, receive, send)
