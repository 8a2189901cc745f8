# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Start the simulator: python3 -m peer [CONFIG], CONFIG being JSON or a file of it.

Prints one JSON line when it is ready, and ends when its standard input does.
"""

import json
import os
import shutil
import sys
import tempfile

if not __package__:                 # run as "python3 tests/peer"
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    __package__ = "peer"

from peer import sim_config
from peer.certificates import HostTls, fingerprint
from peer.control_calls import ControlCalls
from peer.control_door import ControlDoor
from peer.fault_switches import FaultSwitches
from peer.http_server import HttpServer
from peer.pool_model import Pool
from peer.request_log import RequestLog
from peer.sim_clock import SimClock


def ready_line(pool, server, tls, control):
    """What a test must know to talk to the pool."""
    hosts = {}
    for host in pool.hosts:
        known = {"address": host.address, "ref": host.ref, "uuid": host.uuid}
        if tls:
            known["cert"] = tls.certs[host.name_label]
            known["sha256"] = fingerprint(known["cert"])
        hosts[host.name_label] = known
    return {
        "http_port": server.ports["http"], "tls_port": tls and server.ports["tls"],
        "control_port": control.port, "state_dir": pool.state_dir, "hosts": hosts,
        "ca_bundle": tls and tls.bundle, "master": pool.master.name_label,
        "srs": {s.name_label: {"ref": s.ref, "uuid": s.uuid, "type": s.type}
                for s in pool.all("SR")},
    }


def run(config, state_dir):
    clock = SimClock(config["clock_scale"])
    pool = Pool(config, clock, state_dir)
    tls = HostTls(state_dir, pool.hosts, config["tls_policy"]) if config["tls"] else None
    faults, log = FaultSwitches(), RequestLog(clock)
    server = HttpServer(pool, faults, log, tls)
    calls = ControlCalls(pool, server, faults, log)
    ready = ready_for_tests(calls, config["vdis"])
    control = ControlDoor(calls)
    server.start()
    control.start()
    print(json.dumps(dict(ready_line(pool, server, tls, control), vdis=ready)), flush=True)
    while sys.stdin.buffer.read(65536):
        pass                        # until the parent is gone


def ready_for_tests(calls, vdis):
    """Create the VDIs that the configuration asks for."""
    return [calls.create_vdi(**vdi) for vdi in vdis]


def main():
    config = sim_config.load(sys.argv[1] if len(sys.argv) > 1 else "{}")
    state_dir = config["state_dir"] or tempfile.mkdtemp(prefix="xapi-peer-")
    try:
        run(config, state_dir)
    finally:
        if not config["state_dir"]:
            shutil.rmtree(state_dir, ignore_errors=True)
    sys.stdout.flush()
    os._exit(0)                     # connections in flight do not keep it alive


if __name__ == "__main__":
    main()
