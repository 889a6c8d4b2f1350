"""Exchange: one HTTP call, streamed under a size limit, that a kill ends wherever it stands."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import quote

import certifi
import httpx

from apps.workflows.builtin_plugins.http.options import HttpOptions, ProxyType, SslOptions
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext

CONNECT_SECONDS = 10.0


class Connections:
    """The sockets a call has open, so that another thread can end it: closing a client does not wake its reader."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sockets: list[socket.socket] = []
        self.ended = False

    def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """httpx' trace hook: note each new connection."""
        if not event.endswith(("connect_tcp.complete", "start_tls.complete", "connect_unix_socket.complete")):
            return
        found = info["return_value"].get_extra_info("socket")
        with self.lock:
            self.sockets.append(found)
            ended = self.ended
        if ended:
            _shut(found)

    def end(self) -> None:
        """Break off the call."""
        with self.lock:
            self.ended = True
            sockets = list(self.sockets)
        for one in sockets:
            _shut(one)


def _shut(one: socket.socket) -> None:
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already


@contextmanager
def exchange(
    context: RunContext, request: httpx.Request, options: HttpOptions, ssl_options: SslOptions
) -> Iterator[httpx.Response]:
    """The answer to a request, its body not read yet.

    TaskFailed with a sentence when the server cannot be reached or breaks off; TaskKilled and TaskTimedOut when the
    task has to stop meanwhile.
    """
    connections = Connections()
    request.extensions = {**request.extensions, "trace": connections.watch}
    context.cancellation.check()
    forget = context.cancellation.on_cancel(connections.end)
    try:
        with _client(context, options, ssl_options) as client:
            # Extensions given to a request are handed on to the requests that follow a redirect.
            answer = client.send(request, stream=True, auth=_auth(context, options))
            try:
                yield answer
            finally:
                answer.close()
    except (httpx.HTTPError, httpx.InvalidURL, OSError, RuntimeError) as error:
        if context.cancellation.cancelled():
            context.cancellation.check()
        if isinstance(error, httpx.TimeoutException):
            raise TaskFailed(f"{request.method} {_shown(request.url)} took too long: {_kind(error)}") from error
        raise TaskFailed(f"{request.method} {_shown(request.url)} failed: {error or _kind(error)}") from error
    finally:
        forget()


def _kind(error: BaseException) -> str:
    return {
        "ConnectTimeout": "no connection within `options.connectTimeout`",
        "ReadTimeout": "no answer within `options.readTimeout`",
        "WriteTimeout": "the body could not be sent within `options.readTimeout`",
    }.get(type(error).__name__, type(error).__name__)


def _shown(url: httpx.URL) -> str:
    """The address without what may be secret in it."""
    return str(url.copy_with(username=None, password=None, query=None))


def _client(context: RunContext, options: HttpOptions, ssl_options: SslOptions) -> httpx.Client:
    read = options.read_timeout.total_seconds()
    connect = CONNECT_SECONDS if options.connect_timeout is None else options.connect_timeout.total_seconds()
    followed = options.follow_redirects is None or options.follow_redirects.value(context)
    try:
        return httpx.Client(
            verify=_ssl_context(ssl_options.insecure_trust_all_certificates),
            timeout=httpx.Timeout(connect=connect, read=read, write=read, pool=connect),
            follow_redirects=followed,
            proxy=_proxy(context, options),
            trust_env=False,
        )
    except ImportError as error:
        raise TaskFailed("`proxyType: SOCKS` needs the library socksio, which this worker does not have") from error


@cache
def _ssl_context(trust_all: bool) -> ssl.SSLContext:
    # Made once: reading the authorities costs more than a call. The machine's own (and those of SSL_CERT_FILE) count
    # as well as the public ones.
    made = ssl.create_default_context()
    made.load_verify_locations(cafile=certifi.where())
    if trust_all:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def _proxy(context: RunContext, options: HttpOptions) -> httpx.Proxy | None:
    if options.proxy_type is ProxyType.DIRECT or options.proxy_address is None:
        return None
    scheme = "socks5" if options.proxy_type is ProxyType.SOCKS else "http"
    user = "" if options.proxy_username is None else quote(context.render(options.proxy_username), safe="")
    if options.proxy_password is not None:
        user += ":" + quote(context.render(options.proxy_password), safe="")
    at = f"{user}@" if user else ""
    return httpx.Proxy(f"{scheme}://{at}{context.render(options.proxy_address)}:{options.proxy_port}")


def _auth(context: RunContext, options: HttpOptions) -> httpx.BasicAuth | None:
    if options.basic_auth_user is None:
        return None
    password = "" if options.basic_auth_password is None else context.render(options.basic_auth_password)
    return httpx.BasicAuth(context.render(options.basic_auth_user), password)


def read_body(answer: httpx.Response, most: int) -> bytes:
    """The whole body. TaskFailed as soon as it is known to be longer than ``most`` bytes, unpacked."""
    body = bytearray()
    for part in answer.iter_bytes():
        body += part
        if len(body) > most:
            raise TaskFailed(f"The answer is longer than the {most} bytes of `options.maxContentLength`")
    return bytes(body)
