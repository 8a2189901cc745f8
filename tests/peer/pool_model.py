# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The pool: its database, and the rules that tie several objects together."""

import threading

from .entity import NULL_REF, Stamp
from .pool_members import Certificate, Host, Pbd, PoolRecord, Session, Sr
from .storage_rules import check_branch, created_size
from .task_model import Task
from .vdi_model import Vbd, Vdi, Vm
from .vhd_node import VhdNode
from .xapi_error import XapiError

CLASSES = ("pool", "host", "SR", "PBD", "VDI", "VBD", "VM", "task", "session",
           "Certificate")
BAD_PASSWORD_DELAY = 5.0
SWEEP_SECONDS = 30.0


class Pool:
    """All objects by class and ref. Hold `lock` to change more than one field."""

    def __init__(self, config, clock, state_dir):
        self.config = config
        self.clock = clock
        self.state_dir = state_dir
        self.lock = threading.RLock()
        self.objects = {klass: {} for klass in CLASSES}
        self.client_faults = []     # a real server would have corrupted the disk
        self.dislikes = []          # it would not have liked these
        self.bugs = []              # tracebacks of the simulator itself
        self.wreckage = []          # (host, task, vbd) of transfers whose host crashed
        self.detach_lag = config["detach_lag"]
        self.swept_at = clock.now()
        self.users = {u["name"]: u for u in config["users"]}
        self.hosts = [self.add(Host(self, h)) for h in config["hosts"]]
        self.master = self.host_named(config["master"])
        self.record = self.add(PoolRecord(self, config))
        for host in self.hosts:
            self.add(host.dom0)
        for sr_config in config["srs"]:
            self._add_sr(sr_config)
        if config["default_sr"]:
            self.record.default_SR = self.sr_named(config["default_sr"]).ref

    def _add_sr(self, config):
        sr = self.add(Sr(self, config))
        for name in config["hosts"]:
            self.add(Pbd(self.host_named(name), sr, name in config["plugged"]))

    def list_certificates(self, fingerprints):
        """What the pool knows of its hosts' certificates, as its age allows."""
        if self.config["certificates"] == "none":
            del self.objects["Certificate"]
            return
        is_new = self.config["certificates"] == "new"
        for host in self.hosts:
            self.add(Certificate(host, "host", fingerprints[host.name_label], is_new))
            if is_new:
                self.add(Certificate(host, "host_internal", "00" * 32, is_new))

    # -- look-up -----------------------------------------------------------

    def add(self, entity):
        self.objects[entity.klass][entity.ref] = entity
        return entity

    def remove(self, entity):
        self.objects[entity.klass].pop(entity.ref, None)

    def all(self, klass):
        if klass == "task":
            self._sweep_tasks()
        return list(self.objects[klass].values())

    def all_or_none(self, klass):
        """The same of a class that an older pool does not have."""
        return self.all(klass) if klass in self.objects else []

    def get(self, klass, ref):
        if klass == "task":
            self._sweep_tasks()
        try:
            return self.objects[klass][ref]
        except (KeyError, TypeError):
            raise XapiError("HANDLE_INVALID", klass, ref) from None

    def by_uuid(self, klass, uuid_text):
        for entity in self.all(klass):
            if entity.uuid == uuid_text:
                return entity
        raise XapiError("UUID_INVALID", klass, uuid_text)

    def by_ref_or_uuid(self, klass, text):
        if text in self.objects[klass]:
            return self.objects[klass][text]
        return self.by_uuid(klass, text)

    def host_named(self, name):
        for host in self.hosts:
            if name in (host.name_label, host.address, host.uuid, host.ref):
                return host
        raise KeyError("no host called %s" % name)

    def sr_named(self, name):
        for sr in self.objects["SR"].values():
            if name in (sr.name_label, sr.uuid, sr.ref):
                return sr
        raise KeyError("no SR called %s" % name)

    def _sweep_tasks(self):
        now = self.clock.now()
        with self.lock:
            if now < self.swept_at + SWEEP_SECONDS:
                return
            self.swept_at = now
            for task in list(self.objects["task"].values()):
                if task.is_stale(now):
                    self.remove(task)

    # -- sessions ----------------------------------------------------------

    def login(self, user, password, host, originator=""):
        known = self.users.get(user)
        if not known or known["password"] != password:
            self.clock.sleep(BAD_PASSWORD_DELAY)
            raise XapiError("SESSION_AUTHENTICATION_FAILED", user,
                            "Authentication failure")
        return self.add(Session(self, user, host, originator))

    def session(self, ref):
        """A living session; keeps it alive."""
        session = self.objects["session"].get(ref)
        if session and session.is_expired():
            self.remove(session)
            session = None
        if not session:
            raise XapiError("SESSION_INVALID", ref)
        session.touch()
        return session

    def is_read_only(self, session):
        return self.users.get(session.user, {}).get("role") == "read-only"

    # -- disks -------------------------------------------------------------

    def create_vdi(self, sr, size, fields, uuid_text=None):
        sm_config = fields.get("sm_config", {})
        size = created_size(sr.type, sr.disk_is_vhd(sm_config), size)
        with self.lock:
            vdi = Vdi(self, sr, size, fields, uuid_text)
            return self._account(vdi)

    def _account(self, vdi):
        try:
            vdi.sr.take(vdi.thick)
        except XapiError:
            vdi.content.close()
            raise
        return self.add(vdi)

    def destroy_vdi(self, vdi):
        with self.lock:
            vdi.check_free("destroy")
            self.remove(vdi)
            vdi.sr.give_back(vdi.thick)
            if vdi.node:
                vdi.node.release()
            vdi.content.close()

    def branch_vdi(self, vdi, snapshot):
        """VDI.snapshot and VDI.clone: the old file becomes the parent of two new ones."""
        if not check_branch(vdi.sr.type, vdi.vhd, vdi.sr.ref, snapshot):
            return self.copy_vdi(vdi, vdi.sr)
        with self.lock:
            vdi.check_busy("snapshot" if snapshot else "clone")
            twin = Vdi(self, vdi.sr, vdi.virtual_size,
                       dict(vdi.record(), sm_config=vdi.sm_config))
            self._account(twin)
            twin.content.copy_from(vdi.content)
            if vdi.vhd:
                shared = vdi.node
                vdi.node = VhdNode(vdi.sr, shared, vdi.sr.thin)
                twin.node = VhdNode(vdi.sr, shared, vdi.sr.thin)
                shared.release()    # its users are the two children now
            if snapshot:
                twin.is_a_snapshot = True
                twin.snapshot_of = vdi.ref
                twin.snapshot_time = Stamp(self.clock.now())
            return twin

    def copy_vdi(self, vdi, sr):
        """VDI.copy: a full copy without parents."""
        vdi.check_attach("RO")
        fields = dict(vdi.record(), sm_config={})
        twin = self.create_vdi(sr, vdi.virtual_size, fields)
        buf = memoryview(bytearray(2 << 20))
        blocks = sorted(vdi.content.nonzero_blocks())
        if twin.must_zero:          # zeros are left out only where a disk begins with them
            blocks = range(-(-vdi.virtual_size // len(buf)))
        for index in blocks:
            offset = index * len(buf)
            part = buf[:min(len(buf), vdi.virtual_size - offset)]
            vdi.content.read_into(part, offset)
            twin.write(part, offset)
        return twin

    def resize_vdi(self, vdi, size):
        size = created_size(vdi.sr.type, vdi.vhd, size)
        with self.lock:
            vdi.check_free("resize")
            if size < vdi.virtual_size:
                raise XapiError("SR_BACKEND_FAILURE_79", "", "VDI Invalid size "
                                "[opterr=shrinking not allowed]", "")
            self._grow_thick(vdi, size)
            vdi.content.grow(size)
            vdi.virtual_size = size

    def _grow_thick(self, vdi, size):
        if vdi.sr.thin:
            return
        more = Vdi.thick_bytes(vdi.vhd, size) - vdi.thick
        vdi.sr.take(more)
        vdi.thick += more

    # -- attaching ---------------------------------------------------------

    def attach(self, vdi, vm, mode):
        with self.lock:
            vdi.check_attach(mode)
            vbd = self.add(Vbd(vdi, vm.ref, mode))
            vdi.vbds.append(vbd)
            return vbd

    def detach(self, vbd):
        with self.lock:
            self.remove(vbd)
            if vbd in vbd.vdi.vbds:
                vbd.vdi.vbds.remove(vbd)

    def running_vm(self, name, host):
        return self.add(Vm(name, host.ref, False))

    def clear_wreckage(self, host):
        """The host is back: what it was doing is detached and cancelled."""
        with self.lock:
            for item in [w for w in self.wreckage if w[0] is host]:
                self.wreckage.remove(item)
                self.detach(item[2])
                item[1].complete("cancelled", error_info=["TASK_CANCELLED", item[1].ref])

    # -- tasks -------------------------------------------------------------

    def create_task(self, label, description="", parent=NULL_REF, implicit=False):
        return self.add(Task(self, label, description, parent, implicit))

    def client_fault(self, what, **about):
        """Remember something that a real server would have punished silently."""
        with self.lock:
            self.client_faults.append(dict(about, what=what))
