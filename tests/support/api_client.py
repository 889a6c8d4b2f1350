"""The API as a client sees it, below one tenant."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from apps.accounts.models import User


class ApiClient:
    """`ApiClient(alice).get("/flows/search", q="x")` asks /api/v1/alpha/flows/search; user None is nobody.

    A body that is a dict or list goes as JSON, a str as YAML; `files` makes it multipart. Root paths: `tenant=None`.
    """

    def __init__(self, user: User | None = None, *, tenant: str | None = "alpha") -> None:
        self.client = Client()
        self.tenant = tenant
        if user is not None:
            self.client.force_login(user)

    def get(self, path: str, /, **query: Any) -> Any:
        return self.client.get(self.url(path), query_params=query)

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return self._send("post", path, body, query)

    def put(self, path: str, body: Any = None, **query: Any) -> Any:
        return self._send("put", path, body, query)

    def patch(self, path: str, body: Any = None, **query: Any) -> Any:
        return self._send("patch", path, body, query)

    def delete(self, path: str, body: Any = None, **query: Any) -> Any:
        return self._send("delete", path, body, query)

    def post_form(self, path: str, parts: dict[str, Any], **query: Any) -> Any:
        """multipart/form-data; a part that is a file has a name."""
        return self.client.post(self.url(path), parts, query_params=query)

    def url(self, path: str) -> str:
        return "/api/v1" + (f"/{self.tenant}" if self.tenant else "") + path

    def _send(self, method: str, path: str, body: Any, query: dict[str, Any]) -> HttpResponse:
        if isinstance(body, str):
            data, content_type = body, "application/x-yaml"
        else:
            data, content_type = ("" if body is None else json.dumps(body)), "application/json"
        sent: HttpResponse = getattr(self.client, method)(
            self.url(path), data=data, content_type=content_type, query_params=query
        )
        return sent
