/* SPDX-License-Identifier: MIT */
/*
 * A hostile client of the whole engine: requests on every kind of file, devices that do DMA
 * meanwhile, and memory that goes away under them.
 *
 * The first two bytes choose a system and how far it is set up; a byte that chooses a step and what
 * the step takes follow, until the input is used up. Whatever happens, nothing may crash, be left
 * over, or go unexplained (system_client.h checks that).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uiommu/abi/iommufd.h>
#include <uiommu/abi/vfio.h>

#include "system_stream.h"

#define STEPS 256u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- Address spaces ------------------------------------------------------------------------------
 */

static long request(struct stream *s, int fd, unsigned long req, const void *arg, size_t len)
{
	return client_request(&s->c, fd, req, arg, len);
}

static void step_map(struct stream *s)
{
	struct uiommu_abi_ioas_map cmd = { .size = sizeof(cmd) };
	int fd = take_fd(s);

	cmd.flags = take8(s) & 15;
	cmd.ioas_id = take_id(s);
	cmd.user_va = take_va(s);
	cmd.length = take_len(s);
	cmd.iova = take_iova(s);
	request(s, fd, UIOMMU_ABI_IOAS_MAP, &cmd, sizeof(cmd));
}

static void step_unmap(struct stream *s)
{
	struct uiommu_abi_ioas_unmap cmd = { .size = sizeof(cmd) };
	int fd = take_fd(s);

	cmd.ioas_id = take_id(s);
	cmd.iova = take_iova(s);
	cmd.length = take_len(s);
	request(s, fd, UIOMMU_ABI_IOAS_UNMAP, &cmd, sizeof(cmd));
}

static void step_copy(struct stream *s)
{
	struct uiommu_abi_ioas_copy cmd = { .size = sizeof(cmd) };
	int fd = take_fd(s);

	cmd.flags = take8(s) & 15;
	cmd.dst_ioas_id = take_id(s);
	cmd.src_ioas_id = take_id(s);
	cmd.length = take_len(s);
	cmd.dst_iova = take_iova(s);
	cmd.src_iova = take_iova(s);
	request(s, fd, UIOMMU_ABI_IOAS_COPY, &cmd, sizeof(cmd));
}

static void step_container(struct stream *s)
{
	uint32_t how = take8(s);
	int fd = take_fd(s);
	struct uiommu_vfio_iommu_type1_dma_map map = { .argsz = sizeof(map), .flags = how >> 4 };
	struct uiommu_vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap),
		.flags = how >> 4 & 3 };

	switch (how & 3) {
	case 0:
		map.vaddr = take_va(s);
		map.iova = take_iova(s);
		map.size = take_len(s);
		request(s, fd, UIOMMU_VFIO_IOMMU_MAP_DMA, &map, sizeof(map));
		break;
	case 1:
		unmap.iova = take_iova(s);
		unmap.size = take_len(s);
		request(s, fd, UIOMMU_VFIO_IOMMU_UNMAP_DMA, &unmap, sizeof(unmap));
		break;
	case 2:
		client_ioctl(&s->c, fd, UIOMMU_VFIO_SET_IOMMU, how >> 4);
		break;
	default:
		client_ioctl(&s->c, fd, UIOMMU_VFIO_CHECK_EXTENSION, how >> 4);
		break;
	}
}

static void step_ranges(struct stream *s)
{
	uint32_t how = take8(s), n = how % 8;
	int fd = take_fd(s);
	struct uiommu_abi_ioas_allow_iovas allow = { .size = sizeof(allow), .num_iovas = n };
	struct uiommu_abi_ioas_iova_ranges ranges = { .size = sizeof(ranges), .num_iovas = n };
	struct uiommu_abi_iova_range range[8];

	allow.ioas_id = ranges.ioas_id = take_id(s);
	allow.allowed_iovas = ranges.allowed_iovas =
		how & 0x10 ? take_va(s) : (uintptr_t)&s->c.body[32];
	if (how & 0x20) {
		request(s, fd, UIOMMU_ABI_IOAS_IOVA_RANGES, &ranges, sizeof(ranges));
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		range[i].start = take_iova(s);
		range[i].last = range[i].start + take_len(s);
	}
	memcpy(&s->c.body[32], range, n * sizeof(range[0]));
	request(s, fd, UIOMMU_ABI_IOAS_ALLOW_IOVAS, &allow, sizeof(allow));
}

