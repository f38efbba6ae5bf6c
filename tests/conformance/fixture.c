/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "api/soft.h"
#include "dev/dmatest.h"
#include "system/sys.h"

const char *const dev_names[DEVS] = {
	"0000:01:00.0",
	"0000:02:00.0",
	"0000:03:00.0",
	"0000:03:00.1",
};

static const char topology[] = "iommu x86-64\n"
			       "device dmatest,bdf=0000:01:00.0,group=11\n"
			       "device dmatest,bdf=0000:02:00.0,group=12\n"
			       "device dmatest,bdf=0000:03:00.0,group=13\n"
			       "device dmatest,bdf=0000:03:00.1,group=13\n";

/* --- Life ----------------------------------------------------------------------------------------
 */

static char *buf_new(void)
{
	const size_t align = 2 * MIB;
	char *raw = mmap(
		NULL, BUF_SIZE + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *buf = (char *)(((uintptr_t)raw + align - 1) & ~(align - 1));

	assert_ptr_not_equal(raw, MAP_FAILED);
	if (buf != raw)
		munmap(raw, (size_t)(buf - raw));
	munmap(buf + BUF_SIZE, align - (size_t)(buf - raw));
	return buf;
}

int fixture_setup(void **state)
{
	static const struct uiommu_model *const models[] = { &dmatest_model, NULL };
	const struct sys_cfg cfg = { .text = topology, .cwd = "/", .models = models };
	struct fixture *f = calloc(1, sizeof(*f));
	char err[SYS_ERR_LEN] = "";
	struct sys *sys;
	int ret;

	assert_non_null(f);
	ret = sys_new_cfg(&cfg, &sys, err);
	assert_string_equal("", err);
	assert_int_equal(0, ret);
	assert_int_equal(0, soft_new(sys, SOFT_GUARDED, &f->p));
	f->ctx = f->p->ops->open_context(f->p, &f->why);
	assert_true(f->ctx > 0);
	f->buf = buf_new();
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	const struct sys_stats *stats = sys_stats(soft_sys(f->p));

	for (unsigned int i = 0; i < DEVS; i++)
		dev_close(f, i);
	if (f->ctx)
		f->p->ops->close(f->p, f->ctx);
	assert_int_equal(0, soft_handles(f->p));
	assert_int_equal(0, stats->core.areas_now);
	assert_int_equal(0, stats->core.bytes_now);
	f->p->ops->free(f->p);
	munmap(f->buf, BUF_SIZE);
	free(f);
	return 0;
}

uint64_t areas_now(struct fixture *f)
{
	return sys_stats(soft_sys(f->p))->core.areas_now;
}

/* --- Requests ------------------------------------------------------------------------------------
 */

long ask_at(struct fixture *f, int handle, unsigned long req, uintptr_t arg)
{
	long ret = f->p->ops->ioctl(f->p, handle, req, arg, &f->why);

	assert_int_equal(ret < 0 ? -ret : 0, f->why.err);
	if (ret < 0)
		assert_true(f->why.asked[0]);
	return ret;
}

long ask(struct fixture *f, int handle, unsigned long req, void *arg)
{
	return ask_at(f, handle, req, (uintptr_t)arg);
}

uint32_t ioas_alloc(struct fixture *f)
{
	struct uiommu_abi_ioas_alloc cmd = { .size = sizeof(cmd) };

	assert_done(ask(f, f->ctx, UIOMMU_ABI_IOAS_ALLOC, &cmd));
	assert_int_not_equal(0, cmd.out_ioas_id);
	return cmd.out_ioas_id;
}

long destroy(struct fixture *f, uint32_t id)
{
	struct uiommu_abi_destroy cmd = { .size = sizeof(cmd), .id = id };

	return ask(f, f->ctx, UIOMMU_ABI_DESTROY, &cmd);
}

long map_flags(
	struct fixture *f, uint32_t ioas, uint64_t va, uint64_t len, uint32_t flags, uint64_t *iova)
{
	struct uiommu_abi_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.ioas_id = ioas,
		.user_va = va,
		.length = len,
		.iova = *iova,
	};
	long ret = ask(f, f->ctx, UIOMMU_ABI_IOAS_MAP, &cmd);

	if (ret)
		assert_int_equal(*iova, cmd.iova); /* nothing is written back */
	*iova = cmd.iova;
	return ret;
}

