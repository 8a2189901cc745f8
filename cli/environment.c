/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "environment.h"

#include "arguments.h"
#include "openstack.h"
#include "say.h"
#include "vhdstream.h"

#include <stdlib.h>
#include <string.h>

static int complete_host(struct arguments *a, int side)
{
    const char *place = a->places[side], *host = getenv("XENSERVER_HOST");
    const char *gap = strstr(place, ":///");
    int len;

    if (strncmp(place, "xapi", 4) || !gap)
        return 0;
    if (!host || !*host)
        return say_usage("%s: no host, and XENSERVER_HOST is not set", place);
    len = snprintf(a->rooms[side], sizeof(a->rooms[side]), "%.*s%s%s",
                   (int)(gap + 3 - place), place, host, gap + 3);
    if (len < 0 || (size_t)len >= sizeof(a->rooms[side]))
        return say_usage("%s: too long with XENSERVER_HOST in it", place);
    a->places[side] = a->rooms[side];
    return 0;
}

/* http_proxy in lower case only: where a program runs as CGI, a request's
 * "Proxy:" header would be HTTP_PROXY. */
static const char *proxy_for(const char *place)
{
    const char *names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy",
                           "ALL_PROXY"};
    const char *proxy = NULL;

    if (!strncmp(place, "http://", 7) || !strncmp(place, "glance+http:", 12)) {
        names[0] = "http_proxy";
        names[1] = "http_proxy";
    } else if (strncmp(place, "https://", 8) && strncmp(place, "glance:", 7)) {
        return NULL;
    }
    for (int i = 0; i < 4 && !(proxy && *proxy); i++)
        proxy = getenv(names[i]);
    return proxy && *proxy ? proxy : NULL;
}

static int apply_proxy(struct vhdstream *v, const char *place, int side)
{
    const char *proxy = proxy_for(place), *except = getenv("no_proxy");

    if (!proxy)
        return 0;
    if (!except)
        except = getenv("NO_PROXY");
    if (vhdstream_set(v, side ? "dst-proxy" : "src-proxy", proxy) ||
        (except &&
         vhdstream_set(v, side ? "dst-no-proxy" : "src-no-proxy", except)))
        return say_usage("%s", vhdstream_error(v));
    return 0;
}

int environment_apply(struct vhdstream *v, struct arguments *a)
{
    int status = openstack_apply(v, a);

    for (int side = 0; side < a->nplaces && !status; side++) {
        status = complete_host(a, side);
        if (!status)
            status = apply_proxy(v, a->places[side], side);
    }
    return status;
}
