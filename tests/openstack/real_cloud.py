# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Images in a Glance that wants tokens, with a Keystone to give them; ./dev openstack runs this.

tests/glance asks a false Keystone what was sent to it; here it is the real one that must take it.
"""

import json
import urllib.request
import uuid

import pytest
from conftest import PASSWORD
from keystone_rig import REGION

ONCE = ["--retries", "0"]


@pytest.fixture
def image(program, anna, disk):
    """One of that user's."""
    return put(program, disk, anna)


def put(program, disk, env, place="glance+http:///%s"):
    return program("copy", disk, place % uuid.uuid4().hex, *ONCE, env=env).text.strip()


def fetch(program, image, folder, env, status=0, place="glance+http:///%s"):
    return program("copy", place % image, folder / "back.raw", *ONCE, env=env, status=status,
                   cwd=str(folder))


def record(cloud, image, token):
    url = "http://127.0.0.1:%d/v2/images/%s" % (cloud.port, image)
    request = urllib.request.Request(url, headers={"X-Auth-Token": token})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def by_id(cloud, **more):
    return {"OS_AUTH_URL": cloud.keystone.url, **more}


def test_by_password_from_a_pool_into_another(program, cloud, anna, token, pool, own_pool, disk):
    other = own_pool()
    source = pool.make_disk("nfs", 12 << 20, file=disk)
    name = uuid.uuid4().hex
    image = program("copy", pool.vdi(source), "glance+http:///" + name, *pool.login,
                    env=anna).text.strip()
    found = record(cloud, image, token)
    assert (found["status"], found["name"], found["owner"]) == ("active", name, cloud.project)
    made = program("copy", "glance+http:///" + image, other.sr("nfs"), *other.login,
                   env=anna).text.strip()
    with open(other.raw_path(made), "rb") as file:
        assert file.read() == disk.read_bytes()


def test_every_way_to_say_who_one_is(program, cloud, disk, token, image, tmp_path):
    keystone = cloud.keystone
    secret = uuid.uuid4().hex
    credential = keystone.credential(cloud.user, token, secret, secret)
    project = {"OS_PROJECT_NAME": "tests", "OS_PROJECT_DOMAIN_NAME": "Default"}
    ways = [
        {"OS_USER_ID": cloud.user, "OS_PASSWORD": PASSWORD, "OS_PROJECT_ID": cloud.project},
        {"OS_USERNAME": "anna", "OS_USER_DOMAIN_NAME": "Default", "OS_PASSWORD": PASSWORD,
         **project},
        {"OS_USERNAME": "anna", "OS_USER_DOMAIN_ID": "default", "OS_PASSWORD": PASSWORD,
         "OS_PROJECT_NAME": "tests", "OS_PROJECT_DOMAIN_ID": "default", "OS_REGION_NAME": REGION,
         "OS_INTERFACE": "public", "OS_IDENTITY_API_VERSION": "3"},
        {"OS_AUTH_TYPE": "v3applicationcredential", "OS_APPLICATION_CREDENTIAL_ID": credential,
         "OS_APPLICATION_CREDENTIAL_SECRET": secret},
        {"OS_APPLICATION_CREDENTIAL_NAME": secret, "OS_APPLICATION_CREDENTIAL_SECRET": secret,
         "OS_USERNAME": "anna", "OS_USER_DOMAIN_NAME": "Default"},
        {"OS_TOKEN": token, **project},
    ]
    for way in ways:
        fetch(program, image, tmp_path, by_id(cloud, **way))
        assert (tmp_path / "back.raw").read_bytes() == disk.read_bytes()
        (tmp_path / "back.raw").unlink()


def test_a_token_alone_where_the_place_names_the_host(program, cloud, disk, token, image, tmp_path):
    place = "glance+http://127.0.0.1:%d/%%s" % cloud.port
    fetch(program, image, tmp_path, {"OS_TOKEN": token, "OS_AUTH_TYPE": "token"}, place=place)
    assert (tmp_path / "back.raw").read_bytes() == disk.read_bytes()


def test_clouds_yaml(program, cloud, disk, image, tmp_path):
    auth = {"auth_url": cloud.keystone.url, "username": "anna", "password": PASSWORD,
            "project_name": "tests", "user_domain_name": "Default",
            "project_domain_name": "Default"}
    (tmp_path / "clouds.yaml").write_text(
        json.dumps({"clouds": {"mine": {"auth": auth, "region_name": REGION}}}))
    fetch(program, image, tmp_path, {"OS_CLOUD": "mine"})
    assert (tmp_path / "back.raw").read_bytes() == disk.read_bytes()


@pytest.mark.parametrize("more, status, found", [
    ({"OS_PASSWORD": "wrong"}, 5, "401"),
    ({"OS_USERNAME": "nobody"}, 5, "401"),
    ({"OS_PROJECT_NAME": "admin"}, 5, "401"),
    ({"OS_REGION_NAME": "moon"}, 4, "region moon"),
    ({"OS_INTERFACE": "internal"}, 4, "interface internal")])
def test_what_is_not_right(program, anna, image, tmp_path, more, status, found):
    run = fetch(program, image, tmp_path, {**anna, **more}, status)
    assert found in run.line and anna["OS_PASSWORD"] not in run.err


def test_a_user_who_may_not_any_more(program, cloud, image, tmp_path):
    keystone, name = cloud.keystone, "user-" + uuid.uuid4().hex
    user, _ = keystone.user(name, PASSWORD, name)
    token = keystone.login(keystone.by_password(name, PASSWORD), name)
    keystone.set("user", user, enabled=False)
    env = by_id(cloud, OS_USERNAME=name, OS_PASSWORD=PASSWORD, OS_PROJECT_NAME=name)
    assert "does not know these credentials" in fetch(program, image, tmp_path, env, 5).line
    run = fetch(program, image, tmp_path, by_id(cloud, OS_TOKEN=token), 5)
    assert "does not know the token of OS_TOKEN" in run.line and token not in run.err


def test_a_token_that_was_taken_back(program, cloud, token, image, tmp_path):
    cloud.keystone.revoke(token)
    place = "glance+http://127.0.0.1:%d/%%s" % cloud.port
    run = fetch(program, image, tmp_path, {"OS_TOKEN": token, "OS_AUTH_TYPE": "token"}, 5, place)
    assert "does not take the token of OS_TOKEN" in run.line and token not in run.err


def test_the_image_of_another_project(program, cloud, image, tmp_path):
    name = "user-" + uuid.uuid4().hex
    cloud.keystone.user(name, PASSWORD, name)
    env = by_id(cloud, OS_USERNAME=name, OS_PASSWORD=PASSWORD, OS_PROJECT_NAME=name)
    assert image in fetch(program, image, tmp_path, env, 4).line


def test_an_upload_that_is_cut_is_no_image(program, cloud, anna, token, disk):
    """What is left of it says that it is not whole, or is gone."""
    name = uuid.uuid4().hex
    cut = disk.read_bytes()[:5 << 20]
    program("copy", "--from", "raw", "--size", str(12 << 20), "-", "glance+http:///" + name, *ONCE,
            stdin=cut, env=anna, status=3)
    request = urllib.request.Request("http://127.0.0.1:%d/v2/images?name=%s" % (cloud.port, name),
                                     headers={"X-Auth-Token": token})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.loads(answer.read())["images"] == []
