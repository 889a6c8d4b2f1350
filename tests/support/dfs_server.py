"""A server of our own that speaks the dfs interface of Azure Data Lake Storage Gen2, as far as is used: no emulator has
folders and renames (Azurite serves blobs alone). Files lie in memory, or in a folder when they are large; nothing is
authenticated. A test against it shows that both sides agree on the documented contract, and no more.
"""

from __future__ import annotations

import io
import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import IO, Any, ClassVar, Final
from urllib.parse import parse_qs, unquote, urlsplit

PAGE: Final = 100
SPOOLED: Final = 16 * 1024 * 1024
_VERSIONS = count(1)


@dataclass
class Node:
    """A file, or a folder when it has no content."""

    content: IO[bytes] | None = None
    size: int = 0
    version: int = field(default_factory=lambda: next(_VERSIONS))

    def close(self) -> None:
        if self.content is not None:
            self.content.close()


class Refused(Exception):
    """Status and the service's code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class Tree:
    """All paths of the file system; those above a path are always there."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.lock = threading.RLock()

    def get(self, path: str) -> Node:
        if path not in self.nodes:
            raise Refused(404, "PathNotFound")
        return self.nodes[path]

    def create(self, path: str, *, folder: bool) -> Node:
        parts = path.split("/")
        for end in range(1, len(parts)):
            above = self.nodes.setdefault("/".join(parts[:end]), Node())
            if above.content is not None:
                raise Refused(409, "PathConflict")
        found = self.nodes.get(path)
        if found is not None and (found.content is None) != folder:
            raise Refused(409, "ResourceTypeMismatch")
        if found is None or not folder:
            (found or Node()).close()
            self.nodes[path] = Node(None if folder else tempfile.SpooledTemporaryFile(SPOOLED))  # noqa: SIM115
        return self.nodes[path]

    def below(self, path: str) -> list[str]:
        return [name for name in self.nodes if name.startswith(path + "/")] if path else list(self.nodes)

    def rename(self, old: str, new: str) -> None:
        source, target = self.get(old), self.nodes.get(new)
        parent = new.rpartition("/")[0]
        if parent and parent not in self.nodes:
            raise Refused(404, "RenameDestinationParentPathNotFound")
        if target is not None and target.content is None:
            raise Refused(409, "DirectoryNotEmpty" if self.below(new) else "InvalidSourceOrDestinationResourceType")
        (target or Node()).close()
        moved = {name: self.nodes.pop(name) for name in self.below(old)}
        del self.nodes[old]
        self.nodes[new] = source
        self.nodes |= {new + name.removeprefix(old): node for name, node in moved.items()}

    def delete(self, path: str, *, recursive: bool) -> None:
        self.get(path)
        inside = self.below(path)
        if inside and not recursive:
            raise Refused(409, "DirectoryNotEmpty")
        for name in (path, *inside):
            self.nodes.pop(name).close()