static void step_object(struct stream *s)
{
	uint32_t how = take8(s);
	int fd = take_fd(s);
	struct uiommu_abi_hwpt_alloc hwpt = { .size = sizeof(hwpt), .flags = how >> 5 };
	struct uiommu_abi_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct uiommu_abi_destroy destroy = { .size = sizeof(destroy) };
	struct uiommu_abi_vfio_ioas compat = { .size = sizeof(compat) };

	switch (how & 3) {
	case 0:
		request(s, fd, UIOMMU_ABI_IOAS_ALLOC, &ioas, sizeof(ioas));
		break;
	case 1:
		destroy.id = take_id(s);
		request(s, fd, UIOMMU_ABI_DESTROY, &destroy, sizeof(destroy));
		break;
	case 2:
		hwpt.dev_id = take_id(s);
		hwpt.pt_id = take_id(s);
		request(s, fd, UIOMMU_ABI_HWPT_ALLOC, &hwpt, sizeof(hwpt));
		break;
	default:
		compat.ioas_id = take_id(s);
		compat.op = (uint16_t)(how >> 5);
		request(s, fd, UIOMMU_ABI_VFIO_IOAS, &compat, sizeof(compat));
		break;
	}
}

/* --- Files ---------------------------------------------------------------------------------------
 */

static void step_open(struct stream *s)
{
	uint32_t how = take8(s);

	client_open(&s->c, (enum sys_node)(how & 3), how >> 2 & 3);
}

static void step_close(struct stream *s)
{
	client_close(&s->c, take_fd(s));
}

static void step_bind(struct stream *s)
{
	struct uiommu_vfio_device_bind_iommufd cmd = { .argsz = sizeof(cmd) };
	int fd = take_fd(s);

	cmd.iommufd = take_fd(s);
	request(s, fd, UIOMMU_VFIO_DEVICE_BIND_IOMMUFD, &cmd, sizeof(cmd));
}

static void step_attach(struct stream *s)
{
	struct uiommu_vfio_device_attach_iommufd_pt cmd = { .argsz = sizeof(cmd) };
	int fd = take_fd(s);

	cmd.pt_id = take_id(s);
	request(s, fd, UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd, sizeof(cmd));
}

static void step_detach(struct stream *s)
{
	struct uiommu_vfio_device_detach_iommufd_pt cmd = { .argsz = sizeof(cmd) };

	request(s, take_fd(s), UIOMMU_VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd, sizeof(cmd));
}

static void step_group(struct stream *s)
{
	static const char *const name[] = { "0000:01:00.0", "0000:02:00.0", "0000:01:00.0 x=1",
		"" };
	uint32_t how = take8(s);
	int fd = take_fd(s), other;

	switch (how & 3) {
	case 0:
		other = take_fd(s);
		request(s, fd, UIOMMU_VFIO_GROUP_SET_CONTAINER, &other, sizeof(other));
		break;
	case 1:
		client_ioctl(&s->c, fd, UIOMMU_VFIO_GROUP_UNSET_CONTAINER, 0);
		break;
	default:
		request(s, fd, UIOMMU_VFIO_GROUP_GET_DEVICE_FD, name[how >> 2 & 3],
			strlen(name[how >> 2 & 3]) + 1);
		break;
	}
}

