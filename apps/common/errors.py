"""What a service says when it cannot do what was asked; `api` and `error_pages` turn it into an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the input: what, and where it stands (`path` like `tasks[0].id`)."""

    message: str
    path: str = ""
    line: int | None = None
    column: int | None = None


class ProductError(Exception):
    """Base. `status` is the HTTP status, `reason` the first words of the message."""

    status: ClassVar[int] = 500
    reason: ClassVar[str] = "Internal Server Error"

    def __init__(self, message: str, *, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems) or (Problem(message),)


class BadRequest(ProductError):
    """A query value is missing or cannot be read."""

    status, reason = 400, "Bad Request"


class Unauthenticated(ProductError):
    """Nobody is signed in, or the credentials are wrong."""

    status, reason = 401, "Unauthorized"


class Forbidden(ProductError):
    """Somebody is signed in but may not do this."""

    status, reason = 403, "Forbidden"


class NotFound(ProductError):
    """There is no such thing, or not for this person."""

    status, reason = 404, "Not Found"


class IllegalState(ProductError):
    """The thing is there but not in a state for this: a duplicate, a disabled flow, an ended execution."""

    status, reason = 409, "Illegal state"


class Expired(ProductError):
    """It was there and its time is over."""

    status, reason = 410, "Gone"


class IllegalArgument(ProductError):
    """A value that can be read but not used."""

    status, reason = 422, "Illegal argument"


class Invalid(ProductError):
    """Input with one or more problems, all of them listed."""

    status, reason = 422, "Invalid entity"

    def __init__(self, message: str = "", *, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message or "; ".join(problem.message for problem in problems), problems=problems)


class TooManyRequests(ProductError):
    """Asked too often; wait and try again."""

    status, reason = 429, "Too Many Requests"
