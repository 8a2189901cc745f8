/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/mem.h"
#include "fuzzing.h"
#include "xapi/xapi_fault.h"
#include "xapi/xapi_json.h"

#include <stdlib.h>
#include <string.h>

/* What a server answers to a call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct xapi_fault fault;
    json_t *result = NULL;
    char *text = malloc(len + 1);
    char words[XAPI_FAULT_TEXT_SIZE];
    struct err e;
    int outcome;

    if (!text)
        abort();
    memcpy(text, data, len);
    text[len] = '\0';
    outcome = xapi_json_reply(&result, &fault, text, "a call", &e);
    if (outcome == 1)
        xapi_fault_text(&fault, "OpaqueRef:x", words);
    if (!outcome)
        json_cleanup(&result);
    free(text);
    return 0;
}
