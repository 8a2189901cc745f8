# SPDX-License-Identifier: Apache-2.0
# Copyright the vhdstream authors
"""Ways into a cloud: what OpenStack's clients read, Keystone, the catalogue (fake_cloud.py)."""

import json
import os
import subprocess

import pytest
from fake_cloud import FakeCloud, service

from disk_rig import MIB, image_of, noise, vhd
from program_rig import PASSWORD

IMAGE = image_of(vhd(4 * MIB, {1: noise("stored", 2 * MIB)}))
USER = {"OS_USERNAME": "anna", "OS_PASSWORD": PASSWORD, "OS_PROJECT_NAME": "tests"}
ONCE = ["--retries", "0"]


@pytest.fixture
def image(cloud):
    """In a Glance that takes the tokens of its Keystone."""
    cloud.tokens = ["token-%d" % n for n in range(1, 9)]
    return cloud.add(IMAGE)


def login(cloud):
    """What Keystone was sent, once."""
    auth, = cloud.logins
    return auth


@pytest.fixture
def fetch(program, cloud, image, tmp_path):
    """fetch(env) copies the image, to whose Glance the catalogue leads."""
    def run(env, *options, host=False, status=0, name=None, scheme=None):
        place = cloud.place(name or image, host)
        if scheme:
            place = place.replace("glance+http:", scheme)
        return program("copy", place, tmp_path / "a.raw", *ONCE, *options, status=status, env=env,
                       cwd=str(tmp_path))
    return run


# --- credentials -------------------------------------------------------------


@pytest.mark.parametrize("end", ["", "/", "/v3", "/v3/"])
def test_user_and_password(cloud, fetch, end):
    fetch({**USER, "OS_AUTH_URL": cloud.origin + end})
    assert login(cloud) == {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": "anna", "domain": {"id": "default"}, "password": PASSWORD}}},
        "scope": {"project": {"name": "tests", "domain": {"id": "default"}}}}
    assert {h["X-Auth-Token"] for m, p, h in cloud.requests if "/v2" in p} == {"token-1"}


def test_domains_and_ids(cloud, fetch):
    fetch({**USER, "OS_AUTH_URL": cloud.origin, "OS_USER_DOMAIN_NAME": "people",
           "OS_PROJECT_DOMAIN_ID": "d1"})
    auth = login(cloud)
    assert auth["identity"]["password"]["user"]["domain"] == {"name": "people"}
    assert auth["scope"] == {"project": {"name": "tests", "domain": {"id": "d1"}}}


def test_a_project_by_its_id_and_a_user_by_hers(cloud, fetch):
    fetch({"OS_AUTH_URL": cloud.origin, "OS_USER_ID": "u1", "OS_PASSWORD": PASSWORD,
           "OS_PROJECT_ID": "p1"})
    auth = login(cloud)
    assert auth["identity"]["password"]["user"] == {"id": "u1", "password": PASSWORD}
    assert auth["scope"] == {"project": {"id": "p1"}}


def test_an_application_credential(cloud, fetch):
    fetch({"OS_AUTH_URL": cloud.origin, "OS_AUTH_TYPE": "v3applicationcredential",
           "OS_APPLICATION_CREDENTIAL_ID": "c1", "OS_APPLICATION_CREDENTIAL_SECRET": PASSWORD})
    assert login(cloud) == {"identity": {
        "methods": ["application_credential"],
        "application_credential": {"id": "c1", "secret": PASSWORD}}}


def test_an_application_credential_by_its_name(cloud, fetch):
    fetch({"OS_AUTH_URL": cloud.origin, "OS_USERNAME": "anna",
           "OS_APPLICATION_CREDENTIAL_NAME": "c", "OS_APPLICATION_CREDENTIAL_SECRET": PASSWORD})
    assert login(cloud)["identity"]["application_credential"] == {
        "name": "c", "secret": PASSWORD,
        "user": {"name": "anna", "domain": {"id": "default"}}}


def test_a_token_leads_to_the_catalogue_by_another(cloud, fetch):
    fetch({"OS_AUTH_URL": cloud.origin, "OS_TOKEN": PASSWORD, "OS_PROJECT_ID": "p1"})
    assert login(cloud) == {"identity": {"methods": ["token"], "token": {"id": PASSWORD}},
                            "scope": {"project": {"id": "p1"}}}


def test_a_token_goes_to_the_host_of_the_place_as_it_is(cloud, fetch):
    cloud.tokens = [PASSWORD]
    fetch({"OS_TOKEN": PASSWORD, "OS_AUTH_TYPE": "token"}, host=True)
    assert cloud.logins == []


