/* SPDX-License-Identifier: MIT */
/*
 * What the conformance tests share: a system with four devices, and raw requests on it.
 *
 * Requests go through the provider that the client API uses, with guarded pointers, so that a bad
 * pointer is an EFAULT as from a kernel. After each test all that it opened is closed, and nothing
 * may be left: no handle, no area.
 */
#ifndef TESTS_CONFORMANCE_FIXTURE_H
#define TESTS_CONFORMANCE_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>

#include <uiommu/abi/iommufd.h>
#include <uiommu/abi/vfio.h>

#include "api/provider.h"

#define PAGE	 UINT64_C(4096)
#define MIB	 (UINT64_C(1) << 20)
#define BUF_SIZE (4 * MIB)

/* Devices: two in groups of their own, two in one. */
enum {
	DEV_A,
	DEV_B,
	DEV_C, /* shares its group with ... */
	DEV_D, /* ... this one */
	DEVS,
};
#define GROUP_A 11u
#define GROUP_B 12u
#define GROUP_C 13u
extern const char *const dev_names[DEVS];

/* What no mapping may cover while a device is attached. */
#define MSI_FIRST UINT64_C(0xfee00000)
#define MSI_LAST  UINT64_C(0xfeefffff)

/* Nothing is mapped there, and never will be. */
#define BAD_POINTER UINT64_C(0x1000)

struct fixture {
	struct provider *p;
	int ctx;       /* a context, open */
	int dev[DEVS]; /* bound by dev_bind() */
	uint32_t dev_id[DEVS];
	char *buf;	       /* BUF_SIZE bytes, aligned to 2 MiB */
	struct uiommu_why why; /* of the latest request */
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

#define conformance_test(fn) cmocka_unit_test_setup_teardown(fn, fixture_setup, fixture_teardown)

/* A request; @arg may be an invalid pointer. Return: what it returns, or -errno. */
long ask_at(struct fixture *f, int handle, unsigned long req, uintptr_t arg);
long ask(struct fixture *f, int handle, unsigned long req, void *arg);

/* A request fails, with an explanation that agrees; or succeeds. */
#define assert_refused(errnum, call) assert_int_equal(-(errnum), (call))
#define assert_done(call)	     assert_int_equal(0, (call))

/* Areas that are mapped now, in the whole system. */
uint64_t areas_now(struct fixture *f);

uint32_t ioas_alloc(struct fixture *f);
long destroy(struct fixture *f, uint32_t id);

#define RW (UIOMMU_ABI_MAP_READABLE | UIOMMU_ABI_MAP_WRITEABLE)

long map_at(struct fixture *f, uint32_t ioas, const void *mem, uint64_t len, uint64_t iova,
	uint32_t prot);
/* IOAS_MAP with all its fields; *iova in and out. */
long map_flags(struct fixture *f, uint32_t ioas, uint64_t va, uint64_t len, uint32_t flags,
	uint64_t *iova);
/* Return: -errno, or 0 and the bytes in @unmapped, if not NULL. */
long unmap(struct fixture *f, uint32_t ioas, uint64_t iova, uint64_t len, uint64_t *unmapped);
long copy(struct fixture *f, uint32_t dst, uint64_t *dst_iova, uint32_t src, uint64_t src_iova,
	uint64_t len, uint32_t flags);
long allow(
	struct fixture *f, uint32_t ioas, const struct uiommu_abi_iova_range *ranges, uint32_t n);
/* Return: how many ranges there are. */
uint32_t ranges_get(struct fixture *f, uint32_t ioas, struct uiommu_abi_iova_range *ranges,
	uint32_t room, uint64_t *alignment);
uint64_t alignment_of(struct fixture *f, uint32_t ioas);
long option_set(struct fixture *f, uint32_t option, uint32_t id, uint64_t val);
long option_get(struct fixture *f, uint32_t option, uint32_t id, uint64_t *val);

/* Opens device @i and binds it to the context. */
void dev_bind(struct fixture *f, unsigned int i);
void dev_close(struct fixture *f, unsigned int i);
/* *pt_id in and out. */
long dev_attach(struct fixture *f, unsigned int i, uint32_t *pt_id);
long dev_attach_to(struct fixture *f, unsigned int i, uint32_t pt_id);
long dev_detach(struct fixture *f, unsigned int i);
long hwpt_alloc(struct fixture *f, uint32_t dev_id, uint32_t pt_id, uint32_t *hwpt);

/* The device moves data (dmatest). Return: its status register, DONE or FAILED. */
uint32_t dma_copy(struct fixture *f, int dev, uint64_t src, uint64_t dst, uint32_t len);
void bus_master(struct fixture *f, int dev);
uint64_t reg_read(struct fixture *f, int dev, uint64_t off, unsigned int size);

#endif
