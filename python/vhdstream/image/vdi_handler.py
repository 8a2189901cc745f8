# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""The two transfers of images, as objects: for who used those of os_xenapi's vdi_handler."""

import logging

from vhdstream import errors
from vhdstream.image import image_errors, image_side
from vhdstream.image.image_side import CHUNK_SIZE
from vhdstream.image.left_behind import remove_left
from vhdstream.operations import Transfer

LOG = logging.getLogger(__name__)
DEFAULT_COMPRESSLEVEL = 6

__all__ = ["CHUNK_SIZE", "DEFAULT_COMPRESSLEVEL", "GenerateImageStream", "ImageStreamToVDIs"]


class _ImageTransfer:
    """What both have: one transfer, which another thread may cancel."""

    importing = False

    def __init__(self):
        self._transfer = None
        self._cancelled = False
        self._name = "the image"    # as the library's texts have it

    def cancel(self):
        """Has the transfer end as CancelledError, with nothing left behind. From any thread."""
        self._cancelled = True
        if self._transfer:
            self._transfer.cancel()

    def _open(self, side, session, **own):
        try:
            self._transfer = Transfer(**image_side.all_options(side, session, own))
        except errors.Error as failure:
            raise image_errors.error(failure, self.importing, image_errors.CALLER) from None
        if self._cancelled:
            self._transfer.cancel()
        return self._transfer

    def _tell(self):
        for text in self._transfer.notices:
            LOG.warning("%s", self._renamed(text))

    def _begin(self, transfer, end, *places):
        """Begins the copy; the far end of our pipe is in it as "fd"."""
        self._name = "descriptor %d" % end.fileno()
        places = ["fd:%d" % end.fileno() if place == "fd" else place for place in places]
        return transfer.start("copy", *places, closing=[end])

    def _renamed(self, text):
        """With the image in place of the descriptor, which nobody knows."""
        return text.replace(self._name, "the image")

    def _result(self, running):
        try:
            return running.result()
        except errors.Error as raised:
            failure = remove_left(self.session, raised) if self.importing else raised
            of_image = str(failure).startswith(self._name)
            failure.args = (self._renamed(str(failure)),)
            raise image_errors.error(failure, self.importing, image_errors.IMAGE if of_image
                                     else image_errors.HOST) from None
        finally:
            self._tell()


class ImageStreamToVDIs(_ImageTransfer):
    """An image becomes a VDI: start(), and then it is in vdis."""

    importing = True

    def __init__(self, context, session, instance, host_url, sr_ref, image_stream_in):
        super().__init__()
        self.context = context
        self.session = session
        self.instance = instance
        self.host_url = host_url
        self.sr_ref = sr_ref
        self.image_stream = image_stream_in
        self.vdis = {}

    def start(self):
        """Does it all; returns when the pool has confirmed that the VDI is whole."""
        sr_uuid = self.session.SR.get_uuid(self.sr_ref)
        place = image_side.pool_place(self.host_url, "sr", sr_uuid)
        config = ["nova_disk_type=root", "nova_instance_uuid=%s" % self.instance["uuid"]]
        own = {"from": "tgz", "any_member": True, "name_label": self.instance["name"],
               "other_config": config}
        with self._open("dst", self.session, **own) as transfer:
            result = self._run(transfer, place)
        self.vdis["root"] = {"uuid": result["uuid"]}

    def _run(self, transfer, place):
        theirs, ours = image_side.make_pipe(1)
        try:
            running = self._begin(transfer, theirs, "fd", place)
            try:
                image_side.feed(self.image_stream, ours, running)
            except BaseException as failure:
                return self._data_failed(running, failure)
        finally:
            ours.close()
        return self._result(running)

    def _data_failed(self, running, failure):
        """The caller's own stream raised something; what was whole by then may stay."""
        status, text, result, _ = running.stop()
        self._tell()
        wanted = isinstance(failure, Exception)
        if not status and wanted:
            LOG.warning("the image was whole before its stream failed: %s", failure)
            return result
        if not status:
            self.session.VDI.destroy(self.session.VDI.get_by_uuid(result["uuid"]))
        left = "; " + text if status == errors.UnsettledError.status else ""
        if not wanted:
            if left:
                LOG.error("%s", text)
            raise failure
        text = "the image's data could not be read: %s: %s%s" % (type(failure).__name__, failure,
                                                                 left)
        raise image_errors.error(errors.error(status if left else 1, text), True,
                                 image_errors.CALLER) from failure


class GenerateImageStream(_ImageTransfer):
    """A VDI becomes an image."""

    def __init__(self, context, session, instance, host_url, vdi_uuids, compresslevel=None):
        super().__init__()
        self.context = context
        self.session = session
        self.instance = instance
        self.host_url = host_url
        self.vdi_uuids = vdi_uuids
        self.compresslevel = DEFAULT_COMPRESSLEVEL
        if compresslevel and 1 <= compresslevel <= 9:
            self.compresslevel = compresslevel

    def get_image_data(self):
        """Yields the image in parts. What was yielded is an image when this ends normally."""
        vdi_uuid = self.vdi_uuids[0]        # the leaf; its parents are in it
        self.session.VDI.get_by_uuid(vdi_uuid)
        place = image_side.pool_place(self.host_url, "vdi", vdi_uuid)
        own = {"to": "tgz", "level": self.compresslevel}
        with self._open("src", self.session, **own) as transfer:
            ours, theirs = image_side.make_pipe(0)
            try:
                running = self._begin(transfer, theirs, place, "fd")
                try:
                    yield from image_side.drain(ours, running)
                except BaseException:
                    self._abandoned(running)
                    raise
            finally:
                ours.close()
            self._result(running)

    def _abandoned(self, running):
        status, text, _, _ = running.stop()
        self._tell()
        if status not in (0, errors.CancelledError.status):
            LOG.warning("the image was abandoned by its reader: %s", text)
