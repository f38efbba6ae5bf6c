/* SPDX-License-Identifier: MIT */
/*
 * What stands behind a descriptor: a context, a container, a group, a device. A front end finds the
 * file that belongs to a descriptor and calls its ops; it has no semantics of its own.
 */
#ifndef UIOMMU_ABI_FILE_H
#define UIOMMU_ABI_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <uiommu/why.h>

struct abi_file;
struct uiommu_pdev;

enum abi_file_kind {
	ABI_FILE_CONTEXT, /* /dev/iommu, and /dev/vfio/vfio */
	ABI_FILE_GROUP,	  /* /dev/vfio/N */
	ABI_FILE_DEVICE,  /* from a group, or /dev/vfio/devices/vfioN */
};

/* The client that calls: how its memory and its descriptors are reached. */
struct abi_caller {
	/* Return: 0, -EFAULT. */
	int (*copy_in)(const struct abi_caller *caller, void *to, uintptr_t from, size_t len);
	int (*copy_out)(
		const struct abi_caller *caller, uintptr_t to, const void *from, size_t len);
	/* One of our files, with a reference that the callee drops. Return: NULL if @fd is
	 * something else; *open says whether it is open at all. */
	struct abi_file *(*file_get)(const struct abi_caller *caller, int fd, bool *open);
	/* A new close-on-exec descriptor for @file, which takes over the reference. Return: fd,
	 * -EMFILE. */
	int (*file_install)(const struct abi_caller *caller, struct abi_file *file);
	/* A real descriptor of the caller (an eventfd) that the callee may use during the call, or
	 * -EBADF. */
	int (*fd_borrow)(const struct abi_caller *caller, int fd);
};

/* What mmap() of a file has to show. */
struct abi_mmap {
	struct uiommu_pdev *pdev; /* a BAR of this device ... */
	unsigned int bar;
	uint64_t off; /* ... from here, page-aligned */
	uint64_t len; /* bytes, rounded up to pages */
};

struct abi_file_ops {
	/* Return: what ioctl() returns, or -errno. */
	long (*ioctl)(struct abi_file *file, const struct abi_caller *caller, unsigned long req,
		uintptr_t arg);
	/* Return: bytes, or -errno. */
	ssize_t (*read)(struct abi_file *file, void *buf, size_t len, uint64_t off);
	ssize_t (*write)(struct abi_file *file, const void *buf, size_t len, uint64_t off);
	/* Return: 0, or -errno. */
	int (*mmap)(struct abi_file *file, uint64_t off, uint64_t len, int prot, int flags,
		struct abi_mmap *out);
	/* The last reference is gone. */
	void (*release)(struct abi_file *file);
};

struct abi_file {
	const struct abi_file_ops *ops;
	enum abi_file_kind kind;
	_Atomic uint32_t refs;
};

static inline void abi_file_get(struct abi_file *file)
{
	atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
}

/* Drops a reference; the last one releases the file. */
void abi_file_put(struct abi_file *file);

/**
 * abi_ioctl() - a request on a file
 * @why: receives the explanation of a refusal; may be NULL
 */
long abi_ioctl(struct abi_file *file, const struct abi_caller *caller, unsigned long req,
	uintptr_t arg, struct uiommu_why *why);

/* A caller that is this process, with descriptors left out (file_get finds none, install fails). */
extern const struct abi_caller abi_self;

#endif
