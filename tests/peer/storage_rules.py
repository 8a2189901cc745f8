# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""What the types of storage repository do differently."""

from .xapi_error import XapiError

MIB = 1 << 20
BLOCK = 2 * MIB                     # VHD block, and what sizes of VHD disks round to
EXTENT = 4 * MIB                    # LVM extent
MAX_VHD = 2040 << 30
FILE_TYPES = ("ext", "nfs", "smb", "file")
LVM_TYPES = ("lvm", "lvmoiscsi", "lvmohba")
ARRAY_TYPES = ("equal", "cslg")     # the storage itself makes snapshots and clones
DIRTY_TYPES = LVM_TYPES + ARRAY_TYPES


def round_up(n, unit):
    return (n + unit - 1) // unit * unit


def keeps_vhd(sr_type, sr_sm_config, vdi_sm_config):
    """True when a disk on such an SR is a VHD (with a BAT, snapshots, deltas)."""
    if vdi_sm_config.get("type") == "raw":
        return False
    if sr_type in FILE_TYPES:
        return True
    return sr_type in LVM_TYPES and sr_sm_config.get("use_vhd") == "true"


def must_write_zeroes(sr_type, sr_sm_config, vdi_sm_config):
    """True when a new disk holds old data, which is where a VHD import is refused."""
    if sr_type in LVM_TYPES:
        return not keeps_vhd(sr_type, sr_sm_config, vdi_sm_config)
    if sr_type == "equal":
        return sr_sm_config.get("allocation") != "thin"
    return sr_type == "cslg"


def check_branch(sr_type, vhd, sr_ref, snapshot):
    """Whether an SR has snapshots and clones of such a disk. False: XAPI makes a copy in place of
    the clone (xapi_vdi.ml), and has nothing to do so for a snapshot."""
    if vhd or sr_type in ARRAY_TYPES:
        return True
    if sr_type not in LVM_TYPES:        # the driver does not announce the feature
        raise XapiError("SR_OPERATION_NOT_SUPPORTED", sr_ref)
    if snapshot:                        # announced, but a raw volume gets fault 38 (LVHDSR.py)
        raise XapiError("UNIMPLEMENTED_IN_SM_BACKEND", sr_ref)
    return False


def is_thin(sr_type):
    """True when only written blocks take space."""
    return sr_type in FILE_TYPES


def created_size(sr_type, vhd, size):
    """The virtual size that VDI.create really gives."""
    if size < 0 or (vhd and size > MAX_VHD):
        raise XapiError("SR_BACKEND_FAILURE_79", "",
                        "VDI Invalid size [opterr=VDI size must be between 1 MB and "
                        "%d MB]" % (MAX_VHD // MIB), "")
    if vhd:
        return max(round_up(size, BLOCK), BLOCK)
    if sr_type in LVM_TYPES:
        return max(round_up(size, EXTENT), EXTENT)
    return size


def thick_allocation(vhd, size):
    """Bytes that a disk takes at once on an SR that is not thin."""
    if not vhd:
        return size
    blocks = round_up(size, BLOCK) // BLOCK
    return round_up(size + blocks * (512 + 4) + 2 * 4096, EXTENT)


def no_space():
    return XapiError("SR_BACKEND_FAILURE_44", "",
                     "There is insufficient space", "")
