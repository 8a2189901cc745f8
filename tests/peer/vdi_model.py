# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Virtual disk images: size, content, chain, who is attached."""

import os

from .disk_content import DiskContent, PastEnd
from .entity import NULL_REF, Entity, Stamp
from .storage_rules import BLOCK, thick_allocation
from .vhd_node import VhdNode
from .xapi_error import DataError, XapiError

TYPES = ("system", "user", "ephemeral", "suspend", "crashdump", "ha_statefile",
         "metadata", "redo_log", "rrd", "pvs_cache", "cbt_metadata")


class Vdi(Entity):
    klass = "VDI"
    settable = ("name_label", "name_description", "other_config", "tags",
                "xenstore_data", "sm_config", "sharable", "read_only", "on_boot")
    maps = ("other_config", "xenstore_data", "sm_config")

    def __init__(self, pool, sr, size, fields, uuid_text=None):
        super().__init__(uuid_text)
        self.pool = pool
        self.sr = sr
        self.virtual_size = size
        self.name_label = fields.get("name_label", "")
        self.name_description = fields.get("name_description", "")
        self.type = fields.get("type", "user")
        self.sharable = fields.get("sharable", False)
        self.read_only = fields.get("read_only", False)
        self.other_config = dict(fields.get("other_config", {}))
        self.xenstore_data = dict(fields.get("xenstore_data", {}))
        self.sm_config = dict(fields.get("sm_config", {}))
        self.tags = list(fields.get("tags", []))
        self.on_boot = "persist"
        self.is_a_snapshot = False
        self.snapshot_of = NULL_REF
        self.snapshot_time = Stamp(0)
        self.vbds = []
        self.busy_calls = 0         # that many calls still say VDI_IN_USE
        self.busy_until = 0.0       # simulated time until which they do
        self.vhd = sr.disk_is_vhd(self.sm_config)
        self.must_zero = sr.disk_is_dirty(self.sm_config)
        self.node = VhdNode(sr, charge_blocks=sr.thin) if self.vhd else None
        self.thick = 0 if sr.thin else self.thick_bytes(self.vhd, size)
        path = os.path.join(pool.state_dir, self.uuid + ".raw")
        self.content = DiskContent(path, size, dirty=self.must_zero)

    thick_bytes = staticmethod(thick_allocation)

    # -- content -----------------------------------------------------------

    def write(self, view, offset):
        """Write content; takes space on the SR first, as tapdisk does."""
        end = min(offset + len(view), self.virtual_size)
        if self.node and offset < end:
            with self.pool.lock:
                self.node.allocate(offset // BLOCK, (end - 1) // BLOCK)
        self.content.write(view, offset)

    def store(self, view, offset):
        """Write for an import: whatever goes wrong is an I/O error to the client."""
        try:
            self.write(view, offset)
        except PastEnd as e:
            raise DataError(str(e)) from e
        except XapiError as e:
            raise DataError("no space left on SR %s" % self.sr.name_label) from e

    def allocated_blocks(self):
        return self.node.chain_blocks() if self.node else None

    def physical_utilisation(self):
        if self.node and self.sr.thin:
            return len(self.node.blocks) * BLOCK
        return self.thick

    # -- attachment --------------------------------------------------------

    def plugged(self):
        return [vbd for vbd in self.vbds if vbd.attached]

    def check_free(self, operation):
        """Raise VDI_IN_USE when attached, or when a test said so."""
        self.check_busy(operation)
        if self.plugged():
            raise XapiError("VDI_IN_USE", self.ref, operation)

    def check_busy(self, operation):
        if self.busy_calls > 0:
            self.busy_calls -= 1
            raise XapiError("VDI_IN_USE", self.ref, operation)
        if self.pool.clock.now() < self.busy_until:
            raise XapiError("VDI_IN_USE", self.ref, operation)

    def check_attach(self, mode):
        """One writer and nobody else, or any number of readers."""
        if mode == "RW" and self.plugged():
            raise XapiError("VDI_IN_USE", self.ref, "attach")
        if any(vbd.mode == "RW" for vbd in self.plugged()):
            raise XapiError("VDI_IN_USE", self.ref, "attach")

    # -- records -----------------------------------------------------------

    def snapshots(self):
        return [v.ref for v in self.pool.all("VDI") if v.snapshot_of == self.ref]

    def shown_sm_config(self):
        shown = dict(self.sm_config)
        if self.node and self.node.parent:
            shown.setdefault("vhd-parent", self.node.parent.name)
        return shown

    def record(self):
        operations = [] if self.plugged() else ["destroy", "resize"]
        return {
            "uuid": self.uuid, "name_label": self.name_label,
            "name_description": self.name_description,
            "allowed_operations": operations + ["snapshot", "clone", "copy", "update"],
            "current_operations": {}, "SR": self.sr.ref,
            "VBDs": [vbd.ref for vbd in self.vbds], "crash_dumps": [],
            "virtual_size": self.virtual_size,
            "physical_utilisation": self.physical_utilisation(),
            "type": self.type, "sharable": self.sharable, "read_only": self.read_only,
            "other_config": self.other_config, "storage_lock": False,
            "location": self.uuid, "managed": True, "missing": False,
            "parent": NULL_REF, "xenstore_data": self.xenstore_data,
            "sm_config": self.shown_sm_config(),
            "is_a_snapshot": self.is_a_snapshot, "snapshot_of": self.snapshot_of,
            "snapshots": self.snapshots(), "snapshot_time": self.snapshot_time,
            "tags": self.tags, "allow_caching": False, "on_boot": self.on_boot,
            "metadata_of_pool": NULL_REF, "metadata_latest": False,
            "is_tools_iso": False, "cbt_enabled": False,
        }


class Vbd(Entity):
    """An attachment: to a host's control domain, or to a VM, which may be off."""

    klass = "VBD"
    settable = maps = ("other_config",)

    def __init__(self, vdi, vm_ref, mode):
        super().__init__()
        self.vdi = vdi
        self.vm_ref = vm_ref
        self.mode = mode
        self.attached = True
        self.other_config = {}

    def record(self):
        return {
            "uuid": self.uuid, "allowed_operations": [], "current_operations": {},
            "VM": self.vm_ref, "VDI": self.vdi.ref, "device": "sm/backend",
            "userdevice": "autodetect", "bootable": False, "mode": self.mode,
            "type": "Disk", "unpluggable": True, "storage_lock": False, "empty": False,
            "other_config": self.other_config, "currently_attached": self.attached,
            "status_code": 0, "status_detail": "",
        }


class Vm(Entity):
    klass = "VM"

    def __init__(self, name, host_ref, is_control_domain):
        super().__init__()
        self.name_label = name
        self.host_ref = host_ref
        self.is_control_domain = is_control_domain

    def record(self):
        return {"uuid": self.uuid, "name_label": self.name_label,
                "power_state": "Running", "resident_on": self.host_ref,
                "is_control_domain": self.is_control_domain, "is_a_snapshot": False,
                "is_a_template": False, "other_config": {}}
