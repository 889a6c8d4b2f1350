"""What Python scripts find in their environment: unbuffered output, a quiet pip, and the module ``kestra``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

LIBRARY = Path(__file__).parent / "library"

PYTHON_ENV: Mapping[str, str] = {
    "PYTHONUNBUFFERED": "true",
    "PIP_ROOT_USER_ACTION": "ignore",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PYTHONPATH": str(LIBRARY),
}
PYTHON_IMAGE = "ghcr.io/kestra-io/kestrapy:latest"
