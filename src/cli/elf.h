/* SPDX-License-Identifier: MIT */
/* What an ELF file says about how it wants to be started. */
#ifndef UIOMMU_CLI_ELF_H
#define UIOMMU_CLI_ELF_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct elf_info {
	uint8_t class, data; /* of e_ident */
	uint16_t machine;
	bool native;	 /* this machine's: what follows was read */
	bool has_interp; /* dynamically linked */
	char interp[PATH_MAX];
	char sanitizer[128]; /* run-time library that insists on being loaded first; "": none */
};

/* Return: 0; -ENOEXEC not an ELF file, or broken; -errno. Reads no more than it has to. */
int elf_read(int fd, struct elf_info *info);

#endif
