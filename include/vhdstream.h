/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_H
#define VHDSTREAM_H

/* The version of this header, as MAJOR.MINOR.PATCH. */
#define VHDSTREAM_VERSION_TEXT "0.1.0"

#endif
