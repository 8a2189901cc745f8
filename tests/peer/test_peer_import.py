# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""PUT /import_raw_vdi: what it takes, what it refuses, what the task says then."""

import os

from .vhd_maker import MIB, vhd

IO_ERROR = ("failure", ["VDI_IO_ERROR", "Device I/O errors"])
DONE = ("success", [])


def pattern(n=2 * MIB, seed=b"x"):
    return (seed + os.urandom(4096 - len(seed))) * (n // 4096)


def test_vhd_blocks_land_where_they_belong(client):
    vdi = client.create_vdi("nfs", 10 * MIB)
    one, four = pattern(), pattern()
    assert client.import_disk(vdi, vhd(10 * MIB, {1: one, 4: four}), format="vhd") == DONE
    got = client.content(vdi)
    assert got == bytes(2 * MIB) + one + bytes(4 * MIB) + four


def test_task_result_names_the_vdi(client):
    vdi, task = client.create_vdi("nfs", 4 * MIB), client.task()
    client.put(client.target("import", vdi, task, format="vhd"), vhd(4 * MIB, {}))
    assert client.wait(task) == DONE
    assert client.call("task.get_result", task) == "<value>%s</value>" % vdi
    assert client.call("task.get_progress", task) == 1.0


def test_export_gives_back_what_was_imported(client):
    vdi = client.create_vdi("nfs", 10 * MIB)
    client.import_disk(vdi, vhd(10 * MIB, {1: pattern()}), format="vhd")
    body, verdict = client.export_disk(vdi, format="raw")
    assert verdict == DONE
    assert body == client.content(vdi)