long map_at(struct fixture *f, uint32_t ioas, const void *mem, uint64_t len, uint64_t iova,
	uint32_t prot)
{
	uint64_t at = iova;
	long ret = map_flags(f, ioas, (uintptr_t)mem, len, UIOMMU_ABI_MAP_FIXED_IOVA | prot, &at);

	assert_int_equal(iova, at);
	return ret;
}

long unmap(struct fixture *f, uint32_t ioas, uint64_t iova, uint64_t len, uint64_t *unmapped)
{
	struct uiommu_abi_ioas_unmap cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.iova = iova,
		.length = len,
	};
	long ret = ask(f, f->ctx, UIOMMU_ABI_IOAS_UNMAP, &cmd);

	if (ret)
		assert_int_equal(len, cmd.length); /* nothing is written back */
	else if (unmapped)
		*unmapped = cmd.length;
	return ret;
}

long copy(struct fixture *f, uint32_t dst, uint64_t *dst_iova, uint32_t src, uint64_t src_iova,
	uint64_t len, uint32_t flags)
{
	struct uiommu_abi_ioas_copy cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dst_ioas_id = dst,
		.src_ioas_id = src,
		.length = len,
		.dst_iova = *dst_iova,
		.src_iova = src_iova,
	};
	long ret = ask(f, f->ctx, UIOMMU_ABI_IOAS_COPY, &cmd);

	if (ret)
		assert_int_equal(*dst_iova, cmd.dst_iova);
	*dst_iova = cmd.dst_iova;
	return ret;
}

long allow(struct fixture *f, uint32_t ioas, const struct uiommu_abi_iova_range *ranges, uint32_t n)
{
	struct uiommu_abi_ioas_allow_iovas cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.num_iovas = n,
		.allowed_iovas = (uintptr_t)ranges,
	};

	return ask(f, f->ctx, UIOMMU_ABI_IOAS_ALLOW_IOVAS, &cmd);
}

uint32_t ranges_get(struct fixture *f, uint32_t ioas, struct uiommu_abi_iova_range *ranges,
	uint32_t room, uint64_t *alignment)
{
	struct uiommu_abi_ioas_iova_ranges cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.num_iovas = room,
		.allowed_iovas = (uintptr_t)ranges,
	};
	long ret = ask(f, f->ctx, UIOMMU_ABI_IOAS_IOVA_RANGES, &cmd);

	assert_int_equal(cmd.num_iovas > room ? -EMSGSIZE : 0, ret);
	if (alignment)
		*alignment = cmd.out_iova_alignment;
	return cmd.num_iovas;
}

uint64_t alignment_of(struct fixture *f, uint32_t ioas)
{
	uint64_t alignment;

	ranges_get(f, ioas, NULL, 0, &alignment);
	return alignment;
}

long option_set(struct fixture *f, uint32_t option, uint32_t id, uint64_t val)
{
	struct uiommu_abi_option cmd = {
		.size = sizeof(cmd),
		.option_id = option,
		.op = UIOMMU_ABI_OPTION_OP_SET,
		.object_id = id,
		.val64 = val,
	};

	return ask(f, f->ctx, UIOMMU_ABI_OPTION, &cmd);
}

long option_get(struct fixture *f, uint32_t option, uint32_t id, uint64_t *val)
{
	struct uiommu_abi_option cmd = {
		.size = sizeof(cmd),
		.option_id = option,
		.op = UIOMMU_ABI_OPTION_OP_GET,
		.object_id = id,
		.val64 = UINT64_MAX,
	};
	long ret = ask(f, f->ctx, UIOMMU_ABI_OPTION, &cmd);

	*val = cmd.val64;
	return ret;
}

