/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_REPORT_JSON_H
#define VHDSTREAM_REPORT_JSON_H

/* What all reports are made with. jansson passes on the NULL of an allocation
 * that failed, so only the whole is looked at. */

#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

static inline json_t *report_number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static inline int report_keep(json_t *object, json_t **result, struct err *e)
{
    if (!object)
        return err_set(e, ERR_NO_SPACE, "out of memory for the result");
    *result = object;
    return 0;
}

#endif
