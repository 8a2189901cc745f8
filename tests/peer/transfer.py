# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What import and export share: who asks, which task, attach, verdict, detach."""

import base64

from .http_head import bare, error_page, redirect, unauthorised
from .xapi_error import LinkClosed, XapiError, io_error


class Refused(Exception):
    """The request was answered before the early 200; nothing more to do."""


class Transfer:
    """One disk request. Subclasses move the body."""

    mode = "RO"
    permission = ""

    def __init__(self, exchange):
        self.ex = exchange
        self.pool = exchange.pool
        self.request = exchange.request
        self.wire = exchange.wire
        self.session = None
        self.task = None
        self.vdi = None

    # -- before the 200 ----------------------------------------------------

    def refuse(self, status, data, error=None):
        """Answer and stop; the task fails only when there is an error for it."""
        self.ex.reply(status, data)
        if error and self.task:
            self.task.fail(error)
        raise Refused()

    def authenticate(self):
        self.session = self._find_session()
        if not self.session:
            self.refuse(401, unauthorised())
        if self.pool.is_read_only(self.session):
            self.task = self._find_task()
            error = XapiError("RBAC_PERMISSION_DENIED", self.permission,
                              "No permission in user session")
            self.refuse(403, error_page(403, error.text()), error)

    def _find_session(self):
        ref = self.request.param("session_id")
        if ref is not None:
            return self._quietly(lambda: self.pool.session(ref))
        given = self.request.header("authorization")
        if given is None:
            return None
        scheme, _, rest = given.partition(" ")
        if scheme != "Basic":
            self.refuse(500, error_page(500, "unsupported authorization"))
        user, _, password = self._decode(rest).partition(":")
        return self._quietly(lambda: self._basic_session(user, password))

    def _decode(self, text):
        try:
            return base64.b64decode(text).decode()
        except ValueError:
            self.refuse(500, error_page(500, "unreadable authorization"))

    def _basic_session(self, user, password):
        """A session for this request alone."""
        session = self.pool.login(user, password, self.ex.host)
        self.pool.remove(session)
        return session

    @staticmethod
    def _quietly(find):
        try:
            return find()
        except XapiError:
            return None

    def _find_task(self):
        ref = self.request.param("task_id")
        if ref is None:
            return None
        return self.pool.get("task", ref)

    def find_task(self):
        """The client's task by ref, or an implicit one that ends with the request."""
        self.task = self.or_500(self._find_task)
        if not self.task:
            label = "Importing raw VDI" if self.mode == "RW" else "Exporting raw VDI"
            self.task = self.pool.create_task(label, implicit=True)
        self.task.resident_on = self.ex.host.ref

    def or_500(self, find):
        """Look something up; what is not found is a 500 that leaves the task alone."""
        try:
            return find()
        except XapiError as e:
            self.drop_implicit_task()
            self.refuse(500, error_page(500, e.text()))

    def drop_implicit_task(self):
        if self.task and self.task.implicit:
            self.pool.remove(self.task)

    def go_elsewhere(self, sr):
        """302 to a host that sees the SR, when this one does not."""
        hosts = sr.plugged_hosts()
        if self.ex.host in hosts:
            return
        living = [h for h in hosts if h.up]
        if not living:
            error = XapiError("NO_HOSTS_AVAILABLE")
            self.wire.send_head(bare(400))
            self.refuse(400, error_page(500, error.text()), error)
        self.drop_implicit_task()
        self.refuse(302, redirect(self.ex.elsewhere(living[0])))

    def refuse_404(self, text):
        error = XapiError("INTERNAL_ERROR", text)
        self.refuse(404, bare(404, version="1.0"), error)

    # -- after the 200 -----------------------------------------------------

    def run(self):
        """Attach, move, detach after the lag, and only then say how it went."""
        error, vbd = None, None
        try:
            vbd = self.pool.attach(self.vdi, self.ex.host.dom0, self.mode)
            self.move()
            self._after_move()
        except XapiError as e:
            error = e
        except LinkClosed as e:
            error = io_error()
            self.ex.entry["link"] = str(e)
        if self.wire.crashed and vbd:
            self.pool.wreckage.append((self.ex.host, self.task, vbd))
            return
        if vbd:
            self.pool.clock.sleep(self.pool.detach_lag)
            self.pool.detach(vbd)
        self.finish(error)

    def _after_move(self):
        """All bytes are through: a connection that ends now goes unnoticed."""
        try:
            self.ex.plan.at_end()
        except LinkClosed as e:
            self.ex.entry["link"] = str(e)

    def move(self):
        raise NotImplementedError

    def result(self):
        return ""

    def finish(self, error):
        """Set the task, and write the second response where there is an error."""
        entry = self.ex.entry
        if error is not None:
            entry["error"] = error.as_list()
            entry["why"] = getattr(error, "what", error.text())
        inband = error if not self.ex.plan.cut else None
        verdict = self.ex.plan.verdict
        if verdict:
            late = verdict.get("inband", verdict["do"] == "error")
            inband = self._force(verdict) if late else None
        self._settle(error, verdict)
        if inband is not None:
            try:
                self.wire.send_head(error_page(500, inband.text()))
            except LinkClosed:
                pass

    @staticmethod
    def _force(verdict):
        return XapiError(*verdict.get("error", io_error().as_list()))

    def _settle(self, error, verdict):
        outcome = (verdict or {}).get("task", "failure" if error else "success")
        if self.ex.plan.cut and not verdict:
            outcome = "success"
        if outcome == "success":
            self.task.succeed(self.result())
        elif outcome == "failure":
            self.task.fail(self._force(verdict) if verdict else error)
        elif outcome == "cancelled":
            self.task.complete("cancelled", error_info=["TASK_CANCELLED", self.task.ref])
        elif outcome == "gone":
            self.pool.remove(self.task)
        if self.task.implicit:
            self.pool.remove(self.task)
