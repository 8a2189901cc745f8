/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/option_value.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int option_check_value(const char *name, const char *value, bool has_value,
                       struct err *e)
{
    if (has_value && !value)
        return err_set(e, ERR_USAGE, "--%s needs a value", name);
    if (!has_value && value)
        return err_set(e, ERR_USAGE, "--%s takes no value", name);
    return 0;
}

int option_text(char **out, const char *value, struct err *e)
{
    char *copy = NULL;

    TRY(mem_copy_text(&copy, value, e));
    mem_free_secret(*out);
    *out = copy;
    return 0;
}

int option_file(char **out, const char *name, const char *value, struct err *e)
{
    if (!strcmp(value, "-"))
        return err_set(e, ERR_USAGE,
                       "--%s -: expected a file's name, since standard output "
                       "has the result (a file of that name: ./-)",
                       name);
    return option_text(out, value, e);
}

int option_check_utf8(const char *name, const char *value, struct err *e)
{
    if (text_is_utf8(value, strlen(value)))
        return 0;
    return err_set(e, ERR_USAGE, "--%s: not UTF-8, as texts of a pool are",
                   name);
}

int option_format(const struct format **out, const char *name,
                  const char *value, struct err *e)
{
    const struct format *f = format_by_name(value);

    if (!f)
        return err_set(e, ERR_USAGE, "--%s %s: no such format; there are %s",
                       name, value, format_names());
    *out = f;
    return 0;
}

int option_number(uint64_t *out, const char *name, const char *value,
                  uint64_t least, uint64_t most, struct err *e)
{
    unsigned long long number;
    char *end;

    errno = 0;
    number = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end || errno || number < least ||
        number > most)
        return err_set(
            e, ERR_USAGE, "--%s %s: expected a whole number from %llu to %llu",
            name, value, (unsigned long long)least, (unsigned long long)most);
    *out = number;
    return 0;
}
