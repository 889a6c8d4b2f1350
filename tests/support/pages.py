"""The pages as a browser sees them, below one tenant: what is on them, their forms, their fragments."""

import re
from html import unescape
from typing import Any

from django.test import Client

from apps.accounts.models import User


class Shown:
    """An answer: its status, its HTML, and its text without tags."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self.status: int = response.status_code
        self.html: str = "" if response.streaming else response.content.decode()

    @property
    def text(self) -> str:
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.html)).split())

    @property
    def location(self) -> str:
        """Where it sends the browser, with or without htmx."""
        return str(self.response.headers.get("Location") or self.response.headers.get("HX-Redirect") or "")

    def value_of(self, field: str) -> str:
        """The value of an input, or the text of a text area."""
        for tag in re.findall(r"<input[^>]*>", self.html):
            if f'name="{field}"' in tag:
                found = re.search(r'value="([^"]*)"', tag)
                return unescape(found[1]) if found else ""
        area = re.search(rf'<textarea[^>]*name="{re.escape(field)}"[^>]*>\n?(.*?)</textarea>', self.html, re.DOTALL)
        assert area is not None, f"there is no field {field}"
        return unescape(area[1])

    def links(self) -> set[str]:
        """Where links and forms lead."""
        return {unescape(target) for target in re.findall(r'(?:href|action|hx-get)="(/ui/[^"]*)"', self.html)}


class Pages:
    """`Pages(alice).get("/flows", q="x")` asks for /ui/alpha/flows?q=x; user None is nobody."""

    def __init__(self, user: User | None = None, *, tenant: str = "alpha") -> None:
        self.client = Client()
        self.base = f"/ui/{tenant}"
        if user is not None:
            self.client.force_login(user)

    def get(self, path: str, **query: Any) -> Shown:
        return Shown(self.client.get(self.base + path, query_params=query))

    def fragment(self, path: str, **query: Any) -> Shown:
        """As htmx asks."""
        return Shown(self.client.get(self.base + path, query_params=query, headers={"HX-Request": "true"}))

    def post(self, path: str, *, htmx: bool = False, **fields: Any) -> Shown:
        """Field names may hold dots: `post(path, **{"inputs.name": "x"})`."""
        headers = {"HX-Request": "true"} if htmx else {}
        return Shown(self.client.post(self.base + path, fields, headers=headers))
