"""The same world as the tests of the API."""

from tests.support.whole_flows import flows, own_storage
from tests.workflows.api.conftest import _master_key, _own_storage, running

__all__ = ["_master_key", "_own_storage", "flows", "own_storage", "running"]
