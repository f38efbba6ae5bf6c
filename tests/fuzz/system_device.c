/* SPDX-License-Identifier: MIT */
/* Steps of the system fuzzer that are a device's: registers, interrupts, DMA, commands. */
#include <endian.h>
#include <string.h>
#include <unistd.h>

#include "dev/dmatest.h"
#include "dev/nvme/nvme_spec.h"
#include "system_stream.h"

#define QUEUE_SIZE 32u

/* --- Devices -------------------------------------------------------------------------------------
 */

static struct abi_file *take_device(struct stream *s)
{
	return client_device(&s->c, take8(s));
}

void region_write(struct abi_file *device, uint64_t off, uint64_t val, size_t size)
{
	if (device)
		device->ops->write(device, &val, size, off);
}

static void region_access(struct stream *s, uint64_t base, uint64_t off)
{
	struct abi_file *device = take_device(s);
	uint32_t how = take8(s), size = 1 + how % 24;
	uint8_t buf[24];

	if (!device)
		return;
	if (how & 0x80) {
		device->ops->read(device, buf, size, base + off);
		return;
	}
	for (uint32_t i = 0; i < size; i++)
		buf[i] = (uint8_t)take(s, 1);
	device->ops->write(device, buf, size, base + off);
}

void step_config(struct stream *s)
{
	uint64_t val = take(s, 2);

	region_access(s, CONFIG, val & 0x8000 ? val & 0x1fff : val & 0xff);
}

void step_region(struct stream *s)
{
	uint64_t val = take(s, 3);

	region_access(s, (val >> 20) << UIOMMU_VFIO_PCI_REGION_SHIFT, val & 0xfffff);
}

void step_register(struct stream *s)
{
	uint64_t val = take(s, 1);

	region_access(s, 0, val * 4 % 0x60);
}

void step_mapped(struct stream *s)
{
	uint32_t how = take8(s), i = how & 1;

	switch (how >> 1 & 7) {
	case 0:
		client_bar_map(&s->c, i);
		break;
	case 1:
		client_bar_unmap(&s->c, i);
		break;
	case 2:
		client_bar_store(&s->c, i, take(s, 2) * 4, (uint32_t)take(s, 4));
		break;
	default: /* a doorbell */
		client_bar_store(&s->c, i, 0x1000 + (how >> 4) * 4, take8(s));
		break;
	}
}

/* Mostly one kind of data and one action. */
static uint32_t irq_flags(uint32_t how)
{
	return how & 0x80 ? how & 0x7f : 1u << how % 3 | 8u << (how >> 2) % 3;
}

void step_irqs(struct stream *s)
{
	struct {
		struct uiommu_vfio_irq_set set;
		int32_t fd[8];
	} cmd = { .set.argsz = sizeof(cmd) };
	int dev = take_fd(s);
	uint32_t how = take8(s);

	cmd.set.flags = irq_flags(take8(s));
	cmd.set.index = how & 7;
	cmd.set.start = how >> 3 & 7;
	cmd.set.count = how >> 6 == 3 ? (uint32_t)take(s, 4) : how >> 6;
	for (unsigned int i = 0; i < 8; i++) {
		uint32_t which = take8(s) & 7;

		cmd.fd[i] = which < 2	 ? s->c.event[which]
			    : which == 2 ? s->c.shared
			    : which == 3 ? -2
			    : which == 4 ? CLIENT_FD
			    : which == 5 ? (int)take(s, 1)
					 : -1;
	}
	client_request(&s->c, dev, UIOMMU_VFIO_DEVICE_SET_IRQS, &cmd, sizeof(cmd));
}

void step_dmatest(struct stream *s)
{
	struct abi_file *device = take_device(s);
	uint32_t how = take8(s);

	if (how & 0x40)
		region_write(device, DMATEST_SRC, take_iova(s), 8);
	if (how & 0x20)
		region_write(device, DMATEST_DST, take_iova(s), 8);
	if (how & 0x10)
		region_write(device, DMATEST_LEN, take(s, 2), 4);
	if (how & 8)
		region_write(device, DMATEST_PASID, take8(s) & 1, 4);
	region_write(device, DMATEST_CMD, how & 7, 4);
}

/* --- NVMe ----------------------------------------------------------------------------------------
 */

static void doorbell(struct abi_file *device, uint32_t index, uint32_t val)
{
	region_write(device, 0x1000 + index * 4, val, 4);
}

static void nvme_enable(struct stream *s, struct abi_file *device, uint32_t size)
{
	const uint32_t cc = 6u << 16 | 4u << 20;

	region_write(device, NVME_REG_CC, cc, 4);
	memset(s->tail, 0, sizeof(s->tail));
	region_write(device, NVME_REG_AQA, size << 16 | size, 4);
	region_write(device, NVME_REG_ASQ, IOVA, 8);
	region_write(device, NVME_REG_ACQ, IOVA + PAGE, 8);
	region_write(device, NVME_REG_CC, cc | NVME_CC_EN, 4);
}

