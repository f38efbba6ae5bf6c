/* SPDX-License-Identifier: MIT */
/*
 * hostile BDF SEED MILLISECONDS: a VFIO program that does to an NVMe device what no driver should,
 * while another thread takes memory away. Now and then it resets the device and asks it to work
 * properly again: it must. In the end, memory that was never mapped for DMA is as it was. Exit
 * status 0: all of that was so.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "nvme_client.h"

#define PAGES	     64u
#define WINDOW_PAGES 16u
#define WINDOW_IOVA  UINT64_C(0x7f0000000000)
#define CANARY	     0xca
#define CONFIG_SIZE  4096u

struct source {
	uint64_t state;
};

static struct nvme nvme;
static uint8_t *window; /* comes and goes, for DMA and as memory */
static uint8_t *canary; /* never for DMA */
static struct source main_source, thread_source;
static atomic_bool stop;
static sigjmp_buf after_bus_error;

static uint64_t draw(struct source *s)
{
	s->state ^= s->state << 13;
	s->state ^= s->state >> 7;
	s->state ^= s->state << 17;
	return s->state;
}

static uint64_t below(uint64_t n)
{
	return draw(&main_source) % n;
}

/* Numbers that are likely to be handled wrongly. */
static uint64_t value(void)
{
	switch (below(8)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX - below(4);
	case 2:
		return UINT64_C(1) << below(64);
	case 3:
		return (UINT64_C(1) << below(64)) - 1;
	case 4:
		return below(256);
	default:
		return draw(&main_source);
	}
}

static uint64_t address(void)
{
	uint64_t odd = below(4) ? 0 : below(PAGE);

	switch (below(8)) {
	case 0:
		return value();
	case 1:
		return (uintptr_t)canary + odd;
	case 2:
		return UINT64_MAX - PAGE + 1 + odd;
	case 3:
		return IOVA + nvme.len - below(2) * PAGE + odd;
	case 4:
	case 5:
		return WINDOW_IOVA + below(WINDOW_PAGES + 1) * PAGE + odd;
	default:
		return IOVA + below(PAGES + RING_PAGES) * PAGE + odd;
	}
}

static void store(unsigned int reg)
{
	uint64_t val = value();

	switch (below(4)) {
	case 0:
		*(volatile uint8_t *)(nvme.bar + reg) = (uint8_t)val;
		break;
	case 1:
		*(volatile uint16_t *)(nvme.bar + (reg & ~1u)) = (uint16_t)val;
		break;
	case 2:
		*(volatile uint64_t *)(nvme.bar + (reg & ~7u)) = val;
		break;
	default:
		nvme_set(&nvme, reg & ~3u, (uint32_t)val);
	}
}

static void registers(void)
{
	unsigned int reg = (unsigned int)below(below(4) ? 0x48 : REG_DOORBELL);

	if (below(2))
		store(reg);
	else
		(void)nvme_get(&nvme, reg & ~3u);
}

static void queue_addresses(void)
{
	nvme_set(&nvme, REG_CC, 0);
	nvme_set(&nvme, REG_AQA, (uint32_t)value());
	nvme_set64(&nvme, REG_ASQ, address());
	nvme_set64(&nvme, REG_ACQ, address());
	nvme_set(&nvme, REG_CC, 0x00460001u ^ (below(4) ? 0 : (uint32_t)value()));
}

static void doorbells(void)
{
	unsigned int reg =
		REG_DOORBELL + (unsigned int)below(below(2) ? 64 : BAR_SIZE - REG_DOORBELL);

	if (below(4))
		nvme_set(&nvme, reg & ~3u, (uint32_t)below(QUEUE_DEPTH + 2));
	else
		store(reg);
}

