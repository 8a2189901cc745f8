# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What a transfer of the soak is: drawn at random, the same for the same seed."""

import dataclasses

MIB = 1 << 20
FILES = ("raw", "vhd", "tgz")
SRS = ("nfs", "rawlv", "lvhd")
IO_ERROR = ["VDI_IO_ERROR", "Device I/O errors"]
FULL = ["SR_BACKEND_FAILURE_44", "", "There is insufficient space", ""]
METHODS = ["session.login_with_password", "SR.get_record", "VDI.create", "VDI.get_record",
           "PBD.get_record", "task.create", "task.get_record", "VDI.get_by_uuid", "task.destroy",
           "VDI.destroy", "VDI.remove_from_other_config", "session.logout"]


@dataclasses.dataclass
class Plan:
    """One transfer."""

    disk: int               # which of the disks
    source: str             # raw, vhd, tgz, pipe, pool
    target: str
    sr: str                 # where the new disk is made
    source_sr: str          # where the disk was before; not where old data shows in holes
    options: dict
    strikes: list           # fault switches of the pool
    mishap: str             # "", or what befalls the run: cut source, closed reader, signal
    where: float            # how far on that happens, 0 to 1
    in_library: bool        # in the one process of soaktool

    def __str__(self):
        fault = self.mishap or "; ".join(
            "%(on)s %(do)s" % s + (" at %s" % s["at"] if "at" in s else "")
            for s in self.strikes)
        return "%s to %s%s, %s, %s" % (
            self.source, self.target, " in the library" if self.in_library else "",
            " ".join("%s=%s" % item for item in self.options.items()), fault or "no fault")


def place_of(rng, size):
    return rng.choice(["head", "end", 0, -1, -300, rng.randrange(4096), rng.randrange(size)])


def body_fault(rng, kind, size):
    """A fault of the disk's own request."""
    do = rng.choice(["close", "reset", "error", "slow", "stall", "verdict", "status"])
    fault = {"on": kind, "do": do}
    if do in ("error", "verdict"):
        fault["error"] = rng.choice([IO_ERROR, FULL])
    if do == "verdict":
        fault["task"] = rng.choice(["failure", "cancelled", "gone"])
    if do == "status":
        fault["status"] = rng.choice([401, 403, 500, 503])
    if do == "slow":
        fault["rate"] = 40 * MIB
    if do == "stall":
        fault["seconds"] = 30
    if do in ("close", "reset", "stall") or (do == "error" and rng.random() < 0.8):
        fault["at"] = place_of(rng, size)
        if do == "error" and fault["at"] == "head":
            fault["at"] = 0
    return fault


def call_fault(rng):
    how = rng.choice([{"do": "reset"}, {"do": "status", "status": 503},
                      {"do": "status", "status": 500}])
    return dict(how, on="rpc", match={"method": rng.choice(METHODS)})


def pool_faults(rng, source, target, size):
    kinds = (["export"] if source == "pool" else []) + (["import"] if target == "pool" else [])
    if not kinds or rng.random() < 0.3:
        return []
    count = rng.choice([1, 1, 1, 2])
    return [call_fault(rng) if rng.random() < 0.3 else body_fault(rng, rng.choice(kinds), size)
            for _ in range(count)]


def draw(rng, sizes):
    """A transfer of one of the disks, whose sizes these are."""
    disk = rng.randrange(len(sizes))
    source = rng.choice(FILES + ("pipe", "pool", "pool"))
    target = rng.choice(FILES + ("pipe", "pool", "pool", "pool"))
    options = {"threads": rng.randrange(3), "retries": rng.choice([0, 0, 2, 3]),
               "retry-delay": 0, "timeout": 20}
    strikes = pool_faults(rng, source, target, sizes[disk])
    in_library = "pipe" not in (source, target) and rng.random() < 0.6
    mishaps = ["cut source"] if source in ("raw", "vhd", "tgz", "pipe") else []
    if not in_library:
        mishaps += ["signal"] + (["closed reader"] if target == "pipe" else [])
    mishap = rng.choice(mishaps) if mishaps and not strikes and rng.random() < 0.4 else ""
    return Plan(disk, source, target, rng.choice(SRS), rng.choice(["nfs", "lvhd"]), options,
                strikes, mishap, rng.random(), in_library)
