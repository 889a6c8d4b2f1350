"""Filters and tests on texts, numbers and lists, by table."""

import pytest

from apps.workflows.expressions.environment import ExpressionError, render
from apps.workflows.expressions.values import Float32

NAMES = {
    "s": "some text",
    "l": [3, 1, 2],
    "m": {"b": 1, "a": None},
    "nothing": None,
    "single": Float32(1.2345678),
    "big": 12345678901234567890,
}


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("[1, 'a'] | upper", "[1, A]"),
        ("'ab  cd' | title", "Ab  Cd"),
        ("'abcdef' | abbreviate(3)", "abc"),
        ("'' | default('x')", "x"),
        ("[] | default('x')", "x"),
        ("m | default('x') | length", "2"),
        ("missing.a | default(missing | default('y'))", "y"),
        ("[1, null] | join('-')", "1-null"),
        ("[1.5, true] | join", "1.5true"),
        ("nothing | length", "0"),
        ("m | merge({'c': 2})", '{"b":1,"c":2}'),
        ("nothing | merge([1])", "[1]"),
        ("['b', 'a'] | sort", '["a","b"]'),
        ("l | rsort", "[3,2,1]"),
        ("l | slice(1)", "[1,2]"),
        ("'a1b22c' | split('[0-9]+')", '["a","b","c"]'),
        ("'abc' | split('')", '["a","b","c"]'),
        ("'a,b,,' | split(',')", '["a","b"]'),
        ("'a,b,,' | split(',', -1)", '["a","b","",""]'),
        ("',a' | split(',')", '["","a"]'),
        ("'' | split(',')", '[""]'),
        ("'a|b' | split('\\|')", '["a","b"]'),
        ("'a\\d' | length", "3"),
        ("'x y+z/ü' | urlencode | urldecode", "x y+z/ü"),
        ("'YWI' | base64decode", "ab"),
        ("'a.b.c' | substringAfterLast('.')", "c"),
        ("'abc' | substringAfterLast('.')", ""),
        ("'abc' | substringBefore('.')", "abc"),
        ("'abc' | substringBeforeLast('')", "abc"),
        ("'  L\\'été, c_est  -- fini !' | slugify", "lete-c-est-fini"),
        ("\"it's\" | escapeChar('shell')", "it'\\''s"),
        ("{'a': ['\"', 1]} | escapeChar('double')", '{"a":["\\\\\\"","1"]}'),
        ("'abc' | replace({'a': 'b', 'b': 'c'})", "ccc"),
        ("'a.c' | replace({'.': '$1'})", "a$1c"),
        ("'2024-01' | replace({'(?<y>\\d+)-(\\d+)': '$2/${y}'}, regexp=true)", "01/2024"),
        ("'a\tb' | replace({'\\p{Space}': '_'}, regexp=true)", "a_b"),
        ("'héé1' | replace({'[\\p{L}&&[^h]]++': ''}, regexp=true)", "h1"),
        ("'é1 _' | replace({'[\\W&&[^ ]]|\\d': ''}, regexp=true)", " _"),
        ("'a.b' | replace({'\\Q.\\E': '\\$'}, regexp=true)", "a$b"),
        ("[[1], 2, [[3]]] | flatten", "[1,2,[3]]"),
        ("l | keys", "[0,1,2]"),
        ("m | values", "[1,null]"),
        ("1 | indent(2)", "1"),
        ("'a\r\nb' | nindent(1, '>')", "\r\n>a\r\n>b"),
        ("nothing | nindent(2)", ""),
        ("'a' | startsWith(value='a')", "true"),
        # Numbers.
        ("0.5 | numberFormat('#.##')", "0.5"),
        ("0.5 | numberFormat('.##')", ".5"),
        ("0 | numberFormat('#')", "0"),
        ("1234.5 | numberFormat", "1,234.5"),
        ("1234567 | numberFormat('#,##0')", "1,234,567"),
        ("2.675 | numberFormat('0.00')", "2.67"),
        ("0.125 | numberFormat('0.00')", "0.12"),
        ("-5 | numberFormat('0;(0)')", "(5)"),
        ("0.1234 | numberFormat('#.##%')", "12.34%"),
        ("12345 | numberFormat('00.##E0')", "12.34E3"),
        ("12345 | numberFormat('##0.###E0')", "12.345E3"),
        ("0 | numberFormat('0.0E0')", "0.0E0"),
        ("0.00012 | numberFormat('0.0E00')", "1.2E-04"),
        ("5 | numberFormat(\"'#'0\")", "#5"),
        ("single | numberFormat('0.000')", "1.235"),
        ("'12.3' | number", "12.3"),
        ("'12.3' | number | className", "java.lang.Float"),
        ("'3.14159265' | number | className", "java.lang.Double"),
        ("'-0x1f' | number", "-31"),
        ("'12L' | number", "12"),
        ("'1.5e300' | number", "1.5E300"),
        ("'5' | number('DOUBLE')", "5.0"),
        ("big | className", "java.math.BigInteger"),
        ("big + 1", "12345678901234567891"),
        ("[1] | className", "java.util.ArrayList"),
        ("0.0001", "1.0E-4"),
        ("0.001", "0.001"),
        ("12345678.9", "1.23456789E7"),
        ("123456.0", "123456.0"),
        ("-0.0", "-0.0"),
        # Tests.
        ("' ' is empty", "true"),
        ("m is not empty", "true"),
        ("'' is json", "true"),
        ("'{' is json", "false"),
        ("s is iterable", "false"),
        ("nothing is defined", "false"),
        ("-3 is odd", "true"),
        # Methods.
        ("s.substring(5).toUpperCase()", "TEXT"),
        ("s.replace('e', 'E').indexOf('E')", "3"),
        ("s.charAt(0) ~ s.lastIndexOf('t') ~ s.isEmpty()", "s8false"),
        ("m.getOrDefault('z', 5) ~ m.containsKey('a')", "5true"),
        ("m.entrySet()[0].key ~ l.get(1) ~ l.size", "b13"),
        ("l.subList(1, 3) ~ l.indexOf(2)", "[1, 2]2"),
        # jq.
        ("{'a': [1, 2.5]} | jq('.a | add')", "[3.5]"),
        ("'[1]' | jq('.[0]') | first + 1", "2"),
        ("[] | jq('.[]')", "[]"),
    ],
)
def test_expression_gives(expression: str, result: str) -> None:
    assert render("{{ " + expression + " }}", NAMES) == result


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("5 | trim", "The 'trim' filter can only be applied to String."),
        ("[1, 'a'] | sort", "The 'sort' filter expects items that can be compared with each other."),
        ("m | join", "The 'join' filter expects that the input is either a collection or an array."),
        ("[] | first", "The 'first' filter expects a list that is not empty."),
        ("s | chunk(2)", "'chunk' filter can only be applied to List."),
        ("l | chunk(0)", "The 'chunk' filter expects a size greater than 0."),
        ("'a' | split('(')", "The regular expression is not valid"),
        ("'a' | replace({'a': '$1'}, regexp=true)", "No group 1"),
        ("'%zz' | urldecode", "URLDecoder: Illegal hex characters in escape (%) pattern"),
        ("5 | md5", "Need a string to hash"),
        ("'x' | number('INT')", "The 'number' filter can not read this text"),
        ("'3000000000' | number('INT')", "The 'number' filter can not read this text"),
        ("5 | numberFormat('0.0.0')", 'Malformed pattern "0.0.0"'),
        ("nothing is odd", 'Can not pass null value to "odd" test.'),
        ("s.charAt(99)", "String index out of range: 99"),
        ("s.substring()", "The method substring does not take these arguments."),
        ("s | jq('.a')", "Unable to parse jq value 'some text' with type 'java.lang.String'"),
        ("l | jq('.a')", "Unable to run the jq expression '.a'"),
    ],
)
def test_expression_fails(expression: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        render("{{ " + expression + " }}", NAMES)
    assert caught.value.message.startswith(message)
    assert caught.value.kind == "evaluation"
