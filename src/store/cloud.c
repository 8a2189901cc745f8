/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "store/cloud.h"

#include "base/mem.h"
#include "base/text.h"

#include <stddef.h>
#include <string.h>

static const char *const cloud_options[CLOUD_SETTINGS] = {
    [CLOUD_AUTH_TYPE] = "os-auth-type",
    [CLOUD_TOKEN] = "os-token",
    [CLOUD_ENDPOINT] = "os-endpoint",
    [CLOUD_AUTH_URL] = "os-auth-url",
    [CLOUD_USERNAME] = "os-username",
    [CLOUD_USER_ID] = "os-user-id",
    [CLOUD_PASSWORD] = "os-password",
    [CLOUD_USER_DOMAIN_ID] = "os-user-domain-id",
    [CLOUD_USER_DOMAIN_NAME] = "os-user-domain-name",
    [CLOUD_PROJECT_ID] = "os-project-id",
    [CLOUD_PROJECT_NAME] = "os-project-name",
    [CLOUD_PROJECT_DOMAIN_ID] = "os-project-domain-id",
    [CLOUD_PROJECT_DOMAIN_NAME] = "os-project-domain-name",
    [CLOUD_DOMAIN_ID] = "os-domain-id",
    [CLOUD_DOMAIN_NAME] = "os-domain-name",
    [CLOUD_SYSTEM_SCOPE] = "os-system-scope",
    [CLOUD_CREDENTIAL_ID] = "os-application-credential-id",
    [CLOUD_CREDENTIAL_NAME] = "os-application-credential-name",
    [CLOUD_CREDENTIAL_SECRET] = "os-application-credential-secret",
    [CLOUD_INTERFACE] = "os-interface",
    [CLOUD_REGION_NAME] = "os-region-name",
};

int cloud_set(struct cloud *c, const char *option, const char *value,
              struct err *e)
{
    for (int i = 0; i < CLOUD_SETTINGS; i++) {
        char *copy = NULL;

        if (strcmp(cloud_options[i], option) != 0)
            continue;
        if (!value)
            return err_set(e, ERR_USAGE, "--%s needs a value", option);
        if (!text_is_utf8(value, strlen(value)))
            return err_set(e, ERR_USAGE,
                           "--%s: no UTF-8, which OpenStack's texts are",
                           option);
        if (i == CLOUD_SYSTEM_SCOPE && *value && strcmp(value, "all") != 0)
            return err_set(e, ERR_USAGE, "--%s %s: expected all", option,
                           value);
        if (*value)
            TRY(mem_copy_text(&copy, value, e));
        mem_free_secret(c->value[i]);
        c->value[i] = copy;
        return 1;
    }
    return 0;
}

void cloud_free(struct cloud *c)
{
    for (int i = 0; i < CLOUD_SETTINGS; i++)
        mem_free_secret(c->value[i]);
    *c = (struct cloud){0};
}

static const enum cloud_setting secrets[] = {CLOUD_TOKEN, CLOUD_PASSWORD,
                                             CLOUD_CREDENTIAL_SECRET};

void cloud_hide(const struct cloud *c, char *text)
{
    for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
        text_hide(text, c->value[secrets[i]]);
}

void cloud_withhold(const struct cloud *c, char *text)
{
    for (size_t i = 0; i < sizeof(secrets) / sizeof(*secrets); i++)
        text_withhold(text, c->value[secrets[i]]);
}
