# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Parts of a VHD that only the tests of children look at."""

from vhd_fields import Header


def locator_texts(path):
    """(code, text) of each parent locator, in their order."""
    texts = []
    with open(path, "rb") as file:
        header = Header.unpack(file.read(1536)[512:])
        for entry in header.locators:
            if entry.code == bytes(4):
                continue
            file.seek(entry.offset)
            raw = file.read(entry.length)
            wide = entry.code in (b"W2ru", b"W2ku")
            texts.append((entry.code.decode(), raw.decode("utf-16-le" if wide else "utf-8")))
            assert entry.space % 512 == 0 and entry.space >= max(512, entry.length)
    return texts
