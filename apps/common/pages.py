"""One page from a function per method, each with its own access mark; `endpoint` of `api` for pages."""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from apps.common.access import ANY_METHOD, marks_of, set_marks

View = Callable[..., HttpResponseBase]
IN_VIEW: Final = ""
"""In place of the argument that holds a namespace, in `access`: the view itself looks, since an object in a namespace
the person may not read is 404 on a page, not 403."""


def page(*, GET: View | None = None, POST: View | None = None) -> View:  # noqa: N803
    """A view for `urls.py`: `page(GET=show_flow, POST=save_flow)`. Other methods are 405."""
    handlers = {method: view for method, view in (("GET", GET), ("POST", POST)) if view is not None}

    def dispatch(request: HttpRequest, *args: Any, **arguments: Any) -> HttpResponseBase:
        view = handlers.get("GET" if request.method == "HEAD" else request.method or "")
        if view is None:
            return HttpResponseNotAllowed(sorted(handlers))
        return view(request, *args, **arguments)

    first = next(iter(handlers.values()))
    dispatch.__name__, dispatch.__module__, dispatch.__doc__ = first.__name__, first.__module__, first.__doc__
    set_marks(dispatch, {method: marks_of(view)[ANY_METHOD] for method, view in handlers.items()})
    return dispatch
