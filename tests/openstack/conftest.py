# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""A real cloud: Keystone, and Glance in its catalogue; Swift, and Glance before it."""

import os
import sys
import types

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "glance"))

import keystone_rig                                 # noqa: E402
import swift_rig                                    # noqa: E402

from disk_rig import MIB, noise, raw_file           # noqa: E402

PASSWORD = "a user's, with 'quotes' and \\ in it"


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    with keystone_rig.cloud(tmp_path_factory.mktemp("cloud")) as (keystone, port):
        user, project = keystone.user("anna", PASSWORD, "tests")
        yield types.SimpleNamespace(keystone=keystone, port=port, user=user, project=project)


@pytest.fixture(scope="session")
def swift(tmp_path_factory):
    with swift_rig.stored(tmp_path_factory.mktemp("swift")) as (server, port):
        yield types.SimpleNamespace(server=server, port=port)


@pytest.fixture
def anna(cloud):
    """What the environment of a user has."""
    return {"OS_AUTH_URL": cloud.keystone.url, "OS_USERNAME": "anna", "OS_PASSWORD": PASSWORD,
            "OS_PROJECT_NAME": "tests"}


@pytest.fixture
def token(cloud):
    """A token of that user's."""
    identity = cloud.keystone.by_password("anna", PASSWORD)
    return cloud.keystone.login(identity, "tests")


@pytest.fixture(scope="session")
def disk(tmp_path_factory):
    return raw_file(tmp_path_factory.mktemp("disk") / "a.raw", 12 * MIB,
                    [(0, noise("first", 3 * MIB)), (9 * MIB, noise("few", 4096))])
