# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What tests may ask and tell the simulator, one method a call."""

import hashlib
import random
import shutil
import time

from .disk_content import data_extents, is_zero
from .entity import NULL_REF
from .storage_rules import BLOCK

MATERIALISE_LIMIT = 8 << 30


class ControlCalls:
    """Public methods are the control calls; arguments are JSON values."""

    def __init__(self, pool, server, faults, log):
        self._pool = pool
        self._server = server
        self._faults = faults
        self._log = log

    # -- reading -----------------------------------------------------------

    def state(self):
        """Everything a test compares before and after."""
        pool = self._pool
        with pool.lock:
            return {
                "vdis": {v.uuid: self._vdi(v) for v in pool.all("VDI")},
                "tasks": {t.ref: self._task(t) for t in pool.all("task")},
                "sessions": [s.ref for s in pool.all("session")],
                "attachments": [self._vbd(b) for b in pool.all("VBD")],
                "srs": {s.name_label: self._sr(s) for s in pool.all("SR")},
                "hosts": {h.name_label: {"up": h.up, "address": h.address, "ref": h.ref,
                                         "uuid": h.uuid} for h in pool.hosts},
                "master": pool.master.name_label,
                "client_faults": list(pool.client_faults),
                "dislikes": list(pool.dislikes), "bugs": list(pool.bugs),
                "transfers": self._transfers(),
                "clock": pool.clock.now(),
            }

    def _vdi(self, vdi):
        blocks = vdi.allocated_blocks()
        return {
            "ref": vdi.ref, "sr": vdi.sr.name_label, "virtual_size": vdi.virtual_size,
            "name_label": vdi.name_label, "name_description": vdi.name_description,
            "type": vdi.type, "other_config": vdi.other_config,
            "sm_config": vdi.shown_sm_config(), "is_a_snapshot": vdi.is_a_snapshot,
            "snapshot_of": vdi.snapshot_of, "vhd": vdi.vhd, "attached": len(vdi.plugged()),
            "blocks": None if blocks is None else len(blocks),
            "chain": [len(n.blocks) for n in vdi.node.chain()] if vdi.node else None,
            "unwritten_bytes": vdi.content.unwritten.total(), "path": vdi.content.path,
        }

    @staticmethod
    def _task(task):
        return {"label": task.name_label, "status": task.status, "doomed": task.doomed,
                "progress": task.progress, "error_info": task.error_info,
                "result": task.result, "other_config": task.other_config,
                "uuid": task.uuid}

    @staticmethod
    def _vbd(vbd):
        return {"vdi": vbd.vdi.uuid, "mode": vbd.mode, "vm": vbd.vm_ref}

    @staticmethod
    def _sr(sr):
        return {"ref": sr.ref, "uuid": sr.uuid, "type": sr.type, "used": sr.used,
                "capacity": sr.capacity,
                "plugged": [h.name_label for h in sr.plugged_hosts()]}

    def _transfers(self):
        """Disk requests that are being worked on now."""
        return [{"n": e.entry["n"], "kind": e.entry["kind"], "host": e.host.name_label,
                 "body_in": e.wire.body_in, "body_out": e.wire.body_out}
                for e in list(self._server.under_way)
                if e.entry["kind"] in ("import", "export")]

    def wait_transfer(self, moved=0, seconds=30):
        """Wait (real seconds) for a disk request that has moved so many body bytes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for transfer in self._transfers():
                if transfer["body_in"] + transfer["body_out"] >= moved:
                    return transfer
            time.sleep(0.002)
        raise TimeoutError("no transfer has moved %d bytes" % moved)

    def log(self):
        return self._log.entries()

    def wait_quiet(self, seconds=30):
        """Wait (real seconds) until no logged request is being worked on any more."""
        end = time.monotonic() + seconds
        while self._log.unfinished():
            if time.monotonic() > end:
                raise TimeoutError("requests %s go on" % self._log.unfinished())
            time.sleep(0.005)

    def clear_log(self):
        self._log.clear()

    def vdi_blocks(self, vdi):
        """Numbers of the 2 MiB blocks that the disk's chain has allocated."""
        return sorted(self._find_vdi(vdi).allocated_blocks() or ())

    def vdi_path(self, vdi):
        """The raw file, after unwritten parts were filled with the old data they show."""
        vdi = self._find_vdi(vdi)
        if vdi.content.unwritten.total() > MATERIALISE_LIMIT:
            raise ValueError("too much unwritten space to fill in: %d bytes"
                             % vdi.content.unwritten.total())
        vdi.content.materialise()
        return vdi.content.path

    def vdi_digest(self, vdi):
        """SHA-256 of the whole content, old data included."""
        vdi = self._find_vdi(vdi)
        digest, buf = hashlib.sha256(), memoryview(bytearray(BLOCK))
        for offset in range(0, vdi.virtual_size, BLOCK):
            part = buf[:min(BLOCK, vdi.virtual_size - offset)]
            vdi.content.read_into(part, offset)
            digest.update(part)
        return digest.hexdigest()

    def reset(self):
        """Forget VDIs, tasks, sessions, faults and the log, as between two tests."""
        pool = self._pool
        self._faults.clear()
        with pool.lock:
            for vdi in pool.all("VDI"):
                self.detach_vdi(vdi.ref)
                vdi.busy_calls, vdi.busy_until = 0, 0.0
                pool.destroy_vdi(vdi)
            for klass in ("task", "session"):
                for entity in pool.all(klass):
                    pool.remove(entity)
            for certificate in pool.all_or_none("Certificate"):
                certificate.sha256 = certificate.true_sha256
            pool.client_faults.clear()
            pool.dislikes.clear()
            pool.bugs.clear()
        self._log.clear()

    # -- faults and time ---------------------------------------------------

    def set_fault(self, fault):
        return self._faults.set(fault)

    def clear_faults(self, fault_id=None):
        self._faults.clear(fault_id)

    def faults(self):
        return self._faults.listing()

    def advance_clock(self, seconds):
        self._pool.clock.advance(seconds)

    def scale_clock(self, scale):
        self._pool.clock.set_scale(scale)

    def set_detach_lag(self, seconds):
        self._pool.detach_lag = float(seconds)

    # -- disks -------------------------------------------------------------

    def create_vdi(self, sr, size, name_label="", file=None, pattern=(), **fields):
        """A VDI with content: of a raw file, or of [offset, length, seed] patches."""
        fields["name_label"] = name_label
        vdi = self._pool.create_vdi(self._pool.sr_named(sr), size, fields)
        if file:
            self._load(vdi, file)
        for offset, length, seed in pattern:
            vdi.write(memoryview(random.Random(seed).randbytes(length)), offset)
        return {"uuid": vdi.uuid, "ref": vdi.ref, "virtual_size": vdi.virtual_size,
                "path": vdi.content.path}

    @staticmethod
    def _load(vdi, path):
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            for start, end in list(data_extents(file.fileno(), size)):
                while start < end:
                    file.seek(start)
                    data = file.read(min(end, (start // BLOCK + 1) * BLOCK) - start)
                    if not is_zero(memoryview(data)):
                        vdi.write(memoryview(data), start)
                    start += len(data)

    def write_vdi(self, vdi, offset, length, seed):
        """What a guest would do: overwrite a part with bytes made from a seed."""
        data = random.Random(seed).randbytes(length)
        self._find_vdi(vdi).write(memoryview(data), offset)

    def destroy_vdi(self, vdi):
        self._pool.destroy_vdi(self._find_vdi(vdi))

    def attach_vdi(self, vdi, mode="RW", vm="guest", plugged=True):
        """Make it a disk of a VM, as far as other users of the disk can tell: a running one,
        or, not plugged, one that is off."""
        host = self._pool.master
        vbd = self._pool.attach(self._find_vdi(vdi), self._pool.running_vm(vm, host), mode)
        vbd.attached = plugged
        return vbd.ref

    def detach_vdi(self, vdi):
        for vbd in list(self._find_vdi(vdi).vbds):
            self._pool.detach(vbd)

    def make_vdi_busy(self, vdi, calls=0, seconds=0):
        """Answer VDI_IN_USE for that many calls, or that many simulated seconds."""
        vdi = self._find_vdi(vdi)
        vdi.busy_calls = int(calls)
        vdi.busy_until = self._pool.clock.now() + float(seconds)

    def _find_vdi(self, name):
        return self._pool.by_ref_or_uuid("VDI", name)

    def list_certificate(self, host, sha256):
        """Have the pool's list name another certificate for a host."""
        for certificate in self._pool.all_or_none("Certificate"):
            if certificate.host.name_label == host:
                certificate.sha256 = sha256

    # -- the pool ----------------------------------------------------------

    def plug_sr(self, sr, host, attached=True):
        for pbd in self._pool.sr_named(sr).pbds():
            if host in (pbd.host.name_label, pbd.host.address):
                pbd.currently_attached = bool(attached)

    def unplug_sr(self, sr, host):
        self.plug_sr(sr, host, attached=False)

    def set_capacity(self, sr, capacity):
        self._pool.sr_named(sr).capacity = int(capacity)

    def set_default_sr(self, sr=None):
        pool = self._pool
        pool.record.default_SR = pool.sr_named(sr).ref if sr else NULL_REF

    def set_master(self, host):
        self._pool.master = self._pool.host_named(host)

    def host_down(self, host, crashed=False):
        """Stop listening, cut all connections. A crashed host leaves its tasks pending
        and its disks attached until it is up again."""
        self._server.host_down(self._pool.host_named(host), crashed)

    def host_up(self, host):
        host = self._pool.host_named(host)
        self._pool.clear_wreckage(host)
        self._server.host_up(host)

    def drop_connections(self, host):
        self._server.drop_connections(self._pool.host_named(host))

    def remove_task(self, task):
        self._pool.remove(self._pool.get("task", task))

    def remove_session(self, session):
        self._pool.remove(self._pool.get("session", session))

    def remove_all_sessions(self):
        for session in self._pool.all("session"):
            self._pool.remove(session)

    def free_space(self):
        return shutil.disk_usage(self._pool.state_dir).free
