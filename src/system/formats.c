/* SPDX-License-Identifier: MIT */
#include "system/formats.h"

const struct sys_format sys_formats[] = {
	{ "x86-64", "x86-64 first stage, 4 levels, pages of 4 KiB, 2 MiB, 1 GiB", &pt_x86_64 },
	{ "armv8", "ARMv8 stage 1, 4 KiB granule, 4 levels", &pt_armv8_4k },
	{ 0 },
};
