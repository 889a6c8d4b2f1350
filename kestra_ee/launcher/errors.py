"""Errors of the launcher: each one is a single line a person can act on."""


class LauncherError(Exception):
    """Something the person who starts the product has to change; str() is the one line shown, exit code 1."""


class PostgresError(LauncherError):
    """The embedded PostgreSQL cannot be found, created, started or entered."""


class WrongPasswordError(PostgresError):
    """The server of the data folder refuses the password kept beside it."""


class BrokerError(LauncherError):
    """The queue database cannot be created."""
