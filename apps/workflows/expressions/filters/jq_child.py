"""The process in which jq queries run: reads a query and its input a line, answers a line. Run by path, alone.

libjq cannot be interrupted, so its time and memory are limited here, where ending the process harms nobody.
"""

import json
import resource
import sys
from functools import lru_cache
from itertools import islice
from typing import Any

import jq as libjq  # type: ignore[import-not-found,unused-ignore]


@lru_cache(maxsize=256)
def compiled(program: str) -> Any:
    """The query, ready to run; raises ValueError."""
    return libjq.compile(program)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """`results`, or `failed`: which step, and what the library says."""
    try:
        program = compiled(request["program"])
    except ValueError as error:
        return {"failed": "compile", "message": str(error).partition("\n")[0]}
    most: int = request["most"]
    try:
        results = list(islice(program.input_text(request["input"]), most + 1))
    except ValueError as error:
        return {"failed": "run", "message": str(error)}
    return {"failed": "many"} if len(results) > most else {"results": results}


def serve(seconds: int, memory: int) -> None:
    """Answer until the caller is gone. More processor time or memory than allowed ends the process."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        # The limit counts whole seconds of the process's life.
        allowed = int(used.ru_utime + used.ru_stime) + seconds + 1
        resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.RLIM_INFINITY))
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
