# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Tasks: they complete once, outlive their session, and are swept after a while."""

from .entity import NULL_REF, Entity, Stamp

COMPLETED_LIFE = 65 * 60
PENDING_LIFE = 24 * 3600


class Task(Entity):
    klass = "task"
    settable = ("other_config",)
    maps = ("other_config",)

    def __init__(self, pool, label, description, parent=NULL_REF, implicit=False):
        super().__init__()
        self.pool = pool
        self.name_label = label
        self.name_description = description
        self.created = pool.clock.now()
        self.finished = 0.0
        self.status = "pending"
        self.progress = 0.0
        self.progress_seen = None   # by the last sweep, once it is old
        self.result = ""
        self.error_info = []
        self.other_config = {}
        self.current_operations = {}
        self.subtask_of = parent
        self.resident_on = pool.master.ref
        self.implicit = implicit
        self.doomed = False         # task.destroy came while it was pending

    def record(self):
        subtasks = [t.ref for t in self.pool.all("task") if t.subtask_of == self.ref]
        return {
            "uuid": self.uuid, "name_label": self.name_label,
            "name_description": self.name_description,
            "allowed_operations": ["cancel"] if self.status == "pending" else [],
            "current_operations": self.current_operations,
            "created": Stamp(self.created), "finished": Stamp(self.finished),
            "status": self.status, "resident_on": self.resident_on,
            "progress": self.progress, "type": "<none/>", "result": self.result,
            "error_info": self.error_info, "other_config": self.other_config,
            "subtask_of": self.subtask_of, "subtasks": subtasks,
            "backtrace": "()" if not self.error_info else "(((process xapi)))",
        }

    def complete(self, status, result="", error_info=()):
        """Only a pending task takes a result; later ones are dropped."""
        with self.pool.lock:
            if self.status not in ("pending", "cancelling"):
                return
            self.status = status
            self.progress = 1.0
            self.finished = self.pool.clock.now()
            self.result = result
            self.error_info = list(error_info)
            if self.doomed or self.implicit:
                self.pool.remove(self)

    def succeed(self, result=""):
        self.complete("success", result=result)

    def fail(self, error):
        self.complete("failure", error_info=error.as_list())

    def set_progress(self, fraction):
        if self.status == "pending":
            self.progress = min(max(float(fraction), 0.0), 1.0)

    def destroy(self):
        if self.status in ("pending", "cancelling"):
            self.doomed = True
            self.current_operations[self.ref] = "destroy"
        else:
            self.pool.remove(self)

    def is_stale(self, now):
        """What the pool finds when it looks for what to forget.

        An old pending task goes when its progress has stood still since the last look.
        """
        if self.status != "pending":
            return now > self.finished + COMPLETED_LIFE
        if now <= self.created + PENDING_LIFE:
            return False
        seen, self.progress_seen = self.progress_seen, self.progress
        return seen is not None and self.progress <= seen
