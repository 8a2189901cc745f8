/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#include "image/encoder.h"
#include "image/raw_encode.h"
#include "image/vhd/vhd_new.h"

int vhd_fixed_encoder(struct encoder **out, const struct image *img,
                      uint64_t size, const struct uuid *uuid, struct err *e)
{
    struct vhd_footer f;
    uint8_t raw[VHD_FOOTER_SIZE];

    TRY(vhd_new_footer(&f, img, VHD_FIXED, size, uuid, e));
    vhd_footer_encode(&f, raw);
    return raw_encoder_with(out, img, size, raw, e);
}
