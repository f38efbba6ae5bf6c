/* SPDX-License-Identifier: MIT */
/* The program to run: where it is, and whether a preload library can reach it. */
#ifndef UIOMMU_CLI_PROGRAM_H
#define UIOMMU_CLI_PROGRAM_H

#include <limits.h>

#include "cli/elf.h"

struct program {
	char path[PATH_MAX];
	struct elf_info elf; /* of what the kernel loads: the interpreter, if it is a script */
};

/* Finds @name as execvp() would. Return: 0, or an exit status, having said what is wrong. */
int program_find(struct program *prog, const char *name);

#endif
