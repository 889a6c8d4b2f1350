"""What a filter bar asks for while somebody types: keys, comparators, values with counts, sentences, saved searches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from apps.accounts.models import User
from apps.accounts.selectors import current_user
from apps.accounts.services.preferences import save_table_choice
from apps.bookmarks.selectors import list_saved_searches
from apps.common.access import member
from apps.common.current_tenant import require_tenant
from apps.common.errors import NotFound
from apps.common.htmx import redirect
from apps.common.search_filters import BadFilter
from apps.common.search_filters.keys import Key, Keys, Kind
from apps.common.search_filters.phrases import suggest_phrase
from apps.rbac.decisions import can, visible_namespaces
from apps.workflows.selectors.facets import count_flow_values, count_states
from apps.workflows.selectors.filter_keys import ALL_KEYS
from apps.workflows.selectors.flows import add_visible, list_flow_ids, list_namespaces, not_deleted
from apps.workflows.views.execution_lists import filter_of
from apps.workflows.views.listing import DENSITIES, SIZES, TIMES, Listing, read_listing

MOST: Final = 12
PERMISSIONS: Final = {"executions": "EXECUTION", "flows": "FLOW", "logs": "EXECUTION", "triggers": "FLOW"}
_LAST: Final = re.compile(r'(?:[^\s"]|"(?:\\.|[^"\\])*"?)*$')
_HEAD: Final = re.compile(r"(-?)([A-Za-z]\w*)(\[[^\]]+\])?(!~:|!:|!=|~:|\^:|\$:|>=|<=|:|=|>|<)(.*)", re.DOTALL)
_MOST_COLUMNS: Final = 30


@dataclass(frozen=True)
class Option:
    """One line of the list: `text` takes the place of the last `replaces` characters; `done` applies it."""

    label: str
    text: str
    replaces: int
    note: str = ""
    icon: str = "filter"
    state: str = ""
    done: bool = True
    href: str = ""


@dataclass(frozen=True)
class Group:
    """Options under a heading."""

    title: str
    options: Sequence[Option]


@member
def suggest(request: HttpRequest, page: str) -> HttpResponse:
    """Options for what is `typed`, given the criteria that stand (`query`): at most two bounded counts."""
    keys = _keys(page)
    user = current_user(request)
    allowed = can(user, PERMISSIONS[page], "READ")
    typed = request.GET.get("part", "")[:500]
    listing = read_listing(request, keys, ())
    match = _LAST.search(typed)
    last = match.group() if match else ""
    groups = []
    if said := suggest_phrase(typed.strip(), keys):
        option = Option(said, said, len(typed), f"from “{typed.strip()[:40]}”", "bolt")
        groups.append(Group("Suggestion", [option]))
    if head := _HEAD.fullmatch(last):
        if (key := keys.find(head[2])) and allowed:
            groups.append(Group(f"{key.name}, values", _values(user, listing, key, head[5], head)))
    elif key := keys.find(last):
        groups.append(Group(key.about, _comparators(key, last)))
    else:
        groups.append(Group("Filter by", list(_keys_like(keys, last))))
    if not last:
        found = list_saved_searches(user, page)[:5]
        options = [Option(one.name, "", 0, one.shared.lower() if one.shared != "NOBODY" else "", "star",
                          href=f"{request.GET.get('at', '')}?{one.query}") for one in found]  # fmt: skip
        groups.append(Group("Saved searches", options))
    return render(request, "workflows/lists/_suggestions.html", {"groups": [one for one in groups if one.options]})


@member
def choose_table(request: HttpRequest, page: str) -> HttpResponseBase:
    """Keeps which columns a list has, in which order, how many rows and how high; `do=reset` forgets it."""
    _keys(page)
    given = request.POST
    names = [name[:40] for name in given.getlist("columns")[:_MOST_COLUMNS]]
    names.sort(key=lambda name: _place(given.get(f"place.{name}", "")))
    choice: dict[str, object] = {"columns": names}
    if given.get("size", "") in map(str, SIZES):
        choice["size"] = int(given["size"])
    if given.get("density", "") in DENSITIES:
        choice["density"] = given["density"]
    if given.get("do") == "reset":
        choice = {}
    save_table_choice(acting_user=current_user(request), table=page, choice=choice)
    messages.success(request, "The table is as you chose, in every browser you sign in with.")
    back = given.get("back", "")
    below = reverse("ui:home", kwargs={"tenant": require_tenant()})
    ours = back.startswith(below) and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return redirect(request, back if ours else below)


def _keys(page: str) -> Keys:
    if page not in ALL_KEYS:
        raise NotFound(f"There is no list '{page[:40]}'. There are {', '.join(ALL_KEYS)}.")
    return ALL_KEYS[page]


def _place(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 4 else _MOST_COLUMNS


def _keys_like(keys: Keys, part: str) -> Iterable[Option]:
    negative = part.startswith("-")
    wanted = part.lstrip("-").lower()
    beginning = [key for key in keys if key.name.lower().startswith(wanted)]
    within = [key for key in keys if wanted in key.about.lower() and key not in beginning and len(wanted) > 1]
    for key in [*beginning, *within][:MOST]:
        text = "-" * negative + key.name + ("[" if key.kind is Kind.MAP else ":")
        yield Option(text, text, len(part), key.about, key.icon, done=False)


def _comparators(key: Key, part: str) -> list[Option]:
    name = part
    signs: dict[Kind, Sequence[tuple[str, str]]] = {
             Kind.DURATION: ((">", "over"), ("<", "under")), Kind.NUMBER: ((":", "is"), (">", "over"), ("<", "under")),
             Kind.TIME: ((":", "within"),), Kind.FLAG: ((":", "is"),), Kind.LEVEL: ((":", "at least"),),
             Kind.CHOICE: ((":", "is"), ("!=", "is not"))}  # fmt: skip
    texts: Sequence[tuple[str, str]] = (
        (":", "is"),
        ("!=", "is not"),
        ("~:", "contains"),
        ("^:", "starts with"),
        ("$:", "ends with"),
        ("=~/", "matches"),
    )
    if key.kind is Kind.NAMESPACE:
        texts = [(":", "within"), ("=", "is"), *texts[1:]]
    if key.kind is Kind.MAP:
        return [Option(f"{name}[", f"{name}[", len(part), "its name, then ]:value", key.icon, done=False)]
    return [
        Option(name + sign, name + sign, len(part), word, key.icon, done=False)
        for sign, word in signs.get(key.kind, texts)
    ]


def _values(user: User, listing: Listing, key: Key, part: str, head: re.Match[str]) -> list[Option]:
    """Values that go on with what is typed of the last one, those with most rows first."""
    before, comma, beginning = part.rpartition(",")
    written = "".join(group or "" for group in head.groups()[:4])
    length, wanted = len(written) + len(part), beginning.strip('"').lower()
    known = _known_values(user, listing, key, wanted)
    options = []
    for value, count in known:
        if wanted and wanted not in value.lower():
            continue
        quoted = (
            value if re.fullmatch(r'[^\s,"\\]+', value) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        )
        note = "" if count is None else str(count)
        state = value if key.name in {"state", "lastState"} else ""
        options.append(Option(value, written + before + comma + quoted, length, note, key.icon, state))
    return options[:MOST]


def _known_values(user: User, listing: Listing, key: Key, wanted: str) -> list[tuple[str, int | None]]:
    if key.kind is Kind.FLAG:
        return [("YES", None), ("NO", None)]
    if key.kind is Kind.TIME:
        return [(one, None) for one in TIMES]
    counts = _counts(user, listing, key) if key.counted and listing.keys.page == "executions" else {}
    if key.values:
        return sorted(((value, counts.get(value)) for value in key.values), key=lambda one: -(one[1] or 0))
    if key.name in {"namespace", "flow"}:
        conditions = not_deleted()
        add_visible(conditions, visible_namespaces(user, PERMISSIONS[listing.keys.page]))
        column: Callable[..., list[str]] = list_namespaces if key.name == "namespace" else list_flow_ids
        conditions.add(f"f.{'namespace' if key.name == 'namespace' else 'flow_id'} ILIKE %s", f"%{_literal(wanted)}%")
        found = dict.fromkeys(column(conditions)[:200])
        return sorted(((value, counts.get(value)) for value in found), key=lambda one: (-(one[1] or 0), one[0]))
    return []


def _counts(user: User, listing: Listing, key: Key) -> dict[str, int]:
    try:
        wanted = filter_of(listing.narrowed(without=key.name), visible_namespaces(user, "EXECUTION"))
    except BadFilter:
        return {}
    if key.name == "state":
        return count_states(wanted)
    namespaces, flows = count_flow_values(wanted)
    return namespaces if key.name == "namespace" else flows


def _literal(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)