/* --- Devices -------------------------------------------------------------------------------------
 */

void dev_bind(struct fixture *f, unsigned int i)
{
	struct uiommu_vfio_device_bind_iommufd cmd = { .argsz = sizeof(cmd), .iommufd = f->ctx };

	f->dev[i] = f->p->ops->open_device(f->p, i, &f->why);
	assert_true(f->dev[i] > 0);
	assert_done(ask(f, f->dev[i], UIOMMU_VFIO_DEVICE_BIND_IOMMUFD, &cmd));
	assert_int_not_equal(0, cmd.out_devid);
	f->dev_id[i] = cmd.out_devid;
}

void dev_close(struct fixture *f, unsigned int i)
{
	if (f->dev[i])
		f->p->ops->close(f->p, f->dev[i]);
	f->dev[i] = 0;
}

long dev_attach(struct fixture *f, unsigned int i, uint32_t *pt_id)
{
	struct uiommu_vfio_device_attach_iommufd_pt cmd = {
		.argsz = sizeof(cmd),
		.pt_id = *pt_id,
	};
	long ret = ask(f, f->dev[i], UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);

	if (ret)
		assert_int_equal(*pt_id, cmd.pt_id);
	*pt_id = cmd.pt_id;
	return ret;
}

long dev_attach_to(struct fixture *f, unsigned int i, uint32_t pt_id)
{
	return dev_attach(f, i, &pt_id);
}

long dev_detach(struct fixture *f, unsigned int i)
{
	struct uiommu_vfio_device_detach_iommufd_pt cmd = { .argsz = sizeof(cmd) };

	return ask(f, f->dev[i], UIOMMU_VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

long hwpt_alloc(struct fixture *f, uint32_t dev_id, uint32_t pt_id, uint32_t *hwpt)
{
	struct uiommu_abi_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.dev_id = dev_id,
		.pt_id = pt_id,
		.out_hwpt_id = 77,
	};
	long ret = ask(f, f->ctx, UIOMMU_ABI_HWPT_ALLOC, &cmd);

	if (ret)
		assert_int_equal(77, cmd.out_hwpt_id);
	else
		*hwpt = cmd.out_hwpt_id;
	return ret;
}

/* --- DMA -----------------------------------------------------------------------------------------
 */

static void reg_write(struct fixture *f, int dev, uint64_t off, uint64_t val, unsigned int size)
{
	assert_int_equal(size, f->p->ops->write(f->p, dev, &val, size, off, &f->why));
}

uint64_t reg_read(struct fixture *f, int dev, uint64_t off, unsigned int size)
{
	uint64_t val = 0;

	assert_int_equal(size, f->p->ops->read(f->p, dev, &val, size, off, &f->why));
	return val;
}

void bus_master(struct fixture *f, int dev)
{
	const uint64_t config = (uint64_t)UIOMMU_VFIO_PCI_REGION_CONFIG
				<< UIOMMU_VFIO_PCI_REGION_SHIFT;

	reg_write(f, dev, config + 4, reg_read(f, dev, config + 4, 2) | 4, 2);
}

uint32_t dma_copy(struct fixture *f, int dev, uint64_t src, uint64_t dst, uint32_t len)
{
	uint32_t status;

	reg_write(f, dev, DMATEST_SRC, src, 8);
	reg_write(f, dev, DMATEST_DST, dst, 8);
	reg_write(f, dev, DMATEST_LEN, len, 4);
	reg_write(f, dev, DMATEST_CMD, DMATEST_COPY, 4);
	while ((status = (uint32_t)reg_read(f, dev, DMATEST_STATUS, 4)) == DMATEST_BUSY)
		usleep(100);
	return status;
}
