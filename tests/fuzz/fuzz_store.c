/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */

/* What Glance and Keystone answer, and where a user says that they are. */

#include "base/text.h"
#include "fuzzing.h"
#include "store/glance_inner.h"

#include <stdlib.h>
#include <string.h>

static void read_record(const char *text)
{
    struct glance_image img;
    struct err e = {0};

    if (glance_image_parse(text, "x", &img, &e)) {
        demand(e.code == ERR_CORRUPT && e.text[0]);
        return;
    }
    demand(uuid_is(img.id) && img.size >= -1);
    demand(strlen(img.label) < sizeof(img.label));
    demand(strlen(img.hash_value) < sizeof(img.hash_value));
}

static void read_catalogue(const char *text)
{
    char interface[] = "public", region[] = "a";
    struct cloud c = {
        .value = {[CLOUD_INTERFACE] = interface, [CLOUD_REGION_NAME] = region}};
    char url[KEYSTONE_URL_SIZE];
    struct err e = {0};

    if (keystone_find_image(text, &c, "x", url, &e))
        demand(e.code == ERR_CORRUPT || e.code == ERR_NOT_FOUND);
    else
        demand(strlen(url) < sizeof(url));
}

static void read_place(const char *text)
{
    struct glance_place p;
    struct err e = {0};

    if (glance_place_parse(&p, text, &e)) {
        demand(e.code == ERR_USAGE && e.text[0]);
        return;
    }
    demand(glance_place_is(text));
    demand(text_is_utf8(p.ref, strlen(p.ref)));
    demand(!p.has_host || (p.host.port && p.host.port <= 65535));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1);

    demand(text);
    memcpy(text, data, len);
    text[len] = '\0';
    read_record(text);
    read_catalogue(text);
    read_place(text);
    free(text);
    return 0;
}
