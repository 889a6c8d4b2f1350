"""page, size and sort of lists."""

import pytest
from django.http import QueryDict

from apps.accounts.models import User
from apps.common.errors import BadRequest, IllegalArgument
from apps.common.pagination import PageRequest, paginate, read_page
from tests.factories import make_user

SORTABLE = {"name": "username", "id": "id"}


def read(query: str) -> PageRequest:
    return read_page(QueryDict(query), sortable=SORTABLE, default=("-id",))


def test_defaults_and_sorts() -> None:
    assert read("") == PageRequest(1, 10, ("-id",))
    assert read("page=3&size=25&sort=name:asc&sort=id:desc") == PageRequest(3, 25, ("username", "-id"))
    assert read("sort=name:DESC").order == ("-username",)


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "size=0", "size=10001", "sort=name", "sort=name:up", "sort=x:asc", "sort=a:b:asc"]
)
def test_out_of_bounds_is_an_illegal_argument(query: str) -> None:
    with pytest.raises(IllegalArgument):
        read(query)


def test_what_is_no_number_is_a_bad_request() -> None:
    with pytest.raises(BadRequest):
        read("page=one")


def test_pages_cut_the_ordered_rows_and_tell_the_total(db: None) -> None:
    names = [make_user(f"p{number}@example.com").username for number in range(7)]
    rows = User.objects.filter(username__in=names)
    page = paginate(rows, PageRequest(2, 3, ("username",)))
    assert [user.username for user in page.results] == names[3:6]
    assert page.total == 7
    assert paginate(rows, PageRequest(4, 3, ("username",))).results == []
