/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "io/http_inner.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* --- pins ------------------------------------------------------------------*/

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly 32 bytes in hexadecimal; a colon may stand between two bytes. */
static bool parse_sum(const char *text, uint8_t sum[32])
{
    for (unsigned i = 0; i < 32; i++) {
        int high, low;

        if (i && *text == ':')
            text++;
        high = hex_digit(text[0]);
        low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0)
            return false;
        sum[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return !*text;
}

static bool has_port(const char *host)
{
    const char *end = *host == '[' ? strchr(host, ']') : host;

    return !end || strchr(end, ':');
}

/* A host as a user writes it, in the form that http_url_host gives. */
static bool parse_host(const char *text, size_t len, char *host, size_t size)
{
    char url[HTTP_HOST_SIZE + 16];
    struct in6_addr six;
    bool bare;

    if (!len || len >= HTTP_HOST_SIZE)
        return false;
    (void)snprintf(url, sizeof(url), "%.*s", (int)len, text);
    bare = inet_pton(AF_INET6, url, &six) == 1;
    if (url[strcspn(url, "/@?#")] || (!bare && has_port(url)))
        return false;
    (void)snprintf(url, sizeof(url), bare ? "https://[%.*s]/" : "https://%.*s/",
                   (int)len, text);
    return http_url_host(url, host, size);
}

int http_pin_parse(struct http_pin *out, const char *text, struct err *e)
{
    struct http_pin pin = {.host = ""};
    const char *equals = strchr(text, '=');
    const char *sum = equals ? equals + 1 : text;

    if (equals &&
        !parse_host(text, (size_t)(equals - text), pin.host, sizeof(pin.host)))
        return err_set(e, ERR_USAGE,
                       "pin '%s': what stands before '=' has to be a host, "
                       "without a port",
                       text);
    if (strncasecmp(sum, "sha256:", 7) || !parse_sum(sum + 7, pin.sha256))
        return err_set(e, ERR_USAGE,
                       "pin '%s' is not [HOST=]sha256: and 64 hexadecimal "
                       "digits",
                       text);
    *out = pin;
    return 0;
}

int http_trust_pin(struct http_trust *t, const char *text, struct err *e)
{
    if (t->npins == HTTP_PINS_MAX)
        return err_set(e, ERR_USAGE, "more than %d pins", HTTP_PINS_MAX);
    TRY(http_pin_parse(&t->pins[t->npins], text, e));
    t->npins++;
    return 0;
}

static bool pin_fits(const struct http_pin *pin, const char *host)
{
    return !*pin->host || !strcasecmp(pin->host, host);
}

int http_trust_target(struct http_verify *v, const char *url, const char *name,
                      struct err *e)
{
    char before[HTTP_HOST_SIZE];

    memcpy(before, v->host, sizeof(before));
    if (!http_url_host(url, v->host, sizeof(v->host)))
        return err_set(e, ERR_USAGE, "%s: this is no http or https URL", name);
    if (strcmp(before, v->host) != 0)
        v->believed = false;
    v->pinned = v->named = false;
    for (unsigned i = 0; v->trust && i < v->trust->npins; i++) {
        const struct http_pin *pin = &v->trust->pins[i];

        v->pinned |= pin_fits(pin, v->host);
        v->named |= *pin->host && pin_fits(pin, v->host);
    }
    return 0;
}

/* --- the judgement ---------------------------------------------------------*/

static bool sum_is_among(const struct http_verify *v,
                         const struct http_pin *pins, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (pin_fits(&pins[i], v->host) && !memcmp(pins[i].sha256, v->sum, 32))
            return true;
    return false;
}

/* Chain and date, and the name. */
static int verify_chain(const struct http_verify *v, X509_STORE_CTX *store)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(store);
    size_t len = strlen(v->host);
    bool is_set;

    if (len && v->host[len - 1] == '.')
        len--;
    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    is_set = X509_VERIFY_PARAM_set1_ip_asc(param, v->host) == 1 ||
             X509_VERIFY_PARAM_set1_host(param, v->host, len) == 1;
    if (!is_set)
        return X509_V_ERR_OUT_OF_MEM;
    if (X509_verify_cert(store) > 0)
        return X509_V_OK;
    return X509_STORE_CTX_get_error(store);
}

static int ask_judge(const struct http_verify *v, int why, bool may_wait)
{
    const struct http_stranger who = {
        .host = v->host,
        .sha256 = v->sum,
        .problem = why == X509_V_OK ? NULL : X509_verify_cert_error_string(why),
        .may_wait = may_wait,
    };

    return v->trust->judge(v->trust->judge_ctx, &who);
}

static int opinion(struct http_verify *v, int why)
{
    if (v->believed && !memcmp(v->taken, v->sum, 32))
        return X509_V_OK;
    switch (ask_judge(v, why, false)) {
    case HTTP_BELIEVE:
        return X509_V_OK;
    case HTTP_CHANGED:
        v->changed = true;
        return X509_V_ERR_CERT_REJECTED;
    case HTTP_ASK:
        v->asks = why != X509_V_OK;
        return why;
    case HTTP_AS_VERIFIED:
    default:
        return why;
    }
}

