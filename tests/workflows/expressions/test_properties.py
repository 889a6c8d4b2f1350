"""Whatever is thrown at the language, it answers with a value or an ExpressionError."""

import contextlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.workflows.expressions.environment import ExpressionError, check_syntax, reference, render, render_typed

TAGS = "if elseif else endif for in endfor set macro endmacro block endblock filter endfilter verbatim endverbatim raw"
MARKS = "{{ }} {% %} {# #} {{- -}} ( ) [ ] { } , : ? ?? ??? . .. = == != < >= + - * / % ~ | #{ ' \" \\"
OTHERS = "is not and or contains equals a b loop index null true 0 1 2.5 3L 's' \"t#{a}\" é defined endraw"
WORDS = [*TAGS.split(), *MARKS.split(), *OTHERS.split(), "is not", " ", "\n"]
NAMES = [entry.name for entry in reference() if entry.name not in ("jq", "id", "uuid")]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None, database=None)
@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join) | st.text(max_size=60))
def test_any_text_is_rendered_or_refused(text: str) -> None:
    for wrapped in (text, "{{ " + text + " }}"):
        with contextlib.suppress(ExpressionError):
            check_syntax(wrapped)
            assert isinstance(render(wrapped, {"a": [1, "x"], "b": {"index": 2}}), str)


@settings(max_examples=300, deadline=None, database=None)
@given(st.sampled_from(NAMES), st.lists(VALUES, max_size=3), VALUES)
def test_any_operation_takes_any_value(name: str, arguments: list[object], operand: object) -> None:
    names = {"operand": operand} | {f"a{index}": value for index, value in enumerate(arguments)}
    given_ = "(" + ", ".join(f"a{index}" for index in range(len(arguments))) + ")"
    for expression in (f"operand | {name}{given_}", f"{name}{given_}", f"operand is {name}"):
        with contextlib.suppress(ExpressionError):
            assert isinstance(render("{{ " + expression + " }}", names), str)


@settings(max_examples=200, deadline=None, database=None)
@given(
    VALUES,
    VALUES,
    st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "and", "or", "contains", "~", "..", "??", "???"]),
)
def test_any_operator_takes_any_values(left: object, right: object, operator: str) -> None:
    with contextlib.suppress(ExpressionError):
        render_typed(f"{{{{ left {operator} right }}}}", {"left": left, "right": right})


JSON = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None, database=None)
@given(JSON)
def test_documents_read_back_as_they_were_written(value: object) -> None:
    assert json.loads(render("{{ v | toJson }}", {"v": value})) == value
    assert render_typed("{{ fromJson(toJson) }}", {"toJson": render("{{ v | toJson }}", {"v": value})}) == value
    assert render_typed("{{ fromIon(ion) }}", {"ion": render("{{ v | toIon }}", {"v": value})}) == value
