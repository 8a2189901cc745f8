/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_CLOUD_H
#define VHDSTREAM_CLOUD_H

/* How one gets into an OpenStack cloud: what its clients take from the
 * environment and from clouds.yaml, by the same names. */

#include "base/err.h"

#include <stdbool.h>

enum cloud_setting {
    CLOUD_AUTH_TYPE,
    CLOUD_TOKEN, /* secret */
    CLOUD_ENDPOINT,
    CLOUD_AUTH_URL,
    CLOUD_USERNAME,
    CLOUD_USER_ID,
    CLOUD_PASSWORD, /* secret */
    CLOUD_USER_DOMAIN_ID,
    CLOUD_USER_DOMAIN_NAME,
    CLOUD_PROJECT_ID,
    CLOUD_PROJECT_NAME,
    CLOUD_PROJECT_DOMAIN_ID,
    CLOUD_PROJECT_DOMAIN_NAME,
    CLOUD_DOMAIN_ID,
    CLOUD_DOMAIN_NAME,
    CLOUD_SYSTEM_SCOPE,
    CLOUD_CREDENTIAL_ID,
    CLOUD_CREDENTIAL_NAME,
    CLOUD_CREDENTIAL_SECRET, /* secret */
    CLOUD_INTERFACE,
    CLOUD_REGION_NAME,
    CLOUD_SETTINGS,
};

struct cloud {
    char *value[CLOUD_SETTINGS]; /* NULL: not given */
};

/* Sets one by its name as an option ("os-auth-url"): 1; 0 when it is none. ""
 * is as not given. */
int cloud_set(struct cloud *c, const char *option, const char *value,
              struct err *e);

void cloud_free(struct cloud *c);

/* Replaces what is secret in `text` by dots. */
void cloud_hide(const struct cloud *c, char *text);

/* Empties the text of an answer to a login that may tell what is secret. */
void cloud_withhold(const struct cloud *c, char *text);

#endif
