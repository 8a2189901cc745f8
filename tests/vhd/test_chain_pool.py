# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Differencing disks into a pool: whole, with the content of their parents."""

import hashlib

import pytest

from vhd_reader import read_content

CHILDREN = ["diff-leaf", "diff-larger", "blktap-child"]


@pytest.mark.parametrize("sr", ["nfs", "rawlv"])
@pytest.mark.parametrize("name", CHILDREN)
def test_a_child_arrives_whole(program, pool, corpus, name, sr):
    entry = next(v for v in corpus.valid("differencing") if v["name"] == name)
    uuid = program("copy", corpus.path(entry["path"]), pool.sr(sr), *pool.login).text.strip()
    content = read_content([corpus.path(p) for p in [entry["path"]] + entry["parents"]])
    content.resize(pool.disks[uuid]["virtual_size"])
    data = content.read(0, content.size)
    assert pool.digest(uuid) == hashlib.sha256(data).hexdigest()


def test_without_its_parent_no_disk_is_made(program, pool, corpus):
    entry = next(v for v in corpus.valid("differencing") if v["args"])
    program("copy", corpus.path(entry["path"]), pool.sr("nfs"), *pool.login, status=4)
    assert not pool.disks
