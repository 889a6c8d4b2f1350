"""Functions that ask the world around: secrets, stored values, files, logs."""

import re
from collections.abc import Mapping

from apps.workflows.expressions.errors import Failure
from apps.workflows.expressions.operation import Operation, functions
from apps.workflows.expressions.scope import Context
from apps.workflows.expressions.text import plain_text
from apps.workflows.expressions.values import ABSENT

SCHEME = "kestra://"


def optional_text(value: object) -> str | None:
    """An argument that may be left out."""
    return None if value is None else plain_text(value)


def is_flag(value: object, name: str, argument: str) -> bool:
    """An argument that is true or false."""
    if not isinstance(value, bool):
        raise Failure(f"The '{name}' function expects an optional argument '{argument}' with type boolean.")
    return value


def variable(context: Context, *path: str) -> object:
    """A value the host gave, whatever the text has set meanwhile: access is decided on these. Null where missing."""
    value: object = context.variables
    for key in path:
        if not isinstance(value, Mapping):
            return None
        try:
            value = value[key]
        except KeyError:
            return None
    return value


def secret(
    context: Context,
    key: object = ABSENT,
    namespace: object = None,
    subkey: object = None,
    error_on_missing: object = True,
) -> object:
    """The value of a secret of the namespace, or of one field of it; it is masked in logs.

    Example: {{ secret('API_KEY') }} → s3cr3t
    """
    if key is ABSENT or key is None:
        raise Failure("The 'secret' function expects an argument 'key'.")
    required = is_flag(error_on_missing, "secret", "errorOnMissing")
    name, host = plain_text(key), context.budget.functions
    try:
        value = host.secret(name, optional_text(namespace), optional_text(subkey), required)
    except LookupError:
        value = None
    if value is None:
        if required:
            raise Failure(f"Cannot find secret for key '{name}'.")
        return None
    context.budget.secrets.append(value)
    host.on_secret(value)
    return value


def kv(context: Context, key: object = ABSENT, namespace: object = None, error_on_missing: object = False) -> object:
    """The value of a key in the namespace's store; null where there is none, unless an error is asked for.

    Example: {{ kv('colour') }} → blue
    """
    if key is ABSENT or key is None:
        raise Failure("The 'kv' function expects an argument 'key'.")
    required = is_flag(error_on_missing, "kv", "errorOnMissing")
    name = plain_text(key)
    where = optional_text(namespace) or optional_text(variable(context, "flow", "namespace"))
    try:
        value = context.budget.functions.kv(name, where, required)
    except LookupError:
        value = None
    if value is None and required:
        raise Failure(f"The key '{name}' does not exist in the namespace '{where}'.")
    return value


def read(context: Context, path: object = ABSENT) -> object:
    """The content of a file: one of this execution by its URI, or a namespace file by its path.

    Example: {{ read('hello.txt') }} → Hello
    """
    return context.budget.functions.read(readable(context, path, "read"))


def file_size(context: Context, path: object = ABSENT) -> object:
    """The size of a file in bytes.

    Example: {{ fileSize('hello.txt') }} → 5
    """
    return context.budget.functions.file_size(readable(context, path, "fileSize"))


def readable(context: Context, path: object, name: str) -> str:
    """The path, once it is sure that the execution may read it."""
    if path is ABSENT or path is None:
        raise Failure(f"The '{name}' function expects an argument 'path' that is a path to a namespace file or an URI.")
    if not isinstance(path, str):
        raise Failure(f"Unable to read the file {plain_text(path)}")
    if not path.startswith(SCHEME):
        check_path(path)
        return path
    holders = (
        (("flow", "namespace"), ("flow", "id"), ("execution", "id")),
        (("trigger", "namespace"), ("trigger", "flowId"), ("trigger", "executionId")),
    )
    if ".." not in path.split("/"):
        for holder in holders:
            names = [variable(context, *keys) for keys in holder]
            if all(isinstance(found, str) and found for found in names):
                namespace, flow, execution = map(plain_text, names)
                folder = f"/{namespace.replace('.', '/')}/{slug(flow)}/executions/{execution}/"
                if path.removeprefix(SCHEME).startswith(folder):
                    return path
    raise Failure(f"Unable to read the file '{path}' as it didn't belong to the current execution")


def slug(flow: str) -> str:
    """A flow's id as part of a path in the storage."""
    return re.sub(r"-{2,}", "-", re.sub(r"[^\w-]", "", re.sub(r"\s", "-", flow)).replace("_", "-")).lower().strip("-")


def check_path(path: str) -> None:
    """Refuse paths that lead out of the namespace's files."""
    if ".." in re.split(r"[/\\]", path):
        raise Failure("Path should not contain '../'")


def file_uri(context: Context, path: object = ABSENT) -> object:
    """The URI of a namespace file.

    Example: {{ fileURI('hello.txt') }} ≈ kestra:///.*_files/hello.txt
    """
    if not isinstance(path, str):
        raise Failure("The 'fileURI' function expects an argument 'path' that is a path to a namespace file.")
    check_path(path)
    namespace = plain_text(variable(context, "flow", "namespace") or "")
    return f"{SCHEME}/{namespace.replace('.', '/')}/_files/{path.lstrip('/')}"


def error_logs(context: Context) -> object:
    """The errors the execution has logged so far.

    Example: {{ errorLogs() | length }} → 1
    """
    return context.budget.functions.error_logs()


FUNCTIONS: dict[str, Operation] = functions(
    {
        "secret": secret,
        "kv": kv,
        "read": read,
        "fileSize": file_size,
        "fileURI": file_uri,
        "errorLogs": error_logs,
    },
    wants_context=True,
)
