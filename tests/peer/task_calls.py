# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""RPC calls on tasks."""

from .xapi_error import XapiError

STATUSES = ("pending", "success", "failure", "cancelling", "cancelled")


def _create(caller, label, description):
    return caller.pool.create_task(label, description)


def _destroy(caller, ref):
    task = caller.pool.get("task", ref)
    if task.status == "pending":
        caller.exchange.dislike("task.destroy on a pending task: only marked")
    task.destroy()


def _cancel(caller, ref):
    """No effect on a copy: the handlers never look. Only a trace is left."""
    task = caller.pool.get("task", ref)
    if task.status == "pending":
        task.current_operations[task.ref] = "cancel"


def _set_progress(caller, ref, value):
    caller.pool.get("task", ref).set_progress(value)


def _set_status(caller, ref, status):
    task = caller.pool.get("task", ref)
    if status not in STATUSES:
        raise XapiError("INTERNAL_ERROR", "unknown task status " + status)
    if status in ("pending", "cancelling"):
        task.status = status
    else:
        task.complete(status)


def _set_result(caller, ref, result):
    caller.pool.get("task", ref).result = result


def _set_error_info(caller, ref, info):
    caller.pool.get("task", ref).error_info = [str(i) for i in info]


TASK_CALLS = {                      # name: (function, params with the session, and at most)
    "task.create": (_create, 3, 3),
    "task.destroy": (_destroy, 2, 2),
    "task.cancel": (_cancel, 2, 2),
    "task.set_progress": (_set_progress, 3, 3),
    "task.set_status": (_set_status, 3, 3),
    "task.set_result": (_set_result, 3, 3),
    "task.set_error_info": (_set_error_info, 3, 3),
}
