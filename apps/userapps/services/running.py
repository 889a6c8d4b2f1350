"""What people do in an App: start its flow, let an execution go on, end it. Each counts once."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

from apps.audit.services import current_caller, record
from apps.common.clock import now as read_clock
from apps.common.current_tenant import require_tenant
from apps.common.errors import IllegalArgument, IllegalState, NotFound, TooManyRequests
from apps.userapps.language.definition import AppDefinition
from apps.userapps.models import AppDecision, AppRun, UserApp, Verdict
from apps.userapps.selectors import last_decision
from apps.userapps.services.admission import Visitor
from apps.userapps.services.statistics import count_submitted
from apps.userapps.services.tickets import Dispatch
from apps.workflows.plugin_api.app_block import AppEvent
from apps.workflows.plugin_api.state import State
from apps.workflows.selectors.executions import ExecutionRow, find_execution
from apps.workflows.services.executions import StartRequest, create_execution, kill_execution
from apps.workflows.services.inputs import Upload
from apps.workflows.services.pausing import resume_execution

APP_LABEL: Final = "system.app"
RESOURCE: Final = "AppExecution"
PERMISSION: Final = "APPEXECUTION"
LIMIT_WINDOW: Final = timedelta(minutes=1)
LONGEST_COMMENT: Final = 2000


class AlreadyDecided(IllegalState):
    """Somebody else was faster."""


def submit(
    *,
    app: UserApp,
    definition: AppDefinition,
    dispatch: Dispatch,
    visitor: Visitor,
    given: Mapping[str, Any],
    files: Mapping[str, Upload],
) -> str:
    """Start the App's flow and return the execution's id; a form that was sent before gives the id of then.

    Invalid (inputs), NotFound and IllegalState (flow gone or disabled), TooManyRequests (a PUBLIC App's limits).
    """
    if dispatch.event is not AppEvent.OPEN or definition.flow_id is None:
        raise IllegalArgument("This form starts nothing.")
    client = _client_of(visitor)
    with transaction.atomic():
        _one_at_a_time(app, dispatch.nonce)
        before = AppRun.objects.filter(app=app, nonce=dispatch.nonce).values_list("execution_id", flat=True).first()
        if before is not None:
            return str(before)
        if visitor.person is None:
            _check_limits(app, client, files)
        started = create_execution(
            acting_user=visitor.person,
            request=StartRequest(
                app.namespace,
                definition.flow_id,
                definition.flow_revision,
                given=given,
                files=files,
                system_labels=((APP_LABEL, app.app_id),),
            ),
        )
        AppRun.objects.create(
            execution_id=started.execution_id,
            app=app,
            nonce=dispatch.nonce,
            user_id=visitor.user_id,
            user_name=visitor.name,
            client=client,
            created=read_clock(),
        )
        _audit(visitor, app, "CREATE", started.execution_id)
        count_submitted(app)
    return started.execution_id


def decide(
    *,
    app: UserApp,
    dispatch: Dispatch,
    visitor: Visitor,
    verdict: Verdict,
    given: Mapping[str, Any],
    files: Mapping[str, Upload],
    comment: str = "",
) -> None:
    """Let the execution of a form go on with what its pause asks for, or end it; the comment is kept in the audit.

    AlreadyDecided (with by whom) when it no longer waits, Invalid (inputs, and it still waits then), NotFound.
    """
    execution = _execution_of(app, dispatch)
    if len(comment) > LONGEST_COMMENT:
        raise IllegalArgument(f"The comment is longer than {LONGEST_COMMENT} characters.")
    with transaction.atomic():
        _one_at_a_time(app, dispatch.execution_id)
        execution = _execution_of(app, dispatch)
        state = State(execution.state)
        if verdict == Verdict.RESUMED and state is not State.PAUSED:
            raise _decided(execution.id, state)
        if state.ended:
            raise _decided(execution.id, state)
        if verdict == Verdict.RESUMED:
            resume_execution(acting_user=visitor.person, execution_id=execution.id, given=given, files=files)
        else:
            kill_execution(acting_user=visitor.person, execution_id=execution.id)
        AppDecision.objects.create(
            execution_id=execution.id,
            app=app,
            verdict=verdict,
            comment=comment,
            user_id=visitor.user_id,
            user_name=visitor.name,
            waited=_waited(execution) if state is State.PAUSED else None,
            created=read_clock(),
        )
        _audit(visitor, app, "UPDATE", execution.id, verdict=verdict.value, comment=comment)


def _execution_of(app: UserApp, dispatch: Dispatch) -> ExecutionRow:
    execution = find_execution(dispatch.execution_id) if dispatch.execution_id else None
    if execution is None or execution.namespace != app.namespace:
        raise NotFound("What this form is about is no longer there; open the App again.")
    return execution


def _decided(execution_id: str, state: State) -> AlreadyDecided:
    found = last_decision(execution_id)
    if found is not None and found.user_name:
        return AlreadyDecided(f"{found.user_name} was faster: this was decided already.")
    return AlreadyDecided(f"This does not wait for a decision any more: it is {state}.")


def _waited(execution: ExecutionRow) -> float | None:
    """Seconds since it paused."""
    last = execution.histories[-1] if execution.histories else None
    if last is None:
        return None
    return max(0.0, (read_clock() - datetime.fromisoformat(last["date"])).total_seconds())


def _one_at_a_time(app: UserApp, what: str) -> None:
    """Holds a lock of this transaction, so that the same form sent twice at once waits for itself."""
    digest = hashlib.blake2b(f"{require_tenant()}:{app.pk}:{what}".encode(), digest_size=8).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(digest, "big", signed=True)])


def _client_of(visitor: Visitor) -> str:
    """A keyed digest of a visitor's address: enough to count by, nothing to find the person with."""
    if visitor.person is not None or not visitor.address:
        return ""
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, f"app client {visitor.address}".encode(), hashlib.sha256).hexdigest()[:32]


def _check_limits(app: UserApp, client: str, files: Mapping[str, Upload]) -> None:
    limits = settings.KESTRA_APP_LIMITS
    size = sum(upload.size or 0 for upload in files.values())
    if size > limits["upload_bytes"]:
        raise IllegalArgument(f"The files are larger than {limits['upload_bytes'] // 1_000_000} MB in all.")
    recent = AppRun.objects.filter(app=app, created__gt=read_clock() - LIMIT_WINDOW)
    if client and recent.filter(client=client).count() >= limits["per_client"]:
        raise TooManyRequests("Too many requests came from your address; try again in a minute.")
    if recent.count() >= limits["per_app"]:
        raise TooManyRequests("Too many requests came in at once; try again in a minute.")


def _audit(visitor: Visitor, app: UserApp, action: str, execution_id: str, **more: str) -> None:
    detail = {"namespace": app.namespace, "appId": app.app_id, "flowId": app.flow_id, "executionId": execution_id}
    if visitor.person is None:
        detail["visitor"] = current_caller.get().ip_address or "unknown"
    detail |= {name: value for name, value in more.items() if value}
    record(acting_user=visitor.person, action=action, resource=RESOURCE, detail=detail, permission=PERMISSION)
