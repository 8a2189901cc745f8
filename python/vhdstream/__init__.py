# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""libvhdstream for Python: moves virtual disks between XAPI pools, files, pipes and servers.

    import vhdstream

    with vhdstream.Transfer(dst_password=secret, level=6) as transfer:
        made = transfer.copy("disk.tgz", "xapi://root@xs1/sr/default")
        print(made["uuid"])

vhdstream.image stands where os_xenapi.client.image stood.
"""

from vhdstream.errors import (AuthError, CancelledError, CorruptError, Error, NoSpaceError,
                              NotFoundError, TemporaryError, UnsettledError, UsageError)
from vhdstream.library import version
from vhdstream.operations import Progress, Running, Transfer

__all__ = ["AuthError", "CancelledError", "CorruptError", "Error", "NoSpaceError",
           "NotFoundError", "Progress", "Running", "TemporaryError", "Transfer",
           "UnsettledError", "UsageError", "version"]
