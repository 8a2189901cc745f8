/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "copy/pool/pool_login.h"

int pool_login(struct vhdstream *v, int side, const struct place *p,
               struct xapi **out, struct err *e)
{
    const struct side *s = side == SIDE_SRC ? &v->opt.src : &v->opt.dst;
    const struct xapi_config cfg = {
        .place = &p->xapi,
        .user = p->xapi.user[0] ? NULL : s->user,
        .password = s->session ? NULL : s->password,
        .session = s->session,
        .trust = &s->trust,
        .wait = &v->wait,
        .notice = &v->notice,
    };

    if (!s->password && !s->session)
        return err_set(e, ERR_AUTH, "%s: no password was given", p->name);
    return xapi_open(out, &cfg, e);
}
