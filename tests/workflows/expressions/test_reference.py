"""Every filter, function and test is documented, and its example is true."""

import re
from datetime import UTC, datetime

import pytest

from apps.workflows.expressions.environment import Entry, Functions, reference, render

WORLD = Functions(
    secret=lambda key, namespace, subkey, error_on_missing: {"API_KEY": "s3cr3t"}.get(key),
    kv=lambda key, namespace, error_on_missing: {"colour": "blue"}.get(key),
    read=lambda path: {"hello.txt": "Hello"}[path],
    file_size=lambda path: {"hello.txt": 5}[path],
    error_logs=lambda: [{"message": "broken"}],
    now=lambda: datetime(2024, 12, 20, 10, tzinfo=UTC),
)
ENTRIES = [pytest.param(entry, id=f"{entry.kind}-{entry.name}") for entry in reference()]


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_operation_says_what_it_means_and_shows_a_true_example(entry: Entry) -> None:
    assert entry.meaning.endswith("."), "the docstring starts with a sentence"
    assert entry.signature.startswith(entry.name + "(")
    assert entry.examples, "the docstring ends with an example"
    for example in entry.examples:
        result = render(example.template, {}, WORLD)
        if example.pattern:
            assert re.fullmatch(example.result, result)
        else:
            assert result == example.result


def test_all_the_names_of_the_dialect_are_there() -> None:
    names = {(entry.kind, entry.name) for entry in reference()}
    filters = """abbreviate abs base64encode base64decode capitalize default first last join length lower upper merge
        reverse rsort sort sha256 slice split title trim urlencode numberFormat chunk className date dateAdd timestamp
        timestampNano timestampMicro escapeChar replace flatten indent nindent jq json toJson toIon yaml keys values
        number slugify startsWith endsWith substringBefore substringAfter substringBeforeLast substringAfterLast sha1
        sha512 md5 urldecode"""
    functions = """max min range block parent now json fromJson fromIon yaml secret kv read fileSize fileURI render
        renderOnce currentEachOutput encrypt decrypt errorLogs printContext fetchContext uuid id randomInt"""
    tests = "defined null empty even odd iterable map json"
    for kind, listed in (("filter", filters), ("function", functions), ("test", tests)):
        assert {name for found, name in names if found == kind} == set(listed.split())


def test_signature_shows_names_and_defaults() -> None:
    signatures = {(entry.kind, entry.name): entry.signature for entry in reference()}
    assert signatures["filter", "replace"] == "replace(replace_pairs=…, regexp=false)"
    assert signatures["filter", "date"] == "date(format=…, timeZone=…, existingFormat=…, locale=…)"
    assert signatures["function", "max"] == "max(…)"
    assert signatures["filter", "startsWith"] == "startsWith(value)"
