"""HttpOptions: time-outs, size, proxy and sign-in of an HTTP call."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from apps.workflows.plugin_api.duration import Duration, parse_duration
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.property import Property


class ProxyType(StrEnum):
    """How the server is reached."""

    DIRECT = "DIRECT"
    HTTP = "HTTP"
    SOCKS = "SOCKS"


class HttpLogLevel(StrEnum):
    """How much of the exchange goes to the log of the task."""

    ALL = "ALL"
    TRACE = "TRACE"
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    OFF = "OFF"
    NOT_SPECIFIED = "NOT_SPECIFIED"


class HttpOptions(PluginModel):
    """Options of an HTTP call."""

    connect_timeout: Duration | None = Field(default=None, title="How long connecting may take.")
    read_timeout: Duration = Field(default=parse_duration("PT10S"), title="How long the answer may pause.")
    read_idle_timeout: Duration = Field(
        default=parse_duration("PT5M"), title="Accepted for old flows; `readTimeout` decides."
    )
    connection_pool_idle_timeout: Duration = Field(
        default=timedelta(0), title="Accepted for old flows; connections are not kept."
    )
    max_content_length: Annotated[int, Field(gt=0, title="The most bytes of an answer's body.")] = 10 * 1024 * 1024
    proxy_type: ProxyType = Field(default=ProxyType.DIRECT, title="How the server is reached.")
    proxy_address: str | None = Field(default=None, title="Host of the proxy; rendered.")
    proxy_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(default=None, title="Port of the proxy.")
    proxy_username: str | None = Field(default=None, title="User at the proxy; rendered.")
    proxy_password: str | None = Field(default=None, title="Password at the proxy; rendered.")
    default_charset: str = Field(default="UTF-8", title="Charset of a body whose answer names none.")
    follow_redirects: Property[bool] | None = Field(
        default=None, title="Whether redirects are followed; yes unless false."
    )
    log_level: HttpLogLevel | None = Field(default=None, title="Accepted for old flows; headers are logged at DEBUG.")
    basic_auth_user: str | None = Field(default=None, title="User for HTTP Basic; rendered.")
    basic_auth_password: str | None = Field(default=None, title="Password for HTTP Basic; rendered.")

    def check(self) -> list[str]:
        """What is wrong beyond types."""
        if self.proxy_type is not ProxyType.DIRECT and (self.proxy_address is None or self.proxy_port is None):
            return [f"`proxyType: {self.proxy_type}` needs `proxyAddress` and `proxyPort`"]
        return []


class SslOptions(PluginModel):
    """Options of TLS."""

    insecure_trust_all_certificates: bool = Field(
        default=False, title="Whether any certificate is believed; for tests alone."
    )
