"""The filter grammar: flat, bracketed, and as pages write it."""

import pytest

from apps.common.search_filters import BadFilter, Criterion, Op, parse_api_filters, parse_page_filters, split_list

FIELDS = ("q", "namespace", "flowId", "state", "labels", "startDate", "endDate", "timeRange", "scope", "details")


def api(*pairs: tuple[str, str]) -> list[Criterion]:
    return parse_api_filters(pairs, fields=FIELDS)


def test_flat_parameters_mean_what_they_meant_in_0_20() -> None:
    assert api(
        ("q", "etl"), ("namespace", "company"), ("state", "FAILED"), ("state", "WARNING,KILLED"), ("page", "2")
    ) == [
        Criterion("q", Op.EQUALS, ("etl",)),
        Criterion("namespace", Op.PREFIX, ("company",)),
        Criterion("state", Op.IN, ("FAILED", "WARNING", "KILLED")),
    ]


def test_labels_are_key_and_value_and_keep_commas_and_colons() -> None:
    assert api(("labels", "env:prod"), ("labels", "url:http://a,b")) == [
        Criterion("labels", Op.EQUALS, ("prod",), "env"),
        Criterion("labels", Op.EQUALS, ("http://a,b",), "url"),
    ]
    with pytest.raises(BadFilter, match="must look like key:value"):
        api(("labels", "env"))


@pytest.mark.parametrize(
    ("name", "value", "criterion"),
    [
        ("filters[namespace][PREFIX]", "a.b", Criterion("namespace", Op.PREFIX, ("a.b",))),
        ("filters[state][IN]", "FAILED,KILLED", Criterion("state", Op.IN, ("FAILED", "KILLED"))),
        ("filters[state][not_in]", "FAILED", Criterion("state", Op.NOT_IN, ("FAILED",))),
        ("filters[q][EQUALS]", "a,b", Criterion("q", Op.EQUALS, ("a,b",))),
        ("filters[labels][EQUALS][env]", "prod", Criterion("labels", Op.EQUALS, ("prod",), "env")),
        ("filters[labels][NOT_EQUALS]", "env:prod", Criterion("labels", Op.NOT_EQUALS, ("prod",), "env")),
        ("filters[labels][EQUALS][a.b/c]", "x", Criterion("labels", Op.EQUALS, ("x",), "a.b/c")),
        ("filters[and][0][flowId][CONTAINS]", "x", Criterion("flowId", Op.CONTAINS, ("x",))),
        ("filters[or][1][flowId][CONTAINS]", "x", Criterion("flowId", Op.CONTAINS, ("x",), group=1)),
    ],
)
def test_bracketed_form(name: str, value: str, criterion: Criterion) -> None:
    assert api((name, value)) == [criterion]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("filters[namespce][EQUALS]", "did you mean 'namespace'"),
        ("filters[namespace][EQUAL]", "did you mean 'EQUALS'"),
        ("filters[namespace]", "must look like"),
        ("filters[or][x][namespace][EQUALS]", "must look like"),
        ("filters[labels][EQUALS]", "needs a key"),
    ],
)
def test_what_cannot_be_understood_is_said_with_a_guess(name: str, said: str) -> None:
    with pytest.raises(BadFilter) as raised:
        api((name, "x"))
    assert said in str(raised.value)


def test_time_range_excludes_dates_in_any_form() -> None:
    with pytest.raises(BadFilter, match="not both"):
        api(("timeRange", "PT1H"), ("startDate", "2026-01-01T00:00:00Z"))
    with pytest.raises(BadFilter, match="not both"):
        api(("filters[timeRange][EQUALS]", "PT1H"), ("endDate", "2026-01-01T00:00:00Z"))


def test_page_form_with_operators_lists_and_keys() -> None:
    criteria, unknown = parse_page_filters(
        [
            ("state", "FAILED,WARNING"),
            ("state.not", "KILLED"),
            ("labels[team]", "data"),
            ("labels[team].unset", ""),
            ("flowId.prefix", "a\\,b"),
            ("namespace", "company"),
            ("namespace", "other"),
            ("stat", "x"),
            ("state.like", "x"),
        ],
        fields=FIELDS,
        defaults={"namespace": Op.PREFIX},
    )
    assert criteria == [
        Criterion("state", Op.IN, ("FAILED", "WARNING")),
        Criterion("state", Op.NOT_IN, ("KILLED",)),
        Criterion("labels", Op.IN, ("data",), "team"),
        Criterion("labels", Op.IS_NOT_SET, (), "team"),
        Criterion("flowId", Op.PREFIX, ("a,b",)),
        Criterion("namespace", Op.PREFIX, ("company", "other")),
    ]
    assert unknown == ["stat (did you mean 'state'?)", "state.like (did you mean 'state'?)"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        (r"a\,b,c", ["a,b", "c"]),
        (r"a\\", ["a\\"]),
        ("a\\", ["a\\"]),
        (",,", []),
    ],
)
def test_lists_are_split_at_commas_that_are_not_escaped(text: str, values: list[str]) -> None:
    assert split_list(text) == values
