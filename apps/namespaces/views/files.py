"""Tab of a namespace's files: folders, upload, a text to edit, move, delete, search, zip in and out."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, Final, cast

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from apps.accounts.selectors import current_user
from apps.common.access import access
from apps.common.current_tenant import require_tenant
from apps.common.errors import BadRequest, Forbidden, ProductError
from apps.common.pages import IN_VIEW
from apps.namespaces.services import NamespaceFiles
from apps.namespaces.views.frame import namespace_context
from apps.rbac.decisions import check_can
from apps.storage.internal_storage import FileKind

PERMISSION = "FLOW"
MOST_EDITED: Final = 512 * 1024
MOST_FOUND: Final = 200
NEEDS: Final = {"upload": "CREATE", "folder": "CREATE", "save": "UPDATE", "move": "UPDATE", "delete": "DELETE"}


@access(PERMISSION, "READ", namespace=IN_VIEW)
def show_files(request: HttpRequest, namespace: str) -> HttpResponse:
    """`path`: a folder, or a file that is shown to be read and edited; `q` searches all paths."""
    context = namespace_context(request, namespace, tab="files")
    try:
        return render(request, "namespaces/files.html", {**context, **_shown(request, namespace)})
    except Forbidden as error:
        return render(request, "namespaces/files.html", {**context, "denied": error.message}, status=200)


@access(PERMISSION, "READ", namespace=IN_VIEW)
def download(request: HttpRequest, namespace: str) -> HttpResponseBase:
    """The file at `path`; without one all files as a zip archive."""
    namespace_context(request, namespace, tab="files")
    files, path = NamespaceFiles(namespace), request.GET.get("path", "")
    if not path.strip("/"):
        return FileResponse(files.pack(), as_attachment=True, filename=f"{namespace}_files.zip")
    return FileResponse(files.open(path), as_attachment=True, filename=path.rsplit("/", 1)[-1])


@access(PERMISSION, "READ", namespace=IN_VIEW)
def change_files(request: HttpRequest, namespace: str) -> HttpResponseBase:
    """`action`: upload, folder, save, move or delete, in the folder or at the file `path`."""
    namespace_context(request, namespace, tab="files")  # first of all: who may not know of it learns nothing
    action, path = request.POST.get("action", ""), request.POST.get("path", "")
    if action not in NEEDS:
        raise BadRequest(f"'{action[:40]}' is none of {', '.join(NEEDS)}.")
    check_can(request.user, PERMISSION, NEEDS[action], namespace)
    try:
        shown = _done(request, NamespaceFiles(namespace), action, path)
    except ProductError as error:
        messages.error(request, error.message)
        shown = path
    address = reverse("ui:namespace_files", kwargs={"tenant": require_tenant(), "namespace": namespace})
    return redirect(f"{address}?{urlencode({'path': shown})}" if shown.strip("/") else address)


def _done(request: HttpRequest, files: NamespaceFiles, action: str, path: str) -> str:
    """Carried out; answers the path to show then."""
    user, name = current_user(request), request.POST.get("name", "").strip().strip("/")
    match action:
        case "upload":
            for uploaded in request.FILES.getlist("file"):
                _uploaded(files, f"{path.rstrip('/')}/{uploaded.name}", uploaded, request)
        case "folder":
            files.make_folder(f"{path.rstrip('/')}/{name}", acting_user=user)
        case "save":
            text = request.POST.get("content", "").replace("\r\n", "\n")
            files.put(path, io.BytesIO(text.encode()), acting_user=user)
            messages.success(request, f"'{path}' saved.")
        case "move":
            files.move(path, name, acting_user=user)
            return "/" + name
        case "delete":
            files.delete(path, acting_user=user)
            return path.rstrip("/").rpartition("/")[0]
    return path


def _uploaded(files: NamespaceFiles, target: str, uploaded: UploadedFile[Any], request: HttpRequest) -> None:
    user, content = current_user(request), cast("BinaryIO", uploaded)
    if target.lower().endswith(".zip") and request.POST.get("expand"):
        count = len(files.put_archive(content, acting_user=user, below=target.rpartition("/")[0]))
        messages.success(request, f"{count} files of '{uploaded.name}' stored.")
        return
    files.put(target, content, acting_user=user)
    messages.success(request, f"'{uploaded.name}' stored.")


def _shown(request: HttpRequest, namespace: str) -> dict[str, Any]:
    files, path, text = NamespaceFiles(namespace), request.GET.get("path", ""), request.GET.get("q", "").strip()
    shown: dict[str, Any] = {"q": text, "path": path, "crumb_paths": _crumbs(path), "entries": [], "file": None}
    if text:
        found = files.search(text)
        return shown | {"found": found[:MOST_FOUND], "more": len(found) > MOST_FOUND}
    if path.strip("/") and files.attributes(path).kind is FileKind.FILE:
        facts = files.attributes(path)
        return shown | {"file": facts, "text": _text(files, path) if facts.size <= MOST_EDITED else None}
    return shown | {"entries": files.folder(path)}


def _text(files: NamespaceFiles, path: str) -> str | None:
    with files.open(path) as file:
        content = file.read(MOST_EDITED + 1)
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None


def _crumbs(path: str) -> list[tuple[str, str]]:
    parts = [part for part in path.split("/") if part]
    return [(part, "/" + "/".join(parts[: place + 1])) for place, part in enumerate(parts)]
