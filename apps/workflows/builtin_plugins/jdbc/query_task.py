"""The SQL tasks as all databases have them: Query, Queries, Batch and the trigger. A database adds how to connect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Annotated, Any, TypeVar, cast

from pydantic import Field

from apps.workflows.builtin_plugins.jdbc.connection import SqlConnection, stoppable
from apps.workflows.builtin_plugins.jdbc.fetching import Fetcher, FetchType, QueryOutput
from apps.workflows.builtin_plugins.jdbc.statements import Statement, bind, split_statements
from apps.workflows.plugin_api.documented import DEPRECATED, Documented
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.model import PluginModel
from apps.workflows.plugin_api.property import Property
from apps.workflows.plugin_api.run_context import RunContext
from apps.workflows.plugin_api.task import Level, Output, RunnableTask
from apps.workflows.plugin_api.trigger import PollingTrigger

_TRANSACTION_WORDS = frozenset({"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "VACUUM"})


class ConnectionProperties(PluginModel):
    """How a database is reached."""

    url: str = Field(title="The JDBC url of the database; rendered.")
    username: str | None = Field(default=None, title="The user; rendered.")
    password: str | None = Field(default=None, title="The user's password; rendered.")
    time_zone_id: str | None = Field(
        default=None, title="The zone, as in `Europe/Paris`, in which dates with a zone are given; UTC unless set."
    )

    def connect(self, context: RunContext) -> SqlConnection:
        """A connection of this task's own. TaskFailed with the database's words when there is none."""
        raise NotImplementedError


class QueryProperties(ConnectionProperties):
    """What is asked, and what becomes of the answer."""

    sql: str | None = Field(default=None, title="The SQL; rendered.")
    fetch_type: FetchType = Field(
        default=FetchType.NONE,
        title="Where the rows go: `STORE` to a file, `FETCH` to outputs, `FETCH_ONE` the first one, `NONE` nowhere.",
    )
    fetch_size: Annotated[int, Field(gt=0, title="Rows fetched from the database at once.")] = 10000
    fetch: bool = Field(default=False, json_schema_extra=DEPRECATED, title="Old name of `fetchType: FETCH`.")
    fetch_one: bool = Field(default=False, json_schema_extra=DEPRECATED, title="Old name of `fetchType: FETCH_ONE`.")
    store: bool = Field(default=False, json_schema_extra=DEPRECATED, title="Old name of `fetchType: STORE`.")

    @property
    def wanted(self) -> FetchType:
        """The fetch type; the names of old come first."""
        if self.fetch:
            return FetchType.FETCH
        if self.fetch_one:
            return FetchType.FETCH_ONE
        return FetchType.STORE if self.store else self.fetch_type

    def sql_variables(self, context: RunContext) -> Mapping[str, Any]:
        """What the SQL may use beside the variables of every task."""
        return {}

    def statements(self, context: RunContext, connection: SqlConnection) -> list[Statement]:
        """The statements of the rendered SQL. TaskFailed when there are none."""
        sql = context.with_variables(self.sql_variables(context)).render(self.sql or "")
        found = split_statements(sql, connection.dialect)
        if not found:
            raise TaskFailed("`sql` holds no statement")
        return found

    def count(self, context: RunContext, size: int) -> None:
        """Report how many rows were fetched."""
        wanted = self.wanted
        fetched = wanted in (FetchType.FETCH, FetchType.FETCH_ONE)
        tags = {"fetch": str(fetched).lower(), "store": str(wanted is FetchType.STORE).lower()}
        context.metric("counter", "fetch.size", size, tags)


C = TypeVar("C", bound=SqlConnection)


@contextmanager
def opened(connect: Callable[[RunContext], C], context: RunContext) -> Iterator[C]:
    """A connection that is closed at the end, and that a kill or a time-out of the task reaches."""
    context.cancellation.check()
    connection = connect(context)
    try:
        with stoppable(context, connection):
            yield connection
    finally:
        connection.close()


@contextmanager
def transaction(context: RunContext, connection: SqlConnection) -> Iterator[None]:
    """All or nothing; a task that has been told to stop commits nothing."""
    connection.begin()
    try:
        yield
        context.cancellation.check()
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def run_query(properties: QueryProperties, context: RunContext) -> QueryOutput:
    """Run the SQL of a Query; the rows of several statements come together."""
    with opened(properties.connect, context) as connection, ExitStack() as stack:
        fetcher = Fetcher(context, properties.wanted, stack)
        statements = properties.statements(context, connection)
        if len(statements) > 1 and not any(one.first_word in _TRANSACTION_WORDS for one in statements):
            stack.enter_context(transaction(context, connection))
        for statement in statements:
            context.cancellation.check()
            context.log(Level.DEBUG, f"Running: {statement.text}")
            rows = connection.run(bind(statement, None, connection.dialect), properties.fetch_size)
            if rows is not None:
                fetcher.take(rows)
        output = fetcher.output()
    if output.size is not None:
        properties.count(context, output.size)
    return output


class QueryTask(QueryProperties, RunnableTask, Documented):
    """Base of the Query tasks."""

    def run(self, context: RunContext) -> QueryOutput:
        return run_query(self, context)


class QueriesOutput(Output):
    """What Queries gives."""

    outputs: list[QueryOutput] = Field(title="For each statement that gives rows, in order, what Query gives for it.")


class QueriesTask(QueryProperties, RunnableTask, Documented):
    """Base of the Queries tasks."""

    parameters: Property[dict[str, Any]] | None = Field(
        default=None, title="Values for `:name` in the SQL, sent apart from it; rendered."
    )
    transaction: Property[bool] = Field(
        default=cast("Property[bool]", True),
        validate_default=True,
        title="Whether all statements take effect together, or none; else each is committed by itself.",
    )

    def run(self, context: RunContext) -> QueriesOutput:
        parameters = None if self.parameters is None else self.parameters.value(context)
        together = self.transaction.value(context)
        with opened(self.connect, context) as connection, ExitStack() as stack:
            if together:
                stack.enter_context(transaction(context, connection))
            outputs = list(self._outputs(context, connection, parameters, stack))
        self.count(context, sum(output.size or 0 for output in outputs))
        return QueriesOutput(outputs=outputs)

    def _outputs(
        self, context: RunContext, connection: SqlConnection, parameters: Mapping[str, Any] | None, stack: ExitStack
    ) -> Iterator[QueryOutput]:
        for number, statement in enumerate(self.statements(context, connection), start=1):
            context.cancellation.check()
            context.log(Level.DEBUG, f"Running: {statement.text}")
            rows = connection.run(bind(statement, parameters, connection.dialect), self.fetch_size)
            if rows is None:
                continue
            fetcher = Fetcher(context, self.wanted, stack, f"rows-{number}.ion")
            fetcher.take(rows)
            if self.wanted is FetchType.NONE:
                context.log(Level.INFO, f"Statement {number} gives rows; `fetchType` is NONE, so they are left out")
            else:
                yield fetcher.output()


class TriggerBase(QueryProperties, PollingTrigger, Documented):
    """Base of the triggers that look into a database."""

    def advise(self) -> list[str]:
        """See plugin_api.documented.Advising."""
        if self.wanted is FetchType.NONE:
            return ["`fetchType` is NONE, so that no rows are fetched and the trigger never starts the flow"]
        return []

    def poll(self, context: RunContext) -> Mapping[str, Any] | None:
        output = run_query(self, context)
        if not output.size:
            return None
        return output.model_dump(mode="json", by_alias=True, exclude_none=True)
