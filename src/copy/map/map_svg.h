/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_MAP_SVG_H
#define VHDSTREAM_MAP_SVG_H

#include "copy/map/map_model.h"
#include "io/sink.h"

/*
 * Draws a disk and its file as SVG: how full the disk is, and how scattered its
 * blocks lie in the file. Data has the colour of its place on the disk, in both
 * pictures: where the file has them in order, the colours run through as they
 * do on the disk; where not, they are mixed. A plot shows the same as a line,
 * or a cloud.
 *
 * `name` and `format` are those of the place; the sink is not finished.
 */
int map_svg_draw(const struct map_model *m, const char *name,
                 const char *format, struct sink *s, struct err *e);

#endif
