/* SPDX-License-Identifier: MIT */
/*
 * Providers: who serves the requests that the client API makes.
 *
 * The seam is the ABI. A provider opens what a kernel has device nodes for, under handles of its
 * own (numbers from 1), and takes the ABI's requests on them. Where a request's structure names a
 * descriptor of /dev/iommu, a container or a device, it is such a handle; other descriptors (an
 * eventfd) are the process's. A call of the API fills a structure and calls ioctl(): all meaning is
 * the provider's.
 *
 * `soft` is the engine in this process (api/soft.h). One whose engine is another process, or a
 * kernel, implements the same table.
 *
 * Threads: any thread may call anything at any time; a handle isn't closed while it is in use.
 */
#ifndef UIOMMU_API_PROVIDER_H
#define UIOMMU_API_PROVIDER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <uiommu/uiommu.h>
#include <uiommu/why.h>

struct provider;

/* What a mapping of a device's file would show; how it is made is the provider's matter. */
struct provider_mmap {
	unsigned int bar;
	uint64_t off, len; /* bytes, in pages */
};

struct provider_ops {
	/* Each of these four returns a handle, or -errno. A context, as open("/dev/iommu"). */
	int (*open_context)(struct provider *p, struct uiommu_why *why);
	/* A container, as open("/dev/vfio/vfio"): a context of other defaults. */
	int (*open_container)(struct provider *p, struct uiommu_why *why);
	/* A group, as open("/dev/vfio/<number>"). */
	int (*open_group)(struct provider *p, unsigned int number, struct uiommu_why *why);
	/* Device @i of the system, as open("/dev/vfio/devices/vfio<N>"). */
	int (*open_device)(struct provider *p, unsigned int i, struct uiommu_why *why);

	/* Another handle of the same file. Return: a handle, or -errno. */
	int (*dup)(struct provider *p, int handle);
	/* Return: what ioctl() returns, or -errno with the explanation in @why (may be NULL). */
	long (*ioctl)(struct provider *p, int handle, unsigned long req, uintptr_t arg,
		struct uiommu_why *why);
	/* Return: bytes, or -errno. */
	ssize_t (*read)(struct provider *p, int handle, void *buf, size_t len, uint64_t off,
		struct uiommu_why *why);
	ssize_t (*write)(struct provider *p, int handle, const void *buf, size_t len, uint64_t off,
		struct uiommu_why *why);
	/* What mmap() of [off, off + len) would show. Return: 0, or -errno. */
	int (*mmap)(struct provider *p, int handle, uint64_t off, uint64_t len, int prot, int flags,
		struct provider_mmap *out, struct uiommu_why *why);
	/* A handle that isn't open is ignored. */
	void (*close)(struct provider *p, int handle);

	/* The devices of the system. Return: 0, -ENOENT beyond the last one. */
	int (*device)(struct provider *p, unsigned int i, struct uiommu_system_device *out);
	void (*on_fault)(struct provider *p, void (*fn)(void *arg, const char *text), void *arg);
	/* All handles are closed. */
	void (*free)(struct provider *p);
};

struct provider {
	const struct provider_ops *ops;
};

#endif
