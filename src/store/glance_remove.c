/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "store/glance_inner.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum {
    REMOVE_TIMEOUT_S = 30,
    REMOVE_TRIES = 5,
    REMOVE_PAUSE_MS = 1000,
    REASON_SIZE = 200,
    LEFT_SIZE = REASON_SIZE + 200, /* bytes of what is appended */
};

static int remove_once(struct glance *g, const char *id, struct err *e)
{
    FREE char *answer = NULL;
    char path[GLANCE_PATH_SIZE];
    const struct glance_call call = {"DELETE", path, NULL, NULL};
    struct http_reply reply;

    glance_image_path(id, path);
    TRY(glance_do_if_there(g, &call, &answer, &reply, e));
    return 0;
}

/* Glance may still be busy with the upload that was broken off. */
static int remove_in_tries(struct glance *g, const char *id,
                           const struct wait *wait, struct err *e)
{
    int code;

    for (int i = 0; (code = remove_once(g, id, e)) < 0; i++) {
        if (i == REMOVE_TRIES || code == ERR_AUTH)
            return code;
        (void)wait_sleep(wait, REMOVE_PAUSE_MS, NULL);
    }
    return 0;
}

static void tell(const char *id, const struct err *cause, struct err *why)
{
    char kept[sizeof(why->text) - LEFT_SIZE], reason[REASON_SIZE];

    if (strlen(why->text) >= sizeof(kept)) {
        text_copy_cut(kept, sizeof(kept), why->text);
        (void)snprintf(why->text, sizeof(why->text), "%s...", kept);
    }
    text_copy_cut(reason, sizeof(reason), cause->text);
    (void)err_append(why,
                     "; left behind: image %s (%s); remove it with: openstack "
                     "image delete %s",
                     id, reason, id);
    why->code = ERR_UNSETTLED;
}

/* A connection of its own, which no stop request ends, for calls that clean
 * up. */
struct cleaner {
    struct wait wait;
    struct http_config http;
    struct http_client *usual;
};

static int cleaner_begin(struct cleaner *c, struct glance *g, struct err *e)
{
    c->wait = (struct wait){NULL, REMOVE_TIMEOUT_S};
    c->http = *g->cfg.http;
    c->http.wait = &c->wait;
    c->usual = g->client;
    g->client = NULL;
    return http_client_open(&g->client, &c->http, e);
}

static void cleaner_end(struct cleaner *c, struct glance *g)
{
    http_client_close(g->client);
    g->client = c->usual;
}

void glance_remove(struct glance *g, const char *id, struct err *why)
{
    struct cleaner cleaner;
    struct err cause = {0};
    int code = cleaner_begin(&cleaner, g, &cause);

    if (code >= 0)
        code = remove_in_tries(g, id, &cleaner.wait, &cause);
    cleaner_end(&cleaner, g);
    if (code < 0 && why)
        tell(id, &cause, why);
}

void glance_tell_filled(struct glance *g, const char *id, struct err *why)
{
    struct cleaner cleaner;
    struct glance_image img;
    int code = cleaner_begin(&cleaner, g, NULL);

    if (code >= 0)
        code = glance_get(g, id, &img, NULL);
    cleaner_end(&cleaner, g);
    if (code < 0 || strcmp(img.status, "active") != 0)
        return;
    (void)err_append(why,
                     "; left behind: image %s, which is active with what was "
                     "sent",
                     id);
    why->code = ERR_UNSETTLED;
}