def test_without_anything_none_is_sent(cloud, fetch):
    cloud.tokens = None
    fetch({}, host=True)
    assert not any("X-Auth-Token" in h for _, _, h in cloud.requests)


def test_an_endpoint_without_keystone(cloud, fetch):
    cloud.tokens = [PASSWORD]
    fetch({"OS_TOKEN": PASSWORD, "OS_AUTH_TYPE": "admin_token",
           "OS_ENDPOINT": cloud.origin + "/v2"})
    assert cloud.logins == []


# --- the catalogue -----------------------------------------------------------


def test_region_and_interface_choose(cloud, fetch):
    elsewhere = "http://127.0.0.1:1"
    cloud.catalogue = [
        service("compute", elsewhere), service("image", elsewhere, "internal", "north"),
        service("image", elsewhere, "public", "south"),
        service("image", cloud.origin + "/v2/", "internal", "south")]
    fetch({**USER, "OS_AUTH_URL": cloud.origin, "OS_REGION_NAME": "south",
           "OS_INTERFACE": "internalURL"})


@pytest.mark.parametrize("more, found", [
    ({}, "(interface public, any region)"),
    ({"OS_REGION_NAME": "moon", "OS_INTERFACE": "admin"}, "(interface admin, region moon)")])
def test_a_catalogue_without_glance(cloud, fetch, more, found):
    cloud.catalogue = [service("compute", cloud.origin)]
    assert found in fetch({**USER, "OS_AUTH_URL": cloud.origin, **more}, status=4).line


def test_a_place_without_a_host_needs_a_catalogue(fetch):
    assert "names no host, and no credentials lead to a catalogue" in fetch({}, status=2).lines[0]


def test_cleartext_has_to_be_asked_for(cloud, fetch):
    line = fetch({**USER, "OS_AUTH_URL": cloud.origin}, scheme="glance:", status=2).lines[0]
    assert "credentials would go there in cleartext" in line and cloud.requests == []