static int judge(struct http_verify *v, X509_STORE_CTX *store)
{
    const struct http_trust *t = v->trust;
    int why;

    if (t && sum_is_among(v, t->pins, t->npins))
        return X509_V_OK;
    if (t && !v->named && sum_is_among(v, t->vouched, t->nvouched))
        return X509_V_OK;
    if (v->pinned)
        return X509_V_ERR_CERT_REJECTED;
    if (t && t->insecure)
        return X509_V_OK;
    why = verify_chain(v, store);
    return t && t->judge ? opinion(v, why) : why;
}

bool http_trust_ask(struct http_verify *v)
{
    int belief;

    if (!v->asks || !v->refused)
        return false;
    v->asks = false;
    belief = ask_judge(v, v->why, true);
    v->believed = belief == HTTP_BELIEVE;
    v->changed = belief == HTTP_CHANGED;
    v->stopped = belief == HTTP_STOPPED;
    memcpy(v->taken, v->sum, sizeof(v->taken));
    return v->believed;
}

/* Takes the place of OpenSSL's own verification of the chain. */
static int verify_certificate(X509_STORE_CTX *store, void *arg)
{
    struct http_verify *v = arg;
    X509 *shown = X509_STORE_CTX_get0_cert(store);
    unsigned len = sizeof(v->sum);

    v->changed = v->asks = v->stopped = false;
    v->seen = shown && X509_digest(shown, EVP_sha256(), v->sum, &len);
    v->why = v->seen ? judge(v, store) : X509_V_ERR_UNSPECIFIED;
    v->refused = v->why != X509_V_OK;
    /* libcurl asks for this result, too. */
    X509_STORE_CTX_set_error(store, v->why);
    return !v->refused;
}

/* libcurl 7.88 takes a cut below TLS for an end. */
static void on_tls_event(const SSL *ssl, int where, int value)
{
    const SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);
    struct http_verify *v = SSL_CTX_get_ex_data(ctx, http_ssl_index());

    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT &&
        (value & 0xff) == SSL_AD_CLOSE_NOTIFY)
        v->ended = true;
}

static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *arg)
{
    struct http_verify *v = arg;
    SSL_CTX *ctx = ssl_ctx;

    (void)easy;
    SSL_CTX_set_cert_verify_callback(ctx, verify_certificate, v);
    if (!v->farewell)
        SSL_CTX_set_quiet_shutdown(ctx, 1);
    if (SSL_CTX_set_ex_data(ctx, http_ssl_index(), v) != 1)
        return CURLE_OUT_OF_MEMORY;
    SSL_CTX_set_info_callback(ctx, on_tls_event);
    return CURLE_OK;
}

/* The file of trusted certificates. Without a readable one the verification
 * still runs, and its message shows the certificate that would need a pin. */
static const char *ca_file(const struct http_trust *trust)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    if (trust && trust->cacert)
        return trust->cacert;
    return info->cainfo && !access(info->cainfo, R_OK) ? info->cainfo : NULL;
}

bool http_trust_apply(struct http_verify *v, CURL *easy)
{
    bool insecure = v->trust && v->trust->insecure;
    bool by_chain = !v->pinned && !insecure;
    const char *file = by_chain ? ca_file(v->trust) : NULL;

    v->seen = v->refused = v->ended = false;
    /* Our callback is heard only while the peer is to be verified; it looks at
     * the name, too. */
    return !curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) &&
           !curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L) &&
           !curl_easy_setopt(easy, CURLOPT_CAINFO, file) &&
           !curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) &&
           !curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                             (long)CURL_SSLVERSION_TLSv1_2) &&
           /* A resumed session would show no certificate. */
           !curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L) &&
           !curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, v) &&
           !curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
}

int http_trust_error(const struct http_verify *v, const char *name,
                     const char *reason, struct err *e)
{
    char sum[HTTP_SUM_TEXT];

    if (!v->seen)
        return err_set(e, ERR_AUTH, "%s: TLS failed: %s", name, reason);
    for (unsigned i = 0; i < 32; i++)
        (void)snprintf(sum + (size_t)2 * i, 3, "%02x", v->sum[i]);
    if (v->pinned)
        return err_set(e, ERR_AUTH,
                       "%s: the certificate of %s is not the pinned one; if it "
                       "was changed on purpose, use --pin %s=sha256:%s",
                       name, v->host, v->host, sum);
    if (v->stopped)
        return err_set(e, ERR_CANCELLED, "stopped");
    if (v->changed)
        return err_set(e, ERR_AUTH,
                       "%s: the certificate of %s has CHANGED since it was "
                       "trusted: somebody may have put himself between; if it "
                       "was changed on purpose, use --pin %s=sha256:%s",
                       name, v->host, v->host, sum);
    if (v->refused)
        reason = X509_verify_cert_error_string(v->why);
    return err_set(e, ERR_AUTH,
                   "%s: the certificate of %s is not trusted (%s); to trust "
                   "this very certificate, use --pin %s=sha256:%s",
                   name, v->host, reason, v->host, sum);
}
