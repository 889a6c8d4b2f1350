"""Files of a namespace."""

from __future__ import annotations

from typing import BinaryIO, cast

from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse
from rest_framework.request import Request

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.errors import BadRequest, NotFound
from apps.namespaces.schemas import FileEntry
from apps.namespaces.services import NamespaceFiles

PERMISSION = "FLOW"
PART = "fileContent"


@access(PERMISSION, "READ")
def download_file(request: Request, namespace: str) -> FileResponse:
    """The bytes of the file at `path`, always as a download."""
    path = _query(request, "path")
    file = NamespaceFiles(namespace).open(path)
    return FileResponse(file, as_attachment=True, filename=path.rsplit("/", 1)[-1])


@access(PERMISSION, "CREATE")
def upload_file(request: Request, namespace: str) -> None:
    """Store the multipart part `fileContent` at `path`; a zip archive is expanded into the folder it would lie in."""
    path = _query(request, "path")
    given = request.FILES.get(PART)
    if not isinstance(given, UploadedFile):
        raise BadRequest(f"Send the file as the multipart part '{PART}'.")
    files, content = NamespaceFiles(namespace), cast("BinaryIO", given)
    if path.lower().endswith(".zip"):
        files.put_archive(content, acting_user=current_user(request), below=path.rsplit("/", 1)[0])
    else:
        files.put(path, content, acting_user=current_user(request))


@access(PERMISSION, "UPDATE")
def move_file(request: Request, namespace: str) -> None:
    """Rename the file or folder at `from` to `to`."""
    NamespaceFiles(namespace).move(_query(request, "from"), _query(request, "to"), acting_user=current_user(request))


@access(PERMISSION, "DELETE")
def remove_file(request: Request, namespace: str) -> None:
    """Delete the file at `path`, or the folder with all in it."""
    path = _query(request, "path")
    if not NamespaceFiles(namespace).delete(path, acting_user=current_user(request)):
        raise NotFound(f"There is no file '{path[:500]}' in the namespace '{namespace}'.")


@access(PERMISSION, "READ")
def list_folder(request: Request, namespace: str) -> list[FileEntry]:
    """What lies in the folder at `path`, or at the top."""
    return [FileEntry.of(found) for found in NamespaceFiles(namespace).folder(request.query_params.get("path", ""))]


@access(PERMISSION, "CREATE")
def make_folder(request: Request, namespace: str) -> None:
    """An empty folder at `path`."""
    NamespaceFiles(namespace).make_folder(_query(request, "path"), acting_user=current_user(request))


@access(PERMISSION, "READ")
def export_files(request: Request, namespace: str) -> FileResponse:
    """All files as a zip archive."""
    return FileResponse(NamespaceFiles(namespace).pack(), as_attachment=True, filename=f"{namespace}_files.zip")


@access(PERMISSION, "READ")
def search_files(request: Request, namespace: str) -> list[str]:
    """Paths that hold the text `q`, whatever its case."""
    return NamespaceFiles(namespace).search(request.query_params.get("q", ""))


@access(PERMISSION, "READ")
def show_file(request: Request, namespace: str) -> FileEntry:
    """Size and times of the file or folder at `path`."""
    return FileEntry.of(NamespaceFiles(namespace).attributes(request.query_params.get("path", "")))


def _query(request: Request, name: str) -> str:
    found: str = request.query_params.get(name, "")
    if not found.strip("/"):
        raise BadRequest(f"Give '{name}' in the query, such as /dir/a.py.")
    return found
