/* SPDX-License-Identifier: MIT */
/* Any file is read as an ELF file or refused; strings are terminated. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);
	struct elf_info info;

	if (fd < 0)
		return 0;
	if (write(fd, data, size) == (ssize_t)size && !elf_read(fd, &info) &&
		(!memchr(info.interp, '\0', sizeof(info.interp)) ||
			!memchr(info.sanitizer, '\0', sizeof(info.sanitizer))))
		abort();
	close(fd);
	return 0;
}
