/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "openstack.h"

#include "arguments.h"
#include "clouds_file.h"
#include "say.h"
#include "vhdstream.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What an option is called elsewhere. The first variable that is set counts; in
 * clouds.yaml a key is one of the cloud or of its "auth". */
static const struct setting {
    const char *option;
    const char *variables[3];
    const char *keys[3];
    bool beside_cloud; /* the variable fills what clouds.yaml leaves open */
    bool secret;
} settings[] = {
    {"os-auth-type", {"OS_AUTH_TYPE"}, {"auth_type"}, false, false},
    {"os-token", {"OS_TOKEN", "OS_AUTH_TOKEN"}, {"token"}, false, true},
    {"os-endpoint",
     {"OS_IMAGE_ENDPOINT_OVERRIDE", "OS_IMAGE_URL", "OS_ENDPOINT"},
     {"image_endpoint_override", "endpoint"},
     false,
     false},
    {"os-auth-url", {"OS_AUTH_URL"}, {"auth_url"}, false, false},
    {"os-username", {"OS_USERNAME"}, {"username", "user_name"}, false, false},
    {"os-user-id", {"OS_USER_ID"}, {"user_id"}, false, false},
    {"os-password", {"OS_PASSWORD"}, {"password"}, true, true},
    {"os-user-domain-id", {"OS_USER_DOMAIN_ID"}, {"user_domain_id"}, 0, 0},
    {"os-user-domain-name",
     {"OS_USER_DOMAIN_NAME"},
     {"user_domain_name"},
     0,
     0},
    {"os-project-id",
     {"OS_PROJECT_ID", "OS_TENANT_ID"},
     {"project_id", "tenant_id"},
     false,
     false},
    {"os-project-name",
     {"OS_PROJECT_NAME", "OS_TENANT_NAME"},
     {"project_name", "tenant_name"},
     false,
     false},
    {"os-project-domain-id",
     {"OS_PROJECT_DOMAIN_ID"},
     {"project_domain_id"},
     false,
     false},
    {"os-project-domain-name",
     {"OS_PROJECT_DOMAIN_NAME"},
     {"project_domain_name"},
     false,
     false},
    {"os-domain-id", {"OS_DOMAIN_ID"}, {"domain_id"}, false, false},
    {"os-domain-name", {"OS_DOMAIN_NAME"}, {"domain_name"}, false, false},
    {"os-system-scope", {"OS_SYSTEM_SCOPE"}, {"system_scope"}, false, false},
    {"os-application-credential-id",
     {"OS_APPLICATION_CREDENTIAL_ID"},
     {"application_credential_id"},
     false,
     false},
    {"os-application-credential-name",
     {"OS_APPLICATION_CREDENTIAL_NAME"},
     {"application_credential_name"},
     false,
     false},
    {"os-application-credential-secret",
     {"OS_APPLICATION_CREDENTIAL_SECRET"},
     {"application_credential_secret"},
     true,
     true},
    {"os-interface",
     {"OS_INTERFACE", "OS_ENDPOINT_TYPE"},
     {"image_interface", "interface", "endpoint_type"},
     true,
     false},
    {"os-region-name",
     {"OS_REGION_NAME"},
     {"image_region_name", "region_name"},
     true,
     false},
};

enum { NSETTINGS = sizeof(settings) / sizeof(*settings), OPTION_SIZE = 64 };

static int set_option(struct vhdstream *v, int side, const char *option,
                      const char *value)
{
    char name[OPTION_SIZE];

    (void)snprintf(name, sizeof(name), "%s-%s", side ? "dst" : "src", option);
    if (vhdstream_set(v, name, value))
        return say_usage("%s", vhdstream_error(v));
    return 0;
}

static const char *variable_of(const struct setting *s)
{
    for (int i = 0; i < 3 && s->variables[i]; i++) {
        const char *value = getenv(s->variables[i]);

        if (value && *value)
            return value;
    }
    return NULL;
}

static const char *key_of(const struct setting *s, const struct clouds *clouds)
{
    for (int i = 0; i < 3 && s->keys[i]; i++) {
        const char *value = clouds_get(clouds, s->keys[i]);

        if (value && *value)
            return value;
    }
    return NULL;
}

static bool is_no(const char *text)
{
    static const char *const words[] = {"false", "no", "off", "0"};

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (!strcasecmp(text, words[i]))
            return true;
    return false;
}

/* "~/" is the home folder in clouds.yaml, which no shell has read. */
static int set_cacert(struct vhdstream *v, int side, const char *path)
{
    const char *home = getenv("HOME");
    char full[PATH_MAX];
    int len;

    if (strncmp(path, "~/", 2) != 0 || !home)
        return set_option(v, side, "cacert", path);
    len = snprintf(full, sizeof(full), "%s%s", home, path + 1);
    return len < PATH_MAX ? set_option(v, side, "cacert", full)
                          : say_usage("cacert: too long a path");
}

/* A file that names CAs counts where the command line names none. */
static int apply_trust(struct vhdstream *v, const struct arguments *a, int side,
                       const struct clouds *clouds)
{
    const char *cacert = clouds ? clouds_get(clouds, "cacert") : NULL;
    const char *verify = clouds ? clouds_get(clouds, "verify") : NULL;

    if (a->insecure[side] || a->has_cacert[side])
        return 0;
    if (verify && is_no(verify)) {
        say("%s: clouds.yaml says `verify: %s`, which is not followed; "
            "--insecure does that, --pin and --cacert are better",
            a->places[side], verify);
        return 0;
    }
    if (cacert && *cacert)
        return set_cacert(v, side, cacert);
    cacert = getenv("OS_CACERT");
    return cacert && *cacert ? set_option(v, side, "cacert", cacert) : 0;
}

static int apply_settings(struct vhdstream *v, int side,
                          const struct clouds *clouds)
{
    for (int i = 0; i < NSETTINGS; i++) {
        const struct setting *s = &settings[i];
        const char *value = clouds ? key_of(s, clouds) : NULL;

        if (!value && (!clouds || s->beside_cloud))
            value = variable_of(s);
        if (!value && clouds && !strcmp(s->option, "os-region-name"))
            value = clouds_first(clouds, "regions");
        if (value) {
            int status = set_option(v, side, s->option, value);

            if (status)
                return status;
        }
    }
    return 0;
}

static int apply_side(struct vhdstream *v, const struct arguments *a, int side)
{
    const char *name =
        a->os_cloud[side] ? a->os_cloud[side] : getenv("OS_CLOUD");
    struct clouds *clouds = NULL;
    int status = 0;

    if (name && *name)
        status = clouds_open(&clouds, name);
    if (!status)
        status = apply_settings(v, side, clouds);
    if (!status)
        status = apply_trust(v, a, side, clouds);
    clouds_close(clouds);
    return status;
}

/* Others can read the environment of a process that runs. */
static void wipe_variables(void)
{
    for (int i = 0; i < NSETTINGS; i++)
        for (int k = 0; k < 3 && settings[i].variables[k]; k++) {
            const char *name = settings[i].variables[k];
            char *value = settings[i].secret ? getenv(name) : NULL;

            if (!value)
                continue;
            explicit_bzero(value, strlen(value));
            (void)unsetenv(name);
        }
}

int openstack_apply(struct vhdstream *v, const struct arguments *a)
{
    int status = 0;

    for (int side = 0; side < a->nplaces && !status; side++)
        if (!strncmp(a->places[side], "glance:", 7) ||
            !strncmp(a->places[side], "glance+http:", 12))
            status = apply_side(v, a, side);
    wipe_variables();
    return status;
}
