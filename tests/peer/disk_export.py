# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""GET /export_raw_vdi."""

from .disk_import import answered_by_fault
from .http_head import stream_head
from .storage_rules import BLOCK, MAX_VHD, round_up
from .transfer import Refused, Transfer
from .vhd_emit import BITMAP, VhdLayout
from .xapi_error import LinkClosed, XapiError

CONTENT_TYPES = {"raw": "application/octet-stream", "vhd": "application/vhd"}


class Export(Transfer):
    permission = "http/get_export_raw_vdi"

    def __init__(self, exchange):
        super().__init__(exchange)
        self.format = (self.request.param("format") or "raw").lower()
        self.base = None
        self._buf = None

    def prepare(self):
        self.authenticate()
        self.find_task()
        name = self.request.query_value("vdi") or self.request.param("vdi")
        if not name:
            self.or_500(self._no_vdi)
        self.vdi = self.or_500(lambda: self.pool.by_ref_or_uuid("VDI", name))
        base = self.request.query_value("base")
        if base:
            self.base = self.or_500(lambda: self.pool.by_ref_or_uuid("VDI", base))
        self.go_elsewhere(self.vdi.sr)
        if self.format not in CONTENT_TYPES:
            self.refuse_404("Unknown format %s" % self.format)

    @staticmethod
    def _no_vdi():
        raise XapiError("INTERNAL_ERROR", "Missing vdi query parameter")

    def move(self):
        """The base is attached as well, as long as that takes."""
        vbd = self.pool.attach(self.base, self.ex.host.dom0, "RO") if self.base else None
        try:
            self._send()
        finally:
            if vbd:
                self.pool.detach(vbd)

    def _send(self):
        if self.format == "raw":
            self._send_raw()
        else:
            self._send_vhd()

    # -- raw ---------------------------------------------------------------

    def _send_raw(self):
        size = self.vdi.virtual_size
        self.ex.plan.arm(size)
        wanted = self._wanted_blocks() if self.base else None
        for offset in range(0, size, BLOCK):
            n = min(BLOCK, size - offset)
            if wanted is None or offset // BLOCK in wanted:
                self._send_range(offset, n)
            else:                   # outside the difference: zeros, not told apart
                self.wire.send(bytes(n))
            self._progress(offset + n, size)

    # -- vhd ---------------------------------------------------------------

    def _send_vhd(self):
        if self.vdi.virtual_size > MAX_VHD:
            raise XapiError("VDI_TOO_LARGE", self.vdi.ref, MAX_VHD)
        kind = self.vdi.sr.export_kind if self.vdi.vhd else "raw"
        size = self.vdi.virtual_size
        if kind != "hybrid":
            size = round_up(size, BLOCK)
        layout = VhdLayout(size, self._wanted_blocks(kind), self._parent())
        self.ex.plan.arm(layout.length)
        self.wire.send(layout.prelude)
        for done, index in enumerate(layout.blocks, 1):
            self.wire.send(BITMAP)
            self._send_range(index * BLOCK, BLOCK)
            self._progress(done, len(layout.blocks))
        if size != self.vdi.virtual_size:
            self._maybe_hang()
        self.wire.send(layout.trailer)

    def _maybe_hang(self):
        """What a real server may do when it rounded the size up."""
        if self.vdi.sr.config["odd_export"] == "hang":
            self.pool.clock.sleep(1e9, give_up=self.wire.peer_left)
            raise LinkClosed("the client left a hanging export")

    def _wanted_blocks(self, kind="hybrid"):
        if self.base:
            self._check_diff()
            return self.vdi.node.blocks_since(self.base.node)
        if self.vdi.vhd and kind == "hybrid":
            return self.vdi.node.chain_blocks()
        return self.vdi.content.nonzero_blocks()

    def _check_diff(self):
        if not self.vdi.vhd:
            raise XapiError("INTERNAL_ERROR",
                            "Cannot compute differences on non-VHD images")
        if not self.base.vhd:
            raise XapiError("INTERNAL_ERROR",
                            "base VDI is not a vhd; cannot compute differences")

    def _parent(self):
        if not self.base:
            return None
        node = self.base.node
        path = "/var/run/sr-mount/%s/%s.vhd" % (self.base.sr.uuid, self.base.uuid)
        return node.unique_id, 0, path

    # -- content -----------------------------------------------------------

    def _send_range(self, offset, count):
        """Content; past the end of the disk come zeros."""
        content = self.vdi.content
        inside = max(0, min(count, content.size - offset))
        if content.can_send_file() and not self.wire.is_tls:
            self.wire.send_file(content.fd, offset, inside)
            if inside < count:
                self.wire.send(bytes(count - inside))
            return
        self._buf = self._buf or memoryview(bytearray(BLOCK))
        content.read_into(self._buf[:count], offset)
        self.wire.send(self._buf[:count])

    def _progress(self, done, total):
        self.task.set_progress(done * 100 // max(total, 1) / 100)


def handle_export(exchange):
    """Always ends the connection."""
    transfer = Export(exchange)
    exchange.draw_faults(vdi=transfer.request.query_value("vdi"), format=transfer.format)
    try:
        if exchange.plan.at_head():
            answered_by_fault(transfer)
            return False
        transfer.prepare()
    except Refused:
        return False
    exchange.pool.clock.sleep(exchange.pool.config["head_delay"])
    name = "%s.%s" % (transfer.vdi.uuid, transfer.format)
    exchange.reply(200, stream_head(transfer.task.ref, CONTENT_TYPES[transfer.format],
                                    name))
    transfer.run()
    return False