static void send(struct stream *s, struct abi_file *device, unsigned int q, struct nvme_sqe *sqe)
{
	client_store(&s->c, q * 2 * PAGE + s->tail[q] * sizeof(*sqe), sqe, sizeof(*sqe));
	s->tail[q] = (s->tail[q] + 1) % QUEUE_SIZE;
	doorbell(device, q * 2, s->tail[q]);
}

static void nvme_queue(struct stream *s, struct abi_file *device, unsigned int q)
{
	struct nvme_sqe sqe = { .opcode = NVME_ADM_CREATE_CQ };

	sqe.cdw10 = htole32(q | (QUEUE_SIZE - 1) << 16);
	sqe.cdw11 = htole32(3u | q << 16);
	sqe.prp1 = htole64(IOVA + (q * 2 + 1) * PAGE);
	send(s, device, 0, &sqe);
	sqe.opcode = NVME_ADM_CREATE_SQ;
	sqe.cdw11 = htole32(1u | q << 16);
	sqe.prp1 = htole64(IOVA + q * 2 * PAGE);
	send(s, device, 0, &sqe);
	s->tail[q] = 0;
}

void step_enable(struct stream *s)
{
	struct abi_file *device = take_device(s);
	uint32_t how = take8(s);

	if (how & 0x80)
		nvme_queue(s, device, 1 + how % 3);
	else
		nvme_enable(s, device, how & 0x40 ? how & 63 : QUEUE_SIZE - 1);
}

void step_admin(struct stream *s)
{
	static const uint8_t known[] = { NVME_ADM_IDENTIFY, NVME_ADM_GET_FEATURES,
		NVME_ADM_SET_FEATURES, NVME_ADM_GET_LOG, NVME_ADM_CREATE_CQ, NVME_ADM_CREATE_SQ,
		NVME_ADM_DELETE_CQ, NVME_ADM_DELETE_SQ, NVME_ADM_ABORT, NVME_ADM_ASYNC_EVENT };
	struct abi_file *device = take_device(s);
	uint32_t how = take8(s), small;
	struct nvme_sqe sqe = { .opcode = (uint8_t)how };

	if (how < 0xf0)
		sqe.opcode = known[how % sizeof(known)];
	small = take8(s);
	sqe.flags = small & 0x80 ? NVME_PSDT_SGL << 6 : 0;
	sqe.cid = (uint16_t)take(s, 1);
	sqe.nsid = htole32(small & 0x40 ? NVME_NSID_ALL : small & 3);
	sqe.prp1 = htole64(take_iova(s));
	sqe.prp2 = htole64(take_iova(s));
	sqe.cdw10 = htole32(small & 0x20 ? (uint32_t)take(s, 4) : take8(s));
	sqe.cdw11 = htole32(small & 0x10 ? (uint32_t)take(s, 4) : take8(s));
	send(s, device, 0, &sqe);
}

void step_io(struct stream *s)
{
	uint32_t how = take8(s), nlb;
	struct abi_file *device = client_device(&s->c, how >> 6);
	struct nvme_sqe sqe = { .opcode = how & 15, .nsid = htole32(1) };

	sqe.flags = how & 0x20 ? NVME_PSDT_SGL << 6 : 0;
	sqe.cid = (uint16_t)take(s, 1);
	sqe.prp1 = htole64(take_iova(s));
	sqe.prp2 = htole64(take_iova(s));
	sqe.cdw10 = htole32(take8(s) * 16);
	nlb = (uint32_t)take(s, 2);
	sqe.cdw12 = htole32(nlb % 600 | nlb >> 10 << 25);
	if (sqe.opcode == NVME_CMD_DSM)
		sqe.cdw11 = htole32(NVME_DSM_DEALLOCATE);
	send(s, device, 1 + (how >> 4 & 1), &sqe);
}

void step_ring(struct stream *s)
{
	uint32_t how = take8(s);

	doorbell(client_device(&s->c, how >> 6), how & 63, take8(s));
}

/* Lists of addresses: pages, or descriptors of a scatter-gather list. */
void step_scribble(struct stream *s)
{
	uint32_t how = take8(s), n = how >> 5;
	size_t at = how % PLAY * PAGE + take8(s) * 16;

	for (uint32_t i = 0; i <= n; i++) {
		struct nvme_sgl_desc d = { .addr = htole64(take_iova(s)) };

		d.len = htole32((uint32_t)take(s, 2));
		d.id = (uint8_t)take(s, 1);
		client_store(&s->c, at + i * sizeof(d), &d, d.id & 0x80 ? 8 : sizeof(d));
	}
}

static void nvme_wait(struct abi_file *device)
{
	uint32_t csts = 0;

	for (unsigned int i = 0; device && i < 200 && !(csts & 1); i++) {
		usleep(20);
		device->ops->read(device, &csts, sizeof(csts), NVME_REG_CSTS);
	}
}

void nvme_setup(struct stream *s, struct abi_file *device)
{
	nvme_enable(s, device, QUEUE_SIZE - 1);
	nvme_wait(device);
	nvme_queue(s, device, 1);
	nvme_queue(s, device, 2);
	usleep(200);
}
