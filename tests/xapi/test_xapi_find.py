# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Finding SRs, VDIs and the host to talk to."""

from tool_runner import failed, nothing_left

MIB = 1 << 20


def test_an_sr_by_uuid_and_by_name(sim, tool):
    uuid = sim.srs["lvhd"]["uuid"]
    line = "sr %s lvhd lvmoiscsi takes_vhd=1" % uuid
    assert line in tool.run("facts", "/sr/" + uuid).line
    assert line in tool.run("facts", "/sr/lvhd").line


def test_a_name_with_a_blank(sim, tool):
    assert "local two ext" in tool.run("facts", "/sr/local%20two").line


def test_the_default_sr(sim, tool):
    sim.set_default_sr(sr="rawlv")
    assert "rawlv lvm takes_vhd=0" in tool.run("facts", "/sr/default").line


def test_a_pool_without_default_sr(sim, tool):
    sim.set_default_sr()
    failed(tool.run("facts", "/sr/default"), 4, "the pool has no default SR", "xe pool-param-set")
    nothing_left(sim)


def test_srs_that_are_not_there(sim, tool):
    failed(tool.run("facts", "/sr/nowhere"), 4, 'no SR of the name-label "nowhere"')
    uuid = "01234567-89ab-cdef-0123-456789abcdef"
    failed(tool.run("facts", "/sr/" + uuid), 4, "no SR of uuid " + uuid)


def test_several_srs_of_one_name_are_listed(sim, tool):
    result = tool.run("facts", "/sr/twin")
    failed(result, 2, '2 SRs have the name-label "twin"')
    uuids = [sr["uuid"] for sr in sim.state()["srs"].values()]
    assert sum(uuid in result.err for uuid in uuids) >= 1


def test_a_vdi_by_uuid_and_by_name(sim, tool):
    vdi = sim.create_vdi(sr="nfs", size=4 * MIB, name_label="a disk")
    line = "vdi %s a disk size=%d snapshot=0 takes_vhd=1" % (vdi["uuid"], 4 * MIB)
    assert line in tool.run("facts", "/vdi/" + vdi["uuid"]).line
    assert line in tool.run("facts", "/vdi/a%20disk").line


def test_several_vdis_of_one_name_are_listed(sim, tool):
    made = [sim.create_vdi(sr="nfs", size=4 * MIB, name_label="same")["uuid"] for _ in range(3)]
    result = tool.run("facts", "/vdi/same")
    failed(result, 2, '3 VDIs have the name-label "same"', *made)


def test_the_list_of_several_has_an_end(sim, tool):
    for _ in range(20):
        sim.create_vdi(sr="nfs", size=4 * MIB, name_label="same")
    result = tool.run("facts", "/vdi/same")
    failed(result, 2, "20 VDIs", "...")
    assert result.err.count(", ") == 8


def test_vdis_that_are_not_there(sim, tool):
    failed(tool.run("facts", "/vdi/nowhere"), 4, 'no VDI of the name-label "nowhere"')


def test_a_raw_volume_takes_no_vhd(sim, tool):
    vdi = sim.create_vdi(sr="lvhd", size=4 * MIB, name_label="r", sm_config={"type": "raw"})
    assert "takes_vhd=0" in tool.run("facts", "/vdi/" + vdi["uuid"]).line.splitlines()[-1]


def test_the_host_that_has_the_sr(sim, tool):
    result = tool.run("facts", "/sr/local%20two")
    assert "host https://" + sim.authority("https", "two") in result.line


def test_the_master_before_other_hosts(sim, tool):
    result = tool.run("facts", "/sr/nfs")
    assert "host https://" + sim.authority("https", "one") in result.line


def test_an_sr_plugged_nowhere(sim, tool):
    failed(tool.run("facts", "/sr/lost"), 75, "no host of the pool has the SR plugged")
    failed(tool.put_vhd("lost"), 75, "no host of the pool has the SR plugged")
    nothing_left(sim)
