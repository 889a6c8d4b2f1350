"""kombu's pgmq transport with a shorter breath and an address of its own."""

from typing import Any, Final
from urllib.parse import quote

from kombu.transport import TRANSPORT_ALIASES, pgmq

LONGEST_DRAIN_SECONDS: Final = 0.5


class Transport(pgmq.Transport):
    """Celery looks for a stop only between two drains, and twice 2 s pass in them even when nothing comes; messages
    arrive by NOTIFY as promptly as before. And the pgmq client prefers DATABASE_URL of the environment to the host and
    database it is told, but not to a whole address."""

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        if timeout is not None:  # a caller without one does not expect it to run out
            timeout = min(timeout, LONGEST_DRAIN_SECONDS)
        super().drain_events(connection, timeout=timeout, **kwargs)

    def _create_pgmq_client(self) -> Any:
        told: Any = self.client
        login = f"{quote(told.userid or '', safe='')}:{quote(told.password or '', safe='')}"
        place = f"{told.hostname or 'localhost'}:{told.port or self.default_port}"
        told.transport_options.setdefault("conn_string", f"postgresql://{login}@{place}/{told.virtual_host}")
        return super()._create_pgmq_client()


def register() -> None:
    """From now on pgmq:// means this one, in this process. Call it where the Celery app is made."""
    TRANSPORT_ALIASES["pgmq"] = f"{__name__}:Transport"
