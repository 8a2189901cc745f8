/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "stranger.h"

#include "ask.h"
#include "known_hosts.h"
#include "say.h"
#include "vhdstream.h"
#include "watch.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* One question at a time. What was answered holds for the run, whether it could
 * be written down or not. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

enum { ANSWERS_MAX = 64 };

static struct answer {
    char host[256];
    char sum[KNOWN_SUM_SIZE];
    bool believed;
} answers[ANSWERS_MAX];

static unsigned nanswers;

static const struct answer *find_answer(const struct vhdstream_certificate *c)
{
    for (unsigned i = 0; i < nanswers; i++)
        if (!strcmp(answers[i].host, c->host) &&
            !strcmp(answers[i].sum, c->sha256))
            return &answers[i];
    return NULL;
}

static void keep_answer(const struct vhdstream_certificate *c, bool believed)
{
    struct answer *a = &answers[nanswers];

    if (nanswers == ANSWERS_MAX)
        return;
    (void)snprintf(a->host, sizeof(a->host), "%s", c->host);
    (void)snprintf(a->sum, sizeof(a->sum), "%s", c->sha256);
    a->believed = believed;
    nanswers++;
}

static int say_changed(const struct vhdstream_certificate *c, unsigned line)
{
    char path[KNOWN_PATH_MAX] = "";

    (void)known_hosts_path(path);
    say("WARNING: %s shows another certificate than the one that was trusted "
        "in line %u of %s. Somebody may have put himself between, who would "
        "see the password and the disk. Nothing was sent. If the certificate "
        "was changed on purpose, delete that line.",
        c->host, line, path);
    return VHDSTREAM_CHANGED;
}

static int ask_user(struct watch *w, const struct vhdstream_certificate *c)
{
    char question[1024], answer[16] = "";
    bool believed;
    int got;

    (void)snprintf(
        question, sizeof(question),
        "The certificate of %.255s is not known here (%.200s).\n"
        "Its fingerprint is\n    %s\nOn the host this prints the same:\n"
        "    openssl x509 -noout -fingerprint -sha256 -in "
        "/etc/xensource/xapi-ssl.pem\n"
        "Trust it from now on? (yes/no) ",
        c->host, c->problem, c->sha256);
    watch_hold(w, true);
    got = ask_shown(question, answer, sizeof(answer), watch_stop_fd(w));
    watch_hold(w, false);
    if (got)
        return VHDSTREAM_AS_VERIFIED;
    believed = !strcasecmp(answer, "yes");
    if (believed)
        (void)known_hosts_add(c->host, c->sha256);
    keep_answer(c, believed);
    return believed ? VHDSTREAM_BELIEVE : VHDSTREAM_AS_VERIFIED;
}

static int decide(struct watch *w, const struct vhdstream_certificate *c)
{
    const struct answer *before = find_answer(c);
    unsigned line = 0;

    if (before)
        return before->believed ? VHDSTREAM_BELIEVE : VHDSTREAM_AS_VERIFIED;
    switch (known_hosts_look(c->host, c->sha256, &line)) {
    case KNOWN_SAME:
        return VHDSTREAM_BELIEVE;
    case KNOWN_OTHER:
        return say_changed(c, line);
    case KNOWN_NOT:
    default:
        break;
    }
    if (!c->problem || !ask_is_possible())
        return VHDSTREAM_AS_VERIFIED;
    return c->may_wait ? ask_user(w, c) : VHDSTREAM_ASK_AGAIN;
}

int stranger_judge(void *ctx, const struct vhdstream_certificate *c)
{
    int trust;

    pthread_mutex_lock(&lock);
    trust = decide(ctx, c);
    pthread_mutex_unlock(&lock);
    return trust;
}
