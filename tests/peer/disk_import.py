# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""PUT /import_raw_vdi."""

from .http_head import bare, error_page, stream_head
from .raw_forward import ChunkedReader, RawReader
from .transfer import Refused, Transfer
from .vhd_forward import VhdReader
from .xapi_error import ClientFault, DataError, XapiError

FORMATS = ("raw", "vhd")


class Import(Transfer):
    mode = "RW"
    permission = "http/put_import_raw_vdi"

    def __init__(self, exchange):
        super().__init__(exchange)
        self.length = self.request.content_length()
        self.format = (self.request.param("format") or "raw").lower()
        self.chunked = self.request.param("chunked") is not None
        self.reader = None

    def prepare(self):
        self.authenticate()
        self.find_task()
        sr = self._find_target()
        self.go_elsewhere(sr)
        self._check_format()
        if not self.vdi:
            self._create_vdi(sr)

    def _find_target(self):
        name = self.request.query_value("vdi") or self.request.param("vdi")
        if name:
            self.vdi = self.or_500(lambda: self.pool.by_ref_or_uuid("VDI", name))
            return self.vdi.sr
        sr_ref, sr_uuid = self.request.param("sr_id"), self.request.param("sr_uuid")
        if sr_ref:
            return self.or_500(lambda: self.pool.get("SR", sr_ref))
        if sr_uuid:
            return self.or_500(lambda: self.pool.by_uuid("SR", sr_uuid))
        self.refuse(400, bare(400), XapiError("VDI_MISSING"))

    def _check_format(self):
        if self.format not in FORMATS:
            self.refuse_404("Unknown format %s" % self.format)
        if self.chunked and self.format != "raw":
            self.refuse_404("Cannot handle chunked VHD")
        encoding = self.request.header("transfer-encoding")
        if encoding is not None:
            self.refuse_404("Cannot handle encoding: %s" % encoding)
        if self.format == "vhd" and not self.vdi:
            error = XapiError("INTERNAL_ERROR", "Cannot import a VHD directly into an SR")
            self.refuse(400, bare(400, version="1.0"), error)

    def _create_vdi(self, sr):
        """Raw straight into an SR: the length makes the disk."""
        if self.length is None:
            error = XapiError("INTERNAL_ERROR", "no Content-Length to size a VDI by")
            self.refuse(400, bare(400, version="1.0"), error)
        try:
            self.vdi = self.pool.create_vdi(sr, self.length,
                                            {"name_label": "Imported VDI"})
        except XapiError as e:
            self.refuse(500, error_page(500, e.text()), e)

    def move(self):
        if self.format == "vhd" and self.vdi.must_zero:
            raise DataError("VHD import into a disk that is not zeroed")
        kind = VhdReader if self.format == "vhd" else \
            ChunkedReader if self.chunked else RawReader
        self.reader = kind(self.wire, self.vdi, self.length, self._progress)
        self.ex.plan.arm(self.length)
        try:
            self.reader.run()
        except ClientFault as e:
            self.pool.client_fault(e.what, vdi=self.vdi.uuid, request=self.ex.entry["n"])
            raise
        finally:
            self._note_reader()

    def _progress(self, done, total):
        self.task.set_progress(done * 100 // max(total, 1) / 100)

    def _note_reader(self):
        names = ("stale_tail", "blocks_read", "sectors_written", "records")
        self.ex.entry["reader"] = {k: getattr(self.reader, k) for k in names
                                   if hasattr(self.reader, k)}

    def result(self):
        return "<value>%s</value>" % self.vdi.ref


def handle_import(exchange):
    """Always ends the connection."""
    transfer = Import(exchange)
    exchange.draw_faults(vdi=transfer.request.query_value("vdi"), format=transfer.format)
    try:
        if exchange.plan.at_head():
            answered_by_fault(transfer)
            return False
        transfer.prepare()
    except Refused:
        return False
    exchange.pool.clock.sleep(exchange.pool.config["head_delay"])
    if exchange.wire.readable() and not exchange.wire.peer_left():
        exchange.dislike("body bytes before the response head could be read")
    exchange.reply(200, stream_head(transfer.task.ref, "application/octet-stream"))
    transfer.run()
    return False


def answered_by_fault(transfer):
    """A fault gave its own answer; it may also settle the task."""
    verdict = transfer.ex.plan.verdict
    if "task" in verdict:
        transfer.task = transfer.pool.objects["task"].get(
            transfer.request.param("task_id"))
        if transfer.task:
            transfer.finish(None)
