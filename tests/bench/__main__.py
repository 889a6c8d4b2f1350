"""`make bench`: workloads against a running server, as figures and as ratios to the machine's own durable commit.

python -m tests.bench [expressions | sql | scale-access |
one w1 w3 w4 w4-paced w6 w6-large sleepers chain slow-commit schedules
idle-schedules followers apps]; the variables
KESTRA_EE_BENCH_URL, _USER, _PASSWORD, _DATABASE_URL and _HOME name a server that runs already.
"""

from __future__ import annotations

import sys

from tests.bench import expressions, scale_access, sql
from tests.bench.figures import Figure
from tests.bench.machine import durable_commit_ms
from tests.bench.server import bench_server
from tests.bench.workloads import USUAL, WORKLOADS

EXPRESSIONS, SQL, ACCESS = "expressions", "sql", "scale-access"
"""The workloads that need no server."""


def main(wanted: list[str]) -> int:
    """Run the named workloads, all by default, and print the table."""
    if wanted == [EXPRESSIONS] or not wanted:
        expressions.main()
        if wanted:
            return 0
    if wanted == [SQL]:
        return sql.main()
    if wanted == [ACCESS]:
        return scale_access.main()
    unknown = [name for name in wanted if name not in WORKLOADS]
    if unknown:
        print(
            f"No such workload: {', '.join(unknown)}."
            f" There are {EXPRESSIONS}, {SQL}, {ACCESS}, {', '.join(WORKLOADS)}.",
            file=sys.stderr,
        )
        return 2
    with bench_server() as server:
        if server.database_url is None:
            print("The server's database is not known: ratios are left out (KESTRA_EE_BENCH_DATABASE_URL).")
            commit = float("nan")
        else:
            commit = durable_commit_ms(server.database_url)
            show(Figure("durable commit of one row, one connection", commit, "ms"))
        for name in wanted or USUAL:
            for figure in WORKLOADS[name](server, commit):
                show(figure)
    return 0


def show(figure: Figure) -> None:
    """One line of the table."""
    ratio = "" if figure.per_commit is None else f"{figure.per_commit:8.1f} x commit"
    print(f"{figure.name:<52}{figure.value:>12,.2f} {figure.unit:<5}{ratio}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
