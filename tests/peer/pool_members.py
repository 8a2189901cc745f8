# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Hosts, storage repositories, their PBDs, sessions: the still life of a pool."""

from . import storage_rules
from .entity import NULL_REF, Entity, Stamp
from .vdi_model import Vm

SESSION_LIFE = 24 * 3600


class Host(Entity):
    klass = "host"
    settable = ("name_label", "name_description", "other_config", "tags")
    maps = ("other_config",)

    def __init__(self, pool, config):
        super().__init__(config.get("uuid"))
        self.pool = pool
        self.name_label = config["name"]
        self.address = config["address"]
        self.config = config
        self.up = True
        self.other_config = {}
        self.tags = []
        self.name_description = ""
        self.dom0 = Vm("Control domain on host: " + self.name_label, self.ref, True)

    def record(self):
        version = {"product_version": "8.3.0", "product_brand": "XCP-ng",
                   "platform_version": "3.4.0", "xapi": "26.1"}
        return {
            "uuid": self.uuid, "name_label": self.name_label,
            "name_description": self.name_description, "hostname": self.name_label,
            "address": self.address, "enabled": self.up, "https_only": False,
            "API_version_major": 2, "API_version_minor": 21,
            "API_version_vendor": "XenSource", "software_version": version,
            "PBDs": [p.ref for p in self.pool.all("PBD") if p.host is self],
            "resident_VMs": [self.dom0.ref], "control_domain": self.dom0.ref,
            "other_config": self.other_config, "tags": self.tags,
        }


class Sr(Entity):
    klass = "SR"
    settable = ("name_label", "name_description", "other_config", "sm_config", "tags")
    maps = ("other_config", "sm_config")

    def __init__(self, pool, config):
        super().__init__(config.get("uuid"))
        self.pool = pool
        self.config = config
        self.name_label = config["name"]
        self.name_description = ""
        self.type = config["type"]
        self.capacity = config["capacity"]
        self.sm_config = dict(config["sm_config"])
        self.other_config = {}
        self.tags = []
        self.thin = storage_rules.is_thin(self.type)
        self.used = 0
        vhd = self.disk_is_vhd({})
        self.export_kind = config.get("export_kind") or ("hybrid" if vhd else "raw")

    def disk_is_vhd(self, vdi_sm_config):
        return storage_rules.keeps_vhd(self.type, self.sm_config, vdi_sm_config)

    def disk_is_dirty(self, vdi_sm_config):
        return storage_rules.must_write_zeroes(self.type, self.sm_config, vdi_sm_config)

    def take(self, size):
        if self.used + size > self.capacity:
            raise storage_rules.no_space()
        self.used += size

    def give_back(self, size):
        self.used -= size

    def vdis(self):
        return [v for v in self.pool.all("VDI") if v.sr is self]

    def pbds(self):
        return [p for p in self.pool.all("PBD") if p.sr is self]

    def plugged_hosts(self):
        return [p.host for p in self.pbds() if p.currently_attached]

    def record(self):
        vdis = self.vdis()
        return {
            "uuid": self.uuid, "name_label": self.name_label,
            "name_description": self.name_description, "allowed_operations": [],
            "current_operations": {}, "VDIs": [v.ref for v in vdis],
            "PBDs": [p.ref for p in self.pbds()],
            "virtual_allocation": sum(v.virtual_size for v in vdis),
            "physical_utilisation": self.used, "physical_size": self.capacity,
            "type": self.type, "content_type": "user",
            "shared": len(self.pbds()) > 1, "other_config": self.other_config,
            "tags": self.tags, "sm_config": self.sm_config, "blobs": {},
            "local_cache_enabled": False, "introduced_by": NULL_REF,
            "clustered": False, "is_tools_sr": False,
        }


class Pbd(Entity):
    klass = "PBD"
    settable = maps = ("other_config",)

    def __init__(self, host, sr, attached):
        super().__init__()
        self.host = host
        self.sr = sr
        self.currently_attached = attached
        self.other_config = {}

    def record(self):
        return {"uuid": self.uuid, "host": self.host.ref, "SR": self.sr.ref,
                "device_config": {}, "currently_attached": self.currently_attached,
                "other_config": self.other_config}


class PoolRecord(Entity):
    klass = "pool"
    settable = ("name_label", "name_description", "default_SR", "other_config", "tags")
    maps = ("other_config",)

    def __init__(self, pool, config):
        super().__init__(config.get("uuid"))
        self.pool = pool
        self.name_label = config["name"]
        self.name_description = ""
        self.default_SR = NULL_REF
        self.other_config = {}
        self.tags = []

    def record(self):
        return {"uuid": self.uuid, "name_label": self.name_label,
                "name_description": self.name_description,
                "master": self.pool.master.ref, "default_SR": self.default_SR,
                "suspend_image_SR": NULL_REF, "crash_dump_SR": NULL_REF,
                "other_config": self.other_config, "tags": self.tags,
                "ha_enabled": False, "restrictions": {}}


class Certificate(Entity):
    """Of a host. Older pools have fewer fields of it."""

    klass = "Certificate"

    def __init__(self, host, kind, sha256, is_new):
        super().__init__()
        self.host = host
        self.kind = kind
        self.sha256 = self.true_sha256 = sha256
        self.is_new = is_new

    def record(self):
        shown = ":".join(self.sha256[i:i + 2] for i in range(0, 64, 2)).upper()
        fields = {"uuid": self.uuid, "host": self.host.ref, "not_before": Stamp(0),
                  "not_after": Stamp(4e9), "fingerprint": shown}
        if self.is_new:
            fields.update(name="", type=self.kind, fingerprint_sha256=shown,
                          fingerprint_sha1=shown[:59])
        return fields


class Session(Entity):
    klass = "session"
    settable = maps = ("other_config",)

    def __init__(self, pool, user, host, originator):
        super().__init__()
        self.pool = pool
        self.user = user
        self.host = host
        self.originator = originator
        self.created = self.last_active = pool.clock.now()
        self.other_config = {}

    def touch(self):
        self.last_active = self.pool.clock.now()

    def is_expired(self):
        return self.pool.clock.now() > self.last_active + SESSION_LIFE

    def record(self):
        return {"uuid": self.uuid, "this_host": self.host.ref, "this_user": NULL_REF,
                "last_active": Stamp(self.last_active), "pool": False,
                "is_local_superuser": True, "subject": NULL_REF,
                "validation_time": Stamp(self.created), "auth_user_sid": "",
                "auth_user_name": self.user, "originator": self.originator,
                "other_config": self.other_config, "rbac_permissions": [], "tasks": []}