static void fill_command(struct command *cmd)
{
	cmd->opcode = (uint8_t)below(below(4) ? 16 : 256);
	cmd->flags = (uint8_t)(below(4) ? 0 : value());
	cmd->id = (uint16_t)value();
	cmd->nsid = (uint32_t)(below(4) ? 1 : value());
	cmd->metadata = address();
	cmd->prp[0] = address();
	cmd->prp[1] = address();
	for (unsigned int i = 0; i < 6; i++)
		cmd->dw[i] = (uint32_t)(below(2) ? below(64) : value());
}

/* Lists that commands may point at. */
static void fill_lists(void)
{
	uint64_t *list = (uint64_t *)nvme_buffer(&nvme) + below(PAGES) * PAGE / 8;

	for (unsigned int i = 0; i < PAGE / 8; i++)
		list[i] = address();
}

static void commands(void)
{
	struct queue *q = below(2) ? &nvme.io : &nvme.admin;
	unsigned int n = (unsigned int)below(QUEUE_DEPTH);

	fill_lists();
	for (unsigned int i = 0; i < n; i++)
		fill_command(&q->sq[i]);
	nvme_set(&nvme, REG_DOORBELL + q->id * 8, n);
	nvme_set(&nvme, REG_DOORBELL + q->id * 8 + 4, (uint32_t)below(QUEUE_DEPTH));
}

/* What it means to run into while the queue is read. */
static void overwrite_rings(void)
{
	unsigned int n = RING_PAGES * PAGE / 8;

	for (unsigned int i = 0; i < n; i++)
		((volatile uint64_t *)(void *)nvme.mem)[i] = below(4) ? value() : address();
}

static void config(void)
{
	uint64_t val = value();
	size_t len = (size_t)1 << below(4);
	off_t at = (off_t)(nvme.config + below(below(2) ? 256 : CONFIG_SIZE + 8));

	if (below(2))
		(void)!pwrite(nvme.device, &val, len, at);
	else
		(void)!pread(nvme.device, &val, len, at);
}

static void regions(void)
{
	uint64_t data[16];
	off_t at = (off_t)(below(10) << 40 | below(BAR_SIZE + 64));

	if (!below(8))
		at = (off_t)value();
	for (unsigned int i = 0; i < 16; i++)
		data[i] = value();
	if (below(2))
		(void)!pwrite(nvme.device, data, below(sizeof(data)), at);
	else
		(void)!pread(nvme.device, data, below(sizeof(data)), at);
}

static void interrupts(void)
{
	_Alignas(struct vfio_irq_set) uint8_t raw[sizeof(struct vfio_irq_set) + 16 * 4];
	struct vfio_irq_set *set = (struct vfio_irq_set *)(void *)raw;
	int32_t fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), data[16];

	*set = (struct vfio_irq_set){ .argsz = (uint32_t)(below(8) ? sizeof(raw)
								   : below(sizeof(raw))),
		.flags = (uint32_t)(below(4) ? 1u << below(3) | 8u << below(3) : value()),
		.index = (uint32_t)(below(4) ? below(6) : value()),
		.start = (uint32_t)(below(2) ? 0 : value()),
		.count = (uint32_t)(below(4) ? below(17) : value()) };
	for (unsigned int i = 0; i < 16; i++)
		data[i] = below(2) ? fd : (int32_t)value();
	memcpy(raw + sizeof(*set), data, sizeof(data));
	ioctl(nvme.device, VFIO_DEVICE_SET_IRQS, set);
	if (fd >= 0)
		close(fd);
}

static int map_at(void *mem, uint64_t iova, uint64_t len)
{
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)mem,
		.iova = iova,
		.size = len };

	return ioctl(nvme.container, VFIO_IOMMU_MAP_DMA, &map);
}