# --- TLS ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Of 127.0.0.1, with its key, self-signed."""
    path = str(tmp_path_factory.mktemp("tls") / "both.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path, "-out",
                    path + ".crt", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1"], capture_output=True, check=True)
    with open(path, "a", encoding="ascii") as both, open(path + ".crt", encoding="ascii") as own:
        both.write(own.read())
    return path


def test_by_tls_with_the_ca_of_the_environment(program, certificate, tmp_path, disk):
    with FakeCloud(certificate) as cloud:
        env = {**USER, "OS_AUTH_URL": cloud.origin, "OS_CACERT": certificate + ".crt"}
        image = program("copy", disk, cloud.place("new", host=False), env=env).text.strip()
        program("copy", cloud.place(image), tmp_path / "a.raw", env=env)
        assert (tmp_path / "a.raw").read_bytes() == disk.read_bytes()


def test_a_certificate_of_nobody_known(program, certificate, tmp_path):
    with FakeCloud(certificate) as cloud:
        image = cloud.add(IMAGE)
        result = program("copy", cloud.place(image), tmp_path / "a.raw", *ONCE, status=5)
        assert "--pin" in result.err and cloud.requests == []


# --- clouds.yaml -------------------------------------------------------------

CLOUDS = """
defaults: &defaults
  interface: public
  auth: {auth_url: %s, project_name: tests, project_domain_name: home}
clouds:
  other: {auth: {auth_url: "http://127.0.0.1:1"}}
  mine:
    <<: *defaults
    region_name: RegionOne
    auth:
      auth_url: %s
      username: anna
      user_domain_name: people
      project_name: tests
"""
SECURE = "clouds: {mine: {auth: {password: '%s'}}}\n" % PASSWORD


def write(folder, cloud, secure=True):
    os.makedirs(folder, exist_ok=True)
    (folder / "clouds.yaml").write_text(CLOUDS % (cloud.origin, cloud.origin))
    if secure:
        (folder / "secure.yaml").write_text(SECURE)


@pytest.mark.parametrize("where", ["here", "home", "config", "named"])
def test_a_cloud_of_clouds_yaml(cloud, fetch, tmp_path, where):
    env = {"OS_CLOUD": "mine", "HOME": str(tmp_path), "XDG_CONFIG_HOME": ""}
    folder = {"here": tmp_path, "home": tmp_path / ".config" / "openstack",
              "config": tmp_path / "x" / "openstack", "named": tmp_path / "y"}[where]
    write(folder, cloud)
    if where == "config":
        env["XDG_CONFIG_HOME"] = str(tmp_path / "x")
    if where == "named":
        env.update(OS_CLIENT_CONFIG_FILE=str(folder / "clouds.yaml"),
                   OS_CLIENT_SECURE_FILE=str(folder / "secure.yaml"))
    fetch(env)
    assert login(cloud)["identity"]["password"]["user"] == \
        {"name": "anna", "domain": {"name": "people"}, "password": PASSWORD}


def test_the_option_goes_before_the_variable(cloud, fetch, tmp_path):
    write(tmp_path, cloud)
    fetch({"OS_CLOUD": "other"}, "--src-os-cloud", "mine")


def test_a_password_may_come_beside_the_cloud_and_nothing_of_another_one(cloud, fetch, tmp_path):
    write(tmp_path, cloud, secure=False)
    fetch({"OS_CLOUD": "mine", "OS_PASSWORD": PASSWORD, "OS_TOKEN": "stale",
           "OS_AUTH_URL": "http://127.0.0.1:1", "OS_PROJECT_ID": "theirs"})
    assert login(cloud)["scope"] == {"project": {"name": "tests", "domain": {"id": "default"}}}


SCOPES = """
clouds:
  mine:
    auth: {auth_url: %s, username: anna, password: %s, system_scope: all}
    regions: %s
"""


@pytest.mark.parametrize("regions", ["[two, one]", "[{name: two, values: {x: y}}, one]"])
@pytest.mark.parametrize("env, region", [({}, "two"), ({"OS_REGION_NAME": "one"}, "one")])
def test_regions_and_the_scope_of_the_system(program, cloud, image, tmp_path, regions, env,
                                             region):
    (tmp_path / "clouds.yaml").write_text(SCOPES % (cloud.origin, PASSWORD, regions))
    cloud.catalogue = [service("image", "http://127.0.0.1:1/" + name, region=name)
                       for name in ("one", "two")]
    line = program("copy", cloud.place(image, False), tmp_path / "a.raw", *ONCE, status=75,
                   env={"OS_CLOUD": "mine", **env}, cwd=str(tmp_path)).line
    assert "127.0.0.1" in line
    assert login(cloud)["scope"] == {"system": {"all": True}}


def test_another_scope_of_the_system(fetch):
    assert "--os-system-scope none: expected all" in \
        fetch({**USER, "OS_SYSTEM_SCOPE": "none", "OS_AUTH_URL": "https://k"}, status=2).lines[0]


@pytest.mark.parametrize("word", ["false", "no", "off", "0", "False"])
def test_verify_is_not_followed_and_said(cloud, fetch, tmp_path, word):
    write(tmp_path, cloud)
    with open(tmp_path / "clouds.yaml", "a", encoding="ascii") as file:
        file.write("    verify: %s\n" % word)
    assert "which is not followed" in fetch({"OS_CLOUD": "mine"}).err


def test_the_home_folder_in_clouds_yaml(cloud, fetch, tmp_path):
    write(tmp_path, cloud)
    text = (tmp_path / "clouds.yaml").read_text().replace("http:", "https:")
    (tmp_path / "clouds.yaml").write_text(text + "    cacert: ~/no-such.pem\n")
    line = fetch({"OS_CLOUD": "mine", "HOME": str(tmp_path)}, status=2).lines[0]
    assert "%s/no-such.pem" % tmp_path in line


@pytest.mark.parametrize("text, status, found", [
    (None, 4, "no clouds.yaml with the cloud mine"),
    ("clouds: {yours: {}}", 4, "clouds.yaml: has no cloud mine"),
    ("clouds: [mine]", 4, "clouds.yaml: has no cloud mine"),
    ("", 4, "clouds.yaml: has no cloud mine"),
    ("clouds: {mine: {auth: {username: x}}}", 2, "no host, and no credentials"),
    ("clouds:\n  mine: [", 2, "clouds.yaml: line 3: no YAML"),
    ("x: &x {<<: *x}\nclouds: *x", 4, "clouds.yaml: has no cloud mine"),
    (" " * (1 << 20) + "{}", 2, "no file of at most 1048576 bytes"),
], ids=range(8))
def test_clouds_yaml_that_do_not_help(fetch, tmp_path, text, status, found):
    if text is not None:
        (tmp_path / "clouds.yaml").write_text(text)
    result = fetch({"OS_CLOUD": "mine", "HOME": str(tmp_path)}, status=status)
    assert found in result.lines[0] or "OS_AUTH_URL is not given" in result.lines[0]


# --- refusals, renewals, secrets ---------------------------------------------


def test_a_token_that_ends_on_the_way_is_renewed(cloud, fetch, image):
    def expire(answer):
        if len(cloud.asked("GET", "/file")) == 1:
            cloud.tokens = ["token-2"]
        return True

    cloud.ways["GET", "/v2/images/ID/file"] = expire
    fetch({**USER, "OS_AUTH_URL": cloud.origin})
    assert len(cloud.logins) == 2 and len(cloud.asked("GET", "/file")) == 2


def test_a_token_that_ends_during_an_upload_is_renewed(program, cloud, image, disk):
    def expire(answer):
        cloud.tokens = ["token-2"]
        return True

    cloud.ways["GET", "/v2/images/ID"] = expire
    program("copy", disk, cloud.place("new"), env={**USER, "OS_AUTH_URL": cloud.origin})
    assert len(cloud.logins) == 2 and len(cloud.images) == 2


def test_an_upload_that_is_refused_is_begun_anew_with_another_token(program, cloud, image, disk):
    def refuse(answer):
        if answer.headers["X-Auth-Token"] == "token-1":
            answer.say(401, b"no")
            return None
        return True

    cloud.ways["PUT", "/v2/images/ID/file"] = refuse
    program("copy", disk, cloud.place("new"), env={**USER, "OS_AUTH_URL": cloud.origin})
    assert len(cloud.logins) == 2 and len(cloud.images) == 2


def test_an_upload_that_is_always_refused(program, cloud, image, disk):
    cloud.ways["PUT", "/v2/images/ID/file"] = (401, b"no")
    line = program("copy", disk, cloud.place("new"), env={**USER, "OS_AUTH_URL": cloud.origin},
                   status=5).lines[-1]
    assert "401" in line and len(cloud.logins) == 2 and list(cloud.images) == [image]


def test_a_token_that_is_never_taken_is_renewed_once(cloud, fetch):
    cloud.tokens = []
    assert "the server answered 401" in fetch({**USER, "OS_AUTH_URL": cloud.origin}, status=5).line
    assert len(cloud.logins) == 2


def test_a_given_token_that_is_refused(cloud, fetch):
    line = fetch({"OS_TOKEN": "stale-token"}, host=True, status=5).line
    assert "does not take the token of OS_TOKEN" in line and "stale-token" not in line


GONE = b'{"error":{"code":404,"message":"Failed to validate token","title":"Not Found"}}'


@pytest.mark.parametrize("answer, env, status, found", [
    (GONE, {"OS_TOKEN": "stale-token"}, 5, "does not know the token of OS_TOKEN"),
    (b"<h1>Not Found</h1>", {"OS_TOKEN": "stale-token"}, 4, "answered 404: Not Found"),
    (GONE, USER, 4, "answered 404")])
def test_keystone_has_404_for_a_token_that_ended(cloud, fetch, answer, env, status, found):
    cloud.ways["POST", "/v3/auth/tokens"] = (404, answer)
    line = fetch({**env, "OS_AUTH_URL": cloud.origin}, status=status).line
    assert found in line and "stale-token" not in line


def test_no_token_where_one_is_wanted(fetch):
    assert "wants a token; OS_CLOUD, OS_TOKEN or OS_AUTH_URL" in fetch({}, host=True, status=5).line


@pytest.mark.parametrize("word", [
    PASSWORD, 'a"b\\c-Geheim', "tab\tGeheim", "\u00fcber-Geheim",
    "\u043f\u0430\u0440\u043e\u043b\u044c", "x"])
@pytest.mark.parametrize("repeat", [
    lambda body: body, lambda body: b"x" * (485 - body.index(b'"password":"')) + body,
    lambda body: json.dumps({"error": {"message": repr(json.loads(body))}}).encode()])
def test_keystone_refuses_and_repeats_the_login(cloud, fetch, word, repeat):
    def refuse(answer):
        answer.say(401, repeat(answer.body()))

    cloud.ways["POST", "/v3/auth/tokens"] = refuse
    line = fetch({**USER, "OS_PASSWORD": word, "OS_AUTH_URL": cloud.origin}, status=5).line
    assert "the server answered 401; Keystone does not know these credentials" in line


def test_keystone_says_why(cloud, fetch):
    cloud.ways["POST", "/v3/auth/tokens"] = (400, b"Expecting to find domain in user")
    line = fetch({**USER, "OS_AUTH_URL": cloud.origin}, status=1).line
    assert "the server answered 400: Expecting to find domain in user" in line


@pytest.mark.parametrize("name", ["OS_PASSWORD", "OS_PROJECT_NAME", "OS_USERNAME"])
def test_what_is_no_utf8(fetch, cloud, name):
    line = fetch({**USER, "OS_AUTH_URL": cloud.origin, name: os.fsdecode(b"p\xe4ss")},
                 status=2).lines[0]
    assert "--%s: no UTF-8" % name.lower().replace("_", "-") in line and not cloud.logins


@pytest.mark.parametrize("path", ["/v2/images/ID", "/v2/images/ID/file"])
def test_glance_repeats_the_token(cloud, fetch, path):
    cloud.ways["GET", path] = (403, b"bad token-1!")
    line = fetch({**USER, "OS_AUTH_URL": cloud.origin}, status=5).line
    assert "answered 403: bad ...!" in line


@pytest.mark.parametrize("answer, found", [
    ((201, b"{}"), "the catalogue has no image service"),
    ((201, b"{}", [("X-Subject-Token", "x" * 20000)]), "the catalogue has no image service"),
    ((201, b"no"), "the answer is no JSON"),
    ((201, b" " * (5 << 20)), "the answer is longer than"),
    ((300, b"versions", [("Location", "/v9")]), "which points to"),
])
def test_answers_of_keystone_that_are_none(cloud, fetch, answer, found):
    cloud.ways["POST", "/v3/auth/tokens"] = answer
    assert found in fetch({**USER, "OS_AUTH_URL": cloud.origin}, status=None).line


@pytest.mark.parametrize("token", [None, "x" * 20000])
def test_no_token_in_the_answer(cloud, fetch, token):
    cloud.ways["POST", "/v3/auth/tokens"] = \
        (201, b"{}", [("X-Subject-Token", token)] if token else [])
    assert "the answer has no token" in \
        fetch({**USER, "OS_AUTH_URL": cloud.origin}, host=True, status=3).line


@pytest.mark.parametrize("env, found", [
    ({"OS_AUTH_URL": "https://k"}, "OS_USERNAME is not given"),
    ({"OS_AUTH_URL": "https://k", "OS_USERNAME": "u"}, "OS_PASSWORD is not given"),
    ({"OS_USERNAME": "u", "OS_PASSWORD": "p"}, "OS_AUTH_URL is not given"),
    ({"OS_AUTH_TYPE": "token", "OS_AUTH_URL": "https://k"}, "OS_TOKEN is not given"),
    ({"OS_AUTH_URL": "https://k", "OS_APPLICATION_CREDENTIAL_ID": "i"},
     "OS_APPLICATION_CREDENTIAL_SECRET is not given"),
    ({"OS_AUTH_URL": "https://k/v2.0", **USER}, "ends in /v2.0"),
    ({"OS_AUTH_URL": "ftp://k", **USER}, "OS_AUTH_URL is no address of Keystone"),
    ({"OS_AUTH_TYPE": "v3oidcpassword"}, "OS_AUTH_TYPE v3oidcpassword: expected"),
])
def test_what_is_missing_is_named(fetch, env, found):
    assert found in fetch(env, status=2).lines[0]


def test_secrets_go_from_the_environment(program, cloud, image, tmp_path):
    """Whoever may look at the process sees none while it runs, in any verb."""
    seen = []

    def look(answer):
        for pid in os.listdir("/proc"):
            try:
                with open("/proc/%s/environ" % pid, "rb") as file:
                    if b"LOOK_AT_ME" in (text := file.read()):
                        seen.append(text)
            except OSError:
                pass
        return True

    cloud.ways["GET", "/v2/images/ID/file"] = look
    program("copy", cloud.place(image), tmp_path / "a.raw",
            env={**USER, "OS_AUTH_URL": cloud.origin, "OS_TOKEN": "", "LOOK_AT_ME": "1"})
    assert seen and not any(PASSWORD.encode() in text for text in seen)


def test_each_side_gets_its_own_secrets(program, cloud, image, pool, tmp_path):
    """The pool's password does not go to the cloud, nor the cloud's to the pool."""
    env = {**USER, "OS_PASSWORD": "of the cloud", "OS_AUTH_URL": cloud.origin}
    for pair in ([cloud.place(image), pool.sr("nfs")], [cloud.place(image), tmp_path / "a.raw"]):
        program("copy", *pair, *pool.login, *ONCE, env=env)
    spoken = repr((cloud.requests, cloud.bodies, cloud.logins))
    assert "of the cloud" in spoken and PASSWORD not in spoken and "Authorization" not in spoken
    assert "of the cloud" not in repr(pool.sim.log()) and "token-" not in repr(pool.sim.log())
