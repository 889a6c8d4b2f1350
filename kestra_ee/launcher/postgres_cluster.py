"""The files of the embedded PostgreSQL: folder, owner, password, binaries, and initdb."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from kestra_ee.launcher.errors import PostgresError, WrongPasswordError
from kestra_ee.launcher.postgres_binaries import PostgresBinaries, find_binaries, may_enter

USER: Final = "kestra"
ROOTS_DATA: Final = Path("/var/lib/kestra-ee")
LONGEST_SOCKET_DIR: Final = 107 - len("/.s.PGSQL.65535")


class PostgresCluster:
    """What lies in `home`/postgres. PostgreSQL refuses uid 0, so as root the files belong to `nobody`; when that user
    cannot enter `home` (a checkout under /root), nobody's rights are changed: the files go to a folder in `roots_data`
    and `home`/postgres is a link to it."""

    def __init__(self, home: Path, *, durable: bool = True, roots_data: Path = ROOTS_DATA) -> None:
        self.home = home.resolve()
        self._durable = durable
        self._roots_data = roots_data
        self._binaries: PostgresBinaries | None = None
        self._socket_dir: Path | None = None

    @property
    def folder(self) -> Path:
        return self.home / "postgres"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def password_file(self) -> Path:
        return self.home / "postgres.password"

    @property
    def log_file(self) -> Path:
        return self.home / "logs" / "postgres.log"

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def password(self) -> str:
        """Made at the first call, kept in a 0600 file."""
        if not self.password_file.exists():
            if self.data.exists():
                raise WrongPasswordError(f"{self.password_file} is missing: the database cannot be entered without it")
            write_secret(self.password_file, secrets.token_hex(24))
        return self.password_file.read_text().strip()

    def binaries(self) -> PostgresBinaries:
        """Those that made the data, else the best there are; copied when the owner cannot enter their folder."""
        if self._binaries is None:
            binaries = find_binaries(int((self.data / "PG_VERSION").read_text()) if self.exists else None)
            owner = self._owner()
            if owner and not may_enter(binaries.bin_dir / "postgres", owner.pw_uid):
                if not binaries.from_wheel:
                    raise PostgresError(f"{binaries.bin_dir} cannot be entered by the user {owner.pw_name}")
                binaries = binaries.copy_to(self.folder.resolve() / "binaries")
            self._binaries = binaries
        return self._binaries

    def run_as(self) -> dict[str, Any]:
        """Arguments of subprocess for PostgreSQL's programs: another user when we are root."""
        owner = self._owner()
        return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}

    def prepare(self) -> None:
        """The folders around the data, then the data itself when there is none (initdb, 0.4 s)."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.log_file.parent.mkdir(mode=0o700, exist_ok=True)
        owner = self._owner()
        if not self.folder.exists():
            if self.folder.is_symlink():
                raise PostgresError(f"{self.folder} points to {self.folder.readlink()}, which is gone")
            if owner and not may_enter(self.folder, owner.pw_uid):
                place = self._roots_data / secrets.token_hex(6)
                place.mkdir(parents=True)
                self.folder.symlink_to(place)
            else:
                self.folder.mkdir()
        if owner:
            self.folder.chmod(0o711)
        if not self.exists:
            self._initdb()

    def make_socket_dir(self) -> Path:
        """Beside the data, or under /tmp when that path is too long for a socket; the owner's alone."""
        if self._socket_dir is None or not self._socket_dir.is_dir():
            beside = self.folder.resolve() / "socket"
            if len(os.fsencode(beside)) <= LONGEST_SOCKET_DIR:
                beside.mkdir(mode=0o700, exist_ok=True)
                self._socket_dir = beside
            else:
                self._socket_dir = Path(tempfile.mkdtemp(prefix="kestra-ee-", dir="/tmp"))
            self._give_to_owner(self._socket_dir)
        return self._socket_dir

    def remove_socket_dir(self) -> None:
        if self._socket_dir is not None:
            shutil.rmtree(self._socket_dir, ignore_errors=True)
        self._socket_dir = None

    def pid_file_lines(self) -> list[str]:
        """1 process id, 4 port, 8 state: `ready` once connections are taken. Empty without the file."""
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _owner(self) -> pwd.struct_passwd | None:
        """Whom the server runs as when we are root; None: ourselves."""
        if os.geteuid() != 0:
            return None
        if self.data.exists() and self.data.stat().st_uid != 0:
            return pwd.getpwuid(self.data.stat().st_uid)
        return pwd.getpwnam("nobody")

    def _give_to_owner(self, path: Path) -> None:
        owner = self._owner()
        if owner:
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def _initdb(self) -> None:
        """Into a folder beside, renamed when complete: an interrupted initdb leaves nothing half made."""
        unfinished = self.folder / "data.unfinished"
        password_copy = self.folder / "password.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        password_copy.unlink(missing_ok=True)
        unfinished.mkdir(mode=0o700)
        self._give_to_owner(unfinished)
        write_secret(password_copy, self.password())
        self._give_to_owner(password_copy)
        command = [str(self.binaries().bin_dir / "initdb"), "-D", str(unfinished.resolve()), "-U", USER]
        command += ["--auth=scram-sha-256", f"--pwfile={password_copy.resolve()}", "--no-instructions"]
        command += ["--locale=C.UTF-8", "-E", "UTF8"]
        command += [] if self._durable else ["--no-sync"]
        try:
            made = subprocess.run(  # noqa: S603  # our own command
                command,
                capture_output=True,
                text=True,
                cwd="/",
                env=plain_environment(),
                start_new_session=True,  # Ctrl-C ends the launcher, which then removes what is half made
                check=False,
                **self.run_as(),
            )
        finally:
            password_copy.unlink()
        if made.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            lines = made.stderr.splitlines() or ["no message"]
            serious = [line for line in lines if "error" in line or "FATAL" in line]
            raise PostgresError(f"initdb failed: {(serious or lines)[-1].strip()}")
        unfinished.rename(self.data)


def write_secret(path: Path, text: str) -> None:
    """A new 0600 file, complete or not there at all."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def plain_environment() -> dict[str, str]:
    """No PG* variable of the caller may change the server, no locale its messages (they are read)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C.UTF-8"}
