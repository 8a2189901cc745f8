# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Stands where os_xenapi.client.image stood: same functions, arguments and results.

    from vhdstream import image

    vdis = image.stream_to_vdis(context, session, instance, host_url, sr_ref, data)
    parts = image.stream_from_vdis(context, session, instance, host_url, vdi_uuids)

`options` has options of vhdstream that hold for all transfers: image.options["cacert"] = PATH.
"""

from vhdstream.image import vdi_handler
from vhdstream.image.image_errors import ImageError
from vhdstream.image.image_side import options

__all__ = ["ImageError", "options", "stream_from_vdis", "stream_to_vdis", "vdi_handler"]


def stream_to_vdis(context, session, instance, host_url, sr_ref, data):
    """A new VDI in that SR, of the tar.gz image that data.read() (or iterating) gives.

    Returns {"root": {"uuid": UUID}} when the pool has confirmed that it is whole.
    """
    handler = vdi_handler.ImageStreamToVDIs(context, session, instance, host_url, sr_ref, data)
    handler.start()
    return handler.vdis


def stream_from_vdis(context, session, instance, host_url, vdi_uuids,
                     compresslevel=vdi_handler.DEFAULT_COMPRESSLEVEL):
    """The tar.gz image of the first of the VDIs, in parts; raises where it ends before its end."""
    handler = vdi_handler.GenerateImageStream(context, session, instance, host_url, vdi_uuids,
                                              compresslevel)
    return handler.get_image_data()
