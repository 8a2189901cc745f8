/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "base/json_text.h"

/* Steps over a string; `p` stands behind its opening quote. */
static const char *past_string(const char *p)
{
    while (*p && *p != '"')
        p += *p == '\\' && p[1] ? 2 : 1;
    return *p ? p + 1 : p;
}

bool json_text_is_bounded(const char *text, unsigned max_depth,
                          unsigned max_values)
{
    unsigned depth = 0;
    unsigned values = 0;

    for (const char *p = text; *p;) {
        char c = *p++;

        if (c == '"') {
            p = past_string(p);
        } else if (c == '[' || c == '{') {
            depth++;
            values++;
        } else if ((c == ']' || c == '}') && depth) {
            depth--;
        } else if (c == ',' || c == ':') {
            values++;
        }
        if (depth > max_depth || values > max_values)
            return false;
    }
    return true;
}