static void unmap_at(uint64_t iova, uint64_t len)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova, .size = len
	};

	ioctl(nvme.container, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

/* Never the canary. */
static void mappings(void)
{
	if (below(2))
		unmap_at(value(), value());
	else
		map_at(nvme.mem, address(), below(PAGES) * PAGE);
}

static void revive(void)
{
	struct command read = { .opcode = CMD_READ, .id = 1, .nsid = 1 };
	uint16_t command = 6;
	int status;

	if (ioctl(nvme.device, VFIO_DEVICE_RESET))
		err(1, "RESET");
	if (pwrite(nvme.device, &command, 2, (off_t)nvme.config + 4) != 2)
		err(1, "command register");
	unmap_at(IOVA, nvme.len);
	for (unsigned int i = 0; map_at(nvme.mem, IOVA, nvme.len); i++) {
		/* A mapping of ours that is only partly in there. */
		if (i)
			err(1, "MAP_DMA");
		unmap_at(0, UINT64_C(1) << 47);
	}
	if (!nvme_enable(&nvme))
		errx(1, "not ready after a reset: CSTS %#x", nvme_get(&nvme, REG_CSTS));
	read.prp[0] = IOVA_OF(&nvme, nvme_buffer(&nvme));
	status = nvme_do(&nvme, &nvme.io, &read);
	if (status)
		errx(1, "a read after a reset: status %#x", status);
}

/* Mapped for DMA, and gone: by unmapping, and by munmap() while it is mapped. */
static void *take_away(void *arg)
{
	struct source *s = arg;

	while (!atomic_load(&stop)) {
		uint64_t first = draw(s) % WINDOW_PAGES, n = 1 + draw(s) % (WINDOW_PAGES - first);

		map_at(window + first * PAGE, WINDOW_IOVA + first * PAGE, n * PAGE);
		if (draw(s) % 2)
			memset(window + first * PAGE, (int)draw(s), n * PAGE);
		if (!(draw(s) % 4))
			mmap(window + first * PAGE, n * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		if (draw(s) % 2)
			unmap_at(WINDOW_IOVA, WINDOW_PAGES * PAGE);
	}
	return NULL;
}

static uint8_t *pages(unsigned int n)
{
	uint8_t *mem =
		mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		err(1, "mmap");
	return mem;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Registers that don't decode: as on Linux. Any other is a real one. */
static void on_bus_error(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr, bar = (uintptr_t)nvme.bar;

	if (at < bar || at - bar >= BAR_SIZE)
		abort();
	siglongjmp(after_bus_error, 1);
}

static void attempt(void (*act)(void))
{
	if (!sigsetjmp(after_bus_error, 1))
		act();
}

static unsigned int attack(int64_t ms)
{
	static void (*const acts[])(void) = { registers, registers, queue_addresses, doorbells,
		doorbells, commands, commands, commands, commands, overwrite_rings, config, regions,
		interrupts, mappings };
	int64_t end = now_ms() + ms;
	unsigned int rounds = 0;

	do {
		uint64_t n = 1 + below(40);

		revive();
		while (n--)
			attempt(acts[below(sizeof(acts) / sizeof(acts[0]))]);
		rounds++;
	} while (now_ms() < end);
	revive();
	return rounds;
}

int main(int argc, char **argv)
{
	const struct sigaction bus = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };
	unsigned int rounds;
	pthread_t thread;

	if (argc != 4)
		errx(2, "usage: hostile BDF SEED MILLISECONDS");
	main_source.state = strtoull(argv[2], NULL, 0) | 1;
	thread_source.state = main_source.state * 2 + 1;
	window = pages(WINDOW_PAGES);
	canary = pages(1);
	memset(canary, CANARY, PAGE);
	nvme_open(&nvme, argv[1], PAGES);
	sigaction(SIGBUS, &bus, NULL);
	if (pthread_create(&thread, NULL, take_away, &thread_source))
		errx(1, "thread");
	rounds = attack(atoi(argv[3]));
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	for (unsigned int i = 0; i < PAGE; i++)
		if (canary[i] != CANARY)
			errx(1, "memory that wasn't mapped has changed");
	nvme_close(&nvme);
	printf("%u rounds\n", rounds);
	return 0;
}