static uint64_t pages(uint64_t len)
{
	return (len + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

/* Other calls than ioctl(), on whatever file. */
static void step_file(struct stream *s)
{
	struct abi_file *file = client_file(&s->c, take_fd(s));
	uint32_t how = take8(s);
	uint64_t val = take(s, 3), off = (val >> 20) << UIOMMU_VFIO_PCI_REGION_SHIFT;
	uint64_t len = take_len(s);
	struct abi_mmap map;
	uint8_t buf[16] = { 0 };

	off += val & 0xfffff;
	if (!file)
		return;
	if (how & 1)
		file->ops->read(file, buf, 1 + how % 16, off);
	else if (how & 2)
		file->ops->write(file, buf, 1 + how % 16, off);
	else if (!file->ops->mmap(file, off & ~UINT64_C(4095), len, PROT_READ, how >> 4, &map) &&
		 map.off + map.len > pages(pdev_desc(map.pdev)->bar[map.bar].size))
		abort();
}

static void step_info(struct stream *s)
{
	struct uiommu_abi_hw_info cmd = { .size = sizeof(cmd) };
	int fd = take_fd(s);

	cmd.dev_id = take_id(s);
	cmd.data_len = take8(s) * 8;
	cmd.data_uptr = take_va(s);
	cmd.flags = take8(s) & 1;
	client_request(&s->c, fd, UIOMMU_ABI_GET_HW_INFO, &cmd, sizeof(cmd));
}

static void step_reset(struct stream *s)
{
	client_ioctl(&s->c, take_fd(s), UIOMMU_VFIO_DEVICE_RESET, 0);
}

/* Any request, with any bytes, from memory that devices may be changing, or from nowhere. */
static void step_raw(struct stream *s)
{
	uint32_t nr = take8(s);
	int fd = take_fd(s);
	uintptr_t arg = take_va(s);
	uint8_t body[64];
	uint32_t size = take8(s), known = size & 64 ? 4 : 0;
	unsigned long req = 0x3b00 | (0x64 + nr % 0x34);

	if (nr == 255)
		req = take(s, 8);
	size %= sizeof(body);
	if (known)
		memcpy(body, &size, sizeof(size));
	for (uint32_t i = known; i < size; i++)
		body[i] = (uint8_t)take(s, 1);
	client_store(&s->c, arg - (uintptr_t)s->c.arena, body, size);
	client_ioctl(&s->c, fd, req, arg);
}

/* --- Memory that goes away -----------------------------------------------------------------------
 */

static void mapping_replace(struct stream *s, uint8_t *at, size_t len, uint32_t how)
{
	int prot = how & 1 ? PROT_READ : how & 2 ? PROT_NONE : PROT_READ | PROT_WRITE;
	bool shared = how & 4;
	void *to;

	if (!(how & 8) && sys_user_vacate(s->c.sys, (uintptr_t)at, len))
		return;
	to = mmap(at, len, prot, MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS),
		shared ? s->c.shared : -1, 0);
	if (to == MAP_FAILED)
		abort();
}

/* What a call took out of the arena, even if it failed, is closed again. */
static void holes_close(uint8_t *at, size_t len)
{
	for (size_t off = 0; off < len; off += PAGE)
		mmap(at + off, PAGE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

static void mapping_move(struct stream *s, uint8_t *from, size_t len, uint32_t how)
{
	size_t new_len = how & 1 ? len : take8(s) % PLAY * PAGE;
	uint8_t *to = s->c.arena + take8(s) * PAGE;
	int flags = (how & 2 ? MREMAP_MAYMOVE : 0) | (how & 4 ? MREMAP_MAYMOVE | MREMAP_FIXED : 0) |
		    (how & 8 ? MREMAP_MAYMOVE | MREMAP_DONTUNMAP : 0);
	uint8_t *at = sys_user_mremap(s->c.sys, from, len, new_len, flags, to);

	holes_close(from, len);
	holes_close(to, new_len);
	if (at == MAP_FAILED || (at >= s->c.arena && at < s->c.arena + 2 * ARENA_SIZE))
		return;
	if (sys_user_vacate(s->c.sys, (uintptr_t)at, new_len) || munmap(at, new_len))
		abort();
}

static void step_memory(struct stream *s)
{
	uint32_t how = take8(s), page = take8(s) % ARENA_PAGES, n = 1 + take8(s) % PLAY;
	uint8_t *at = s->c.arena + page * PAGE;
	size_t len = (n < ARENA_PAGES - page ? n : ARENA_PAGES - page) * PAGE;

	switch (how >> 4 & 7) {
	case 0:
		mapping_move(s, at, len, how);
		break;
	case 1:
		mprotect(at, len,
			how & 1	  ? PROT_READ
			: how & 2 ? PROT_NONE
				  : PROT_READ | PROT_WRITE);
		break;
	case 2:
		if (!ftruncate(s->c.shared, (how & 7) * PAGE))
			break;
		abort();
	case 3:
		if (how & 1 || !sys_user_vacate(s->c.sys, (uintptr_t)at, len))
			madvise(at, len, MADV_DONTNEED);
		break;
	default:
		mapping_replace(s, at, len, how);
		break;
	}
}

static void step_wait(struct stream *s)
{
	uint32_t how = take8(s);
	uint64_t count;

	for (uint32_t i = 0; i < how % 16; i++)
		usleep(20);
	if (how & 0x40 && read(s->c.event[0], &count, sizeof(count)) < 0 && errno != EAGAIN)
		abort();
}

/* --- Setting up ----------------------------------------------------------------------------------
 */

enum {
	SETUP_CONTEXT = 1, /* devices bound and attached, the arena mapped */
	SETUP_GROUPS = 2,  /* the same by groups in a container */
	SETUP_NVME = 4,	   /* the controller enabled, with two queue pairs */
	SETUP_MASTER = 8,
	SETUP_BARS = 16,
	SETUP_IRQS = 32,
};

static void setup_context(struct stream *s)
{
	struct uiommu_abi_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct uiommu_abi_ioas_map map = {
		.size = sizeof(map),
		.flags = UIOMMU_ABI_MAP_FIXED_IOVA | UIOMMU_ABI_MAP_READABLE |
			 UIOMMU_ABI_MAP_WRITEABLE,
		.user_va = (uintptr_t)s->c.arena,
		.length = ARENA_SIZE,
		.iova = IOVA,
	};
	int ctx = client_open(&s->c, SYS_NODE_IOMMU, 0);

	request(s, ctx, UIOMMU_ABI_IOAS_ALLOC, &ioas, sizeof(ioas));
	memcpy(&ioas, s->c.body, sizeof(ioas));
	map.ioas_id = ioas.out_ioas_id;
	request(s, ctx, UIOMMU_ABI_IOAS_MAP, &map, sizeof(map));
	for (unsigned int i = 0; i < 2; i++) {
		struct uiommu_vfio_device_bind_iommufd bind = { .argsz = sizeof(bind),
			.iommufd = ctx };
		struct uiommu_vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach),
			.pt_id = ioas.out_ioas_id };
		int fd = client_open(&s->c, SYS_NODE_DEVICE, sys_device_spec(s->c.sys, i)->index);

		request(s, fd, UIOMMU_VFIO_DEVICE_BIND_IOMMUFD, &bind, sizeof(bind));
		if (request(s, fd, UIOMMU_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach, sizeof(attach)))
			abort();
	}
}

static void setup_groups(struct stream *s)
{
	struct uiommu_vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = UIOMMU_VFIO_DMA_MAP_FLAG_READ | UIOMMU_VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)s->c.arena,
		.iova = IOVA,
		.size = ARENA_SIZE,
	};
	int container = client_open(&s->c, SYS_NODE_CONTAINER, 0), group[2];

	for (unsigned int i = 0; i < 2; i++) {
		group[i] = client_open(&s->c, SYS_NODE_GROUP, i + 1);
		request(s, group[i], UIOMMU_VFIO_GROUP_SET_CONTAINER, &container,
			sizeof(container));
	}
	client_ioctl(&s->c, container, UIOMMU_VFIO_SET_IOMMU, UIOMMU_VFIO_TYPE1);
	if (request(s, container, UIOMMU_VFIO_IOMMU_MAP_DMA, &map, sizeof(map)))
		abort();
	for (unsigned int i = 0; i < 2; i++) {
		const char *name = sys_device_spec(s->c.sys, i)->bdf;

		if (request(s, group[i], UIOMMU_VFIO_GROUP_GET_DEVICE_FD, name, strlen(name) + 1) <
			0)
			abort();
	}
}