class Handler(BaseHTTPRequestHandler):
    """`/<file system>/<path>`; a GET of a file is what the blob interface answers."""

    protocol_version = "HTTP/1.1"
    tree: ClassVar[Tree]

    def log_message(self, *args: Any) -> None:
        """Nothing: the tests look at what came back."""

    def do_GET(self) -> None:
        """Any method."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        system, _, path = unquote(parts.path).lstrip("/").partition("/")
        try:
            with self.tree.lock:
                if system != "files":
                    raise Refused(404, "FilesystemNotFound")
                getattr(self, f"_{self.command.lower()}")(path.rstrip("/"), query, body)
        except Refused as error:
            text = json.dumps({"error": {"code": error.code, "message": error.code}}).encode()
            self._send(error.status, text, {"x-ms-error-code": error.code})

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815  names of the base class

    def _put(self, path: str, query: dict[str, str], body: bytes) -> None:
        source = self.headers.get("x-ms-rename-source")
        if source is not None:
            self.tree.rename(unquote(urlsplit(source).path).lstrip("/").partition("/")[2], path)
        else:
            self.tree.create(path, folder=query.get("resource") == "directory")
        self._send(201, b"", self._facts(self.tree.get(path)))

    def _patch(self, path: str, query: dict[str, str], body: bytes) -> None:
        node, position = self.tree.get(path), int(query["position"])
        if node.content is None:
            raise Refused(409, "ResourceTypeMismatch")
        if query["action"] == "append":
            node.content.seek(position)
            node.content.write(body)
            self._send(202, b"", {})
            return
        if node.content.seek(0, io.SEEK_END) != position:
            raise Refused(400, "InvalidFlushPosition")
        node.size, node.version = position, next(_VERSIONS)
        self._send(200, b"", self._facts(node))

    def _delete(self, path: str, query: dict[str, str], body: bytes) -> None:
        self.tree.delete(path, recursive=query.get("recursive") == "true")
        self._send(200, b"", {})

    def _head(self, path: str, query: dict[str, str], body: bytes) -> None:
        node = self.tree.get(path)
        self._send(200, None, {**self._facts(node), "Content-Length": str(node.size), "x-ms-blob-type": "BlockBlob"})

    def _get(self, path: str, query: dict[str, str], body: bytes) -> None:
        if query.get("resource") == "filesystem":
            self._listed(query)
            return
        node = self.tree.get(path)
        if self.headers.get("If-Match") not in (None, f'"{node.version}"'):
            raise Refused(412, "ConditionNotMet")
        wanted = self.headers.get("x-ms-range") or self.headers.get("Range")
        facts = {**self._facts(node), "x-ms-blob-type": "BlockBlob"}
        if wanted is None or node.content is None:
            self._send(200, b"" if node.content is None else self._piece(node, 0, node.size), facts)
            return
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        if int(first) >= node.size:
            raise Refused(416, "InvalidRange")
        end = min(int(last or node.size - 1), node.size - 1)
        facts["Content-Range"] = f"bytes {first}-{end}/{node.size}"
        self._send(206, self._piece(node, int(first), end + 1), facts)

    def _piece(self, node: Node, start: int, end: int) -> bytes:
        if node.content is None:
            return b""
        node.content.seek(start)
        return node.content.read(end - start)

    def _listed(self, query: dict[str, str]) -> None:
        folder = query.get("directory", "").strip("/")
        if folder:
            self.tree.get(folder)
        names = sorted(self.tree.below(folder), key=lambda name: name.split("/"))
        if query.get("recursive") != "true":
            depth = folder.count("/") + 1 if folder else 0
            names = [name for name in names if name.count("/") == depth]
        start = int(query.get("continuation") or 0)
        most = min(int(query.get("maxResults") or PAGE), PAGE)
        page = [
            {"name": name, "lastModified": formatdate(usegmt=True), "etag": str(node.version),
             "contentLength": str(node.size)} | ({"isDirectory": "true"} if node.content is None else {})
            for name, node in ((name, self.tree.nodes[name]) for name in names[start : start + most])
        ]  # fmt: skip
        more = {"x-ms-continuation": str(start + most)} if start + most < len(names) else {}
        self._send(200, json.dumps({"paths": page}).encode(), {"Content-Type": "application/json", **more})

    def _facts(self, node: Node) -> dict[str, str]:
        facts = {"ETag": f'"{node.version}"', "Last-Modified": formatdate(usegmt=True),
                 "x-ms-creation-time": formatdate(usegmt=True)}  # fmt: skip
        return facts | ({"x-ms-meta-hdi_isfolder": "true"} if node.content is None else {})

    def _send(self, status: int, body: bytes | None, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name, text)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def dfs_server() -> Iterator[str]:
    """The address; its file system is `files`."""
    handler = type("OneTree", (Handler,), {"tree": Tree()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        for node in handler.tree.nodes.values():  # type: ignore[attr-defined]
            node.close()
