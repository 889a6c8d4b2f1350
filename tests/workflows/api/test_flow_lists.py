"""Lists of flows: search, filters, pages, namespaces, sources; and how many queries they take."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api_client import ApiClient
from tests.workflows.api.conftest import flow_source


@pytest.fixture
def many(as_alice: ApiClient) -> ApiClient:
    """Six flows in four namespaces."""
    sources = [
        flow_source("build_request_temp", labels="team: data, env: prod"),
        flow_source("cleanup", labels="team: data"),
        flow_source("report", "company.team.sub", message="'needle in here'"),
        flow_source("report", "company.teams"),
        flow_source("watch", "system"),
        flow_source("solo", "other"),
    ]
    for source in sources:
        assert as_alice.post("/flows", source).status_code == 200
    return as_alice


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [f"{flow['namespace']}.{flow['id']}" for flow in answer.json()["results"]]


def test_namespace_means_itself_and_what_lies_below(many: ApiClient) -> None:
    answer = many.get("/flows/search", namespace="company.team", size=50)
    assert names(answer) == ["company.team.build_request_temp", "company.team.cleanup", "company.team.sub.report"]
    assert answer.json()["total"] == 3


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "team clean"}, ["company.team.cleanup"]),
        ({"q": "CLEAN company"}, ["company.team.cleanup"]),
        ({"q": "brt"}, ["company.team.build_request_temp"]),
        ({"q": "100%"}, []),
        ({"q": "build_request"}, ["company.team.build_request_temp"]),
        ({"labels": "env:prod"}, ["company.team.build_request_temp"]),
        ({"labels": ["team:data", "env:prod"]}, ["company.team.build_request_temp"]),
        ({"labels": "team:nothing"}, []),
        ({"scope": "SYSTEM"}, ["system.watch"]),
        ({"filters[namespace][EQUALS]": "company.team.sub"}, ["company.team.sub.report"]),
        ({"filters[namespace][STARTS_WITH]": "company.teams"}, ["company.teams.report"]),
        ({"filters[namespace][PREFIX]": "other"}, ["other.solo"]),
        ({"filters[flowId][IN]": "solo,cleanup"}, ["company.team.cleanup", "other.solo"]),
        ({"filters[flowId][NOT_IN]": "report,solo,watch,cleanup"}, ["company.team.build_request_temp"]),
        ({"filters[flowId][REGEX]": "^c.*p$"}, ["company.team.cleanup"]),
        ({"filters[flowId][ENDS_WITH]": "olo"}, ["other.solo"]),
        ({"filters[labels][EQUALS][env]": "prod"}, ["company.team.build_request_temp"]),
        ({"filters[labels][NOT_EQUALS][team]": "data", "namespace": "company.team"}, ["company.team.sub.report"]),
        ({"filters[scope][EQUALS]": "SYSTEM"}, ["system.watch"]),
    ],
)
def test_filters(many: ApiClient, query: dict[str, Any], expected: list[str]) -> None:
    assert names(many.get("/flows/search", size=50, **query)) == expected


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"filters[nothing][EQUALS]": "x"}, 400),
        ({"filters[flowId][LIKE]": "x"}, 400),
        ({"filters[flowId][REGEX]": "("}, 400),
        ({"filters[flowId][REGEX]": "(?P<n>a)"}, 400),
        ({"filters[scope][EQUALS]": "NOBODY"}, 400),
        ({"labels": "without-colon"}, 400),
        ({"size": 0}, 422),
        ({"size": 1001}, 422),
        ({"page": 0}, 422),
        ({"page": "x"}, 400),
        ({"sort": "id"}, 422),
        ({"sort": "source:asc"}, 422),
    ],
)
def test_what_cannot_be_understood_is_refused(many: ApiClient, query: dict[str, Any], status: int) -> None:
    assert many.get("/flows/search", **query).status_code == status


def test_pages_meet_without_gap_or_overlap(many: ApiClient) -> None:
    pages = [many.get("/flows/search", size=2, page=page, sort="id:desc").json() for page in (1, 2, 3, 4)]
    ids = [flow["id"] for page in pages for flow in page["results"]]
    assert ids == ["watch", "solo", "report", "report", "cleanup", "build_request_temp"]
    assert [page["total"] for page in pages] == [6, 6, 6, 6]
    assert len(many.get("/flows/search").json()["results"]) == 6


def test_list_shows_what_the_viewer_may_see(many: ApiClient, as_bob: ApiClient) -> None:
    assert names(as_bob.get("/flows/search")) == [
        "company.team.build_request_temp",
        "company.team.cleanup",
        "company.team.sub.report",
    ]
    assert as_bob.get("/flows/distinct-namespaces").json() == ["company.team", "company.team.sub"]
    assert as_bob.get("/flows/source", q="needle").json()["total"] == 1
    assert as_bob.get("/flows/source", q="hi").json()["total"] == 2


def test_one_namespace_is_listed_without_those_below(many: ApiClient) -> None:
    answer = many.get("/flows/company.team")
    assert [flow["id"] for flow in answer.json()] == ["build_request_temp", "cleanup"]
    assert answer.headers["X-Total-Count"] == "2"


def test_namespaces_are_narrowed_by_words(many: ApiClient) -> None:
    assert many.get("/flows/distinct-namespaces", q="team").json() == [
        "company.team",
        "company.team.sub",
        "company.teams",
    ]


def test_source_search_marks_what_was_found(many: ApiClient) -> None:
    (hit,) = many.get("/flows/source", q="NEEDLE in").json()["results"]
    assert hit["model"]["namespace"] == "company.team.sub"
    assert len(hit["fragments"]) == 1
    assert "[mark]needle in[/mark] here" in hit["fragments"][0]


def test_number_of_queries_does_not_grow_with_the_flows(
    as_alice: ApiClient, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    for number in range(3):
        as_alice.post("/flows", flow_source(f"flow{number}"))
    few = count_queries(lambda: as_alice.get("/flows/search", size=20))
    for number in range(3, 18):
        as_alice.post("/flows", flow_source(f"flow{number}"))
    assert count_queries(lambda: as_alice.get("/flows/search", size=20)) == few
    assert len(as_alice.get("/flows/search", size=20).json()["results"]) == 18