static void setup_irqs(struct stream *s)
{
	struct {
		struct uiommu_vfio_irq_set set;
		int32_t fd[2];
	} cmd = {
		.set = {
			.argsz = sizeof(cmd),
			.flags = UIOMMU_VFIO_IRQ_SET_DATA_EVENTFD |
				 UIOMMU_VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = UIOMMU_VFIO_PCI_IRQ_MSIX,
			.count = 2,
		},
		.fd = { s->c.event[0], s->c.event[1] },
	};

	for (int fd = CLIENT_FD; client_file(&s->c, fd); fd++) {
		if (client_file(&s->c, fd)->kind == ABI_FILE_DEVICE)
			request(s, fd, UIOMMU_VFIO_DEVICE_SET_IRQS, &cmd, sizeof(cmd));
	}
}

static void setup(struct stream *s, uint32_t how)
{
	if (how & SETUP_GROUPS)
		setup_groups(s);
	else if (how & SETUP_CONTEXT)
		setup_context(s);
	for (unsigned int i = 0; i < 2; i++) {
		if (how & SETUP_MASTER)
			region_write(client_device(&s->c, i), CONFIG + 4, 6, 2);
		if (how & SETUP_BARS)
			client_bar_map(&s->c, i);
	}
	if (how & SETUP_IRQS)
		setup_irqs(s);
	if (how & SETUP_NVME)
		nvme_setup(s, client_device(&s->c, 0));
}

static void (*const steps[])(struct stream *s) = { step_map, step_unmap, step_copy, step_container,
	step_ranges, step_object, step_open, step_close, step_bind, step_attach, step_detach,
	step_group, step_reset, step_raw, step_config, step_region, step_register, step_mapped,
	step_irqs, step_dmatest, step_enable, step_admin, step_io, step_ring, step_scribble,
	step_memory, step_wait, step_io, step_dmatest, step_raw, step_memory, step_mapped,
	step_file, step_info };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream s = { .data = data, .len = size };
	uint32_t how;

	client_init(&s.c, take8(&s));
	how = take8(&s);
	setup(&s, how);
	for (unsigned int i = 0; i < STEPS && s.len; i++)
		steps[take8(&s) % (sizeof(steps) / sizeof(steps[0]))](&s);
	usleep(50); /* what is under way goes on a little */
	client_fini(&s.c);
	return 0;
}
