/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the vhdstream authors */
#ifndef VHDSTREAM_VHD_CREATOR_H
#define VHDSTREAM_VHD_CREATOR_H

/* The programs that write VHDs, by the four bytes that they sign with. */

#include <stdbool.h>
#include <stdint.h>

/* Who signs like this, in words; NULL for nobody known. */
const char *vhd_creator_program(const char creator[4]);

/* One of those whose current_size qemu has always believed. */
bool vhd_creator_is_exact_in_qemu(const char creator[4]);

/* The system that the footer's four bytes name; NULL for none. */
const char *vhd_creator_host(uint32_t host_os);

#endif
