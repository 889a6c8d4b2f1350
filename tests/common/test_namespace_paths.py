"""How namespaces lie in one another."""

from apps.common.namespace_paths import is_namespace, is_within, is_within_any, lineage, outermost, parents


def test_parents_come_nearest_first() -> None:
    assert parents("a.b.c") == ["a.b", "a"]
    assert parents("a") == []
    assert lineage("a.b") == ["a.b", "a"]


def test_a_common_beginning_is_not_a_parent() -> None:
    assert is_within("a.b", "a")
    assert is_within("a", "a")
    assert not is_within("ab", "a")
    assert not is_within("a", "a.b")
    assert is_within_any("x.y", ["a", "x"])
    assert not is_within_any("x", [])


def test_outermost_drops_what_lies_within_another() -> None:
    assert outermost(["b.c", "a-x", "a.b", "a", "b.c.d", "a"]) == ["a", "a-x", "b.c"]
    assert outermost([]) == []


def test_names() -> None:
    assert is_namespace("company.team-1_x")
    assert not any(map(is_namespace, ["", ".a", "A", "a b", "a" * 151]))
