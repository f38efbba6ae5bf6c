/* SPDX-License-Identifier: MIT */
#include "cli/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#define MAX_PHDRS 128
#define MAX_DYN	  4096

struct elf_file {
	int fd;
	ElfW(Phdr) ph[MAX_PHDRS];
	unsigned int nph;
};

static int read_at(int fd, void *buf, size_t len, uint64_t off)
{
	ssize_t n = off > INT64_MAX ? 0 : pread(fd, buf, len, (off_t)off);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -ENOEXEC;
}

/* A NUL-terminated string of at most @size bytes, cut off if it is longer. */
static int read_string(int fd, char *buf, size_t size, uint64_t off)
{
	ssize_t n = off > INT64_MAX ? 0 : pread(fd, buf, size - 1, (off_t)off);

	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

static const ElfW(Phdr) * find_segment(const struct elf_file *elf, uint32_t type)
{
	for (unsigned int i = 0; i < elf->nph; i++) {
		if (elf->ph[i].p_type == type)
			return &elf->ph[i];
	}
	return NULL;
}

static bool file_offset(const struct elf_file *elf, uint64_t addr, uint64_t *off)
{
	for (unsigned int i = 0; i < elf->nph; i++) {
		const ElfW(Phdr) *ph = &elf->ph[i];

		if (ph->p_type == PT_LOAD && addr >= ph->p_vaddr &&
			addr - ph->p_vaddr < ph->p_filesz)
			return !__builtin_add_overflow(ph->p_offset, addr - ph->p_vaddr, off);
	}
	return false;
}

static bool insists_on_being_first(const char *library)
{
	static const char *const names[] = { "libasan.so", "libtsan.so", "libclang_rt.asan",
		"libclang_rt.tsan" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strncmp(library, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

/* Entry @i of the dynamic section. Return: false past its end. */
static bool dynamic_entry(
	const struct elf_file *elf, const ElfW(Phdr) * dyn, size_t i, ElfW(Dyn) * out)
{
	uint64_t off;

	if (i >= MAX_DYN || i >= dyn->p_filesz / sizeof(*out))
		return false;
	if (__builtin_add_overflow(dyn->p_offset, i * sizeof(*out), &off))
		return false;
	return !read_at(elf->fd, out, sizeof(*out), off) && out->d_tag != DT_NULL;
}

static void find_sanitizer(const struct elf_file *elf, struct elf_info *info)
{
	const ElfW(Phdr) *dyn = find_segment(elf, PT_DYNAMIC);
	uint64_t strings = 0, off;
	ElfW(Dyn) ent;

	if (!dyn)
		return;
	for (size_t i = 0; dynamic_entry(elf, dyn, i, &ent); i++) {
		if (ent.d_tag == DT_STRTAB && !file_offset(elf, ent.d_un.d_ptr, &strings))
			return;
	}
	for (size_t i = 0; strings && dynamic_entry(elf, dyn, i, &ent); i++) {
		if (ent.d_tag != DT_NEEDED || __builtin_add_overflow(strings, ent.d_un.d_val, &off))
			continue;
		if (!read_string(elf->fd, info->sanitizer, sizeof(info->sanitizer), off) &&
			insists_on_being_first(info->sanitizer))
			return;
	}
	info->sanitizer[0] = '\0';
}

static int read_segments(struct elf_file *elf, const ElfW(Ehdr) * eh)
{
	if (eh->e_phentsize != sizeof(elf->ph[0]) || eh->e_phnum > MAX_PHDRS)
		return -ENOEXEC;
	elf->nph = eh->e_phnum;
	return read_at(elf->fd, elf->ph, elf->nph * sizeof(elf->ph[0]), eh->e_phoff);
}

/* What this very program is: the reference for what is native. */
static int own_header(ElfW(Ehdr) * own)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = read_at(fd, own, sizeof(*own), 0);
	close(fd);
	return ret;
}

static int read_native(struct elf_file *elf, const ElfW(Ehdr) * eh, struct elf_info *info)
{
	const ElfW(Phdr) * interp;
	int ret = read_segments(elf, eh);

	if (ret)
		return ret;
	interp = find_segment(elf, PT_INTERP);
	if (interp) {
		info->has_interp = true;
		ret = read_string(elf->fd, info->interp, sizeof(info->interp), interp->p_offset);
	}
	if (!ret)
		find_sanitizer(elf, info);
	return ret;
}

int elf_read(int fd, struct elf_info *info)
{
	struct elf_file elf = { .fd = fd };
	ElfW(Ehdr) eh, own;
	int ret;

	memset(info, 0, sizeof(*info));
	/* Shorter than a header of ours may still be the header of a smaller class. */
	ret = read_at(fd, &eh, sizeof(Elf32_Ehdr), 0);
	if (ret)
		return ret;
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	info->class = eh.e_ident[EI_CLASS];
	info->data = eh.e_ident[EI_DATA];
	info->machine = eh.e_machine;
	ret = own_header(&own);
	if (ret)
		return ret;
	info->native =
		!memcmp(eh.e_ident, own.e_ident, EI_VERSION + 1) && eh.e_machine == own.e_machine;
	if (!info->native)
		return 0;
	ret = read_at(fd, &eh, sizeof(eh), 0);
	return ret ? ret : read_native(&elf, &eh, info);
}
