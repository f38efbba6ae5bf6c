/* SPDX-License-Identifier: MIT */
/*
 * dmatest: a DMA engine that does what it is told, wherever it is told to; for tests, demos and
 * stress.
 *
 * One function, vendor 0x1234, device 0x0d3a (unofficial numbers), BAR 0 of 16 KiB: registers at 0,
 * the MSI-X table at 0x1000, pending bits at 0x2000. Two MSI-X vectors, 0: a command is done, 1: a
 * command has failed; or INTx, while a bit of IRQ_STATUS is set. Registers are
 * little-endian, accessed as a whole:
 *
 *     0x00  SRC           64   rw  address to read from
 *     0x08  DST           64   rw  address to write to
 *     0x10  LEN           32   rw  bytes, up to 16 MiB
 *     0x14  PASID         32   rw  of all requests; ffffffff: none (reset value)
 *     0x18  PATTERN       64   rw  what is filled in, compared to, added
 *     0x20  IRQ_STATUS    32   rw  bit 0 done, bit 1 failed; writing 1 clears a bit (with
 *                                  bar=poll, write a value that differs from what it reads)
 *     0x28  COUNT         64   ro  bytes transferred by the command
 *     0x30  RESULT        64   ro  ADD: the value before; CHECK_LOOP: 8-byte words that differed
 *     0x38  FAULT_IOVA    64   ro  where the command failed
 *     0x40  FAULT_REASON  32   ro  enum uiommu_dma_reason; 0: refused without an access
 *     0x44  STATUS        32   ro  0 idle, 1 busy, 2 done, 3 failed
 *     0x48  CMD           32   wo  1 COPY        SRC to DST, LEN bytes
 *                                  2 FILL        DST, LEN bytes of PATTERN
 *                                  3 ADD         fetch-and-add of PATTERN at SRC; LEN 4 or 8
 *                                  4 FILL_LOOP   FILL until stopped
 *                                  5 CHECK_LOOP  compares LEN bytes at SRC until stopped
 *                                  6 STOP        ends what runs: idle, no interrupt
 *
 * Parameters are latched when a command is written. While one runs, only STOP does something. A
 * loop whose access fails has failed. A command that isn't one, or LEN out of range, fails at once;
 * 0 is none.
 *
 * One thread executes commands. It is created by the first command after open or reset, and holds
 * no lock while it does DMA; STOP and reset are noticed between chunks.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <uiommu/device.h>

#include "base/mem.h"
#include "dev/dmatest.h"
#include "dev/thread.h"

#define CHUNK 65536u

struct command {
	uint64_t src, dst, pattern;
	uint32_t len, pasid, cmd; /* cmd: only latched */
};

struct dmatest {
	struct uiommu_pdev *pdev;
	pthread_mutex_t lock; /* all below but where noted */
	pthread_cond_t wake;
	struct command regs, current; /* as written, and latched */
	uint64_t result, fault_iova;
	uint32_t irq_status, fault_reason, status;
	_Atomic uint64_t count; /* written by the thread */
	_Atomic bool stop;	/* the command that runs */
	bool quit;
	/* Created and joined by whoever the core calls on, one at a time. */
	bool running;
	pthread_t thread;
	struct uiommu_dma *dma; /* the thread's */
	uint8_t *buf;		/* CHUNK bytes, the thread's */
};

/* --- Commands, on the thread ----------------------------------------------------------------- */

static uint32_t chunk_at(const struct command *c, uint32_t done)
{
	return c->len - done < CHUNK ? c->len - done : CHUNK;
}

static bool stopped(struct dmatest *d)
{
	return atomic_load_explicit(&d->stop, memory_order_relaxed);
}

static void count_add(struct dmatest *d, uint64_t n)
{
	atomic_fetch_add_explicit(&d->count, n, memory_order_relaxed);
}

static void pattern_put(uint8_t *buf, uint64_t pattern)
{
	for (unsigned int i = 0; i < CHUNK; i += sizeof(pattern))
		memcpy(buf + i, &pattern, sizeof(pattern));
}

static int copy(struct dmatest *d, const struct command *c)
{
	for (uint32_t done = 0, n; done < c->len && !stopped(d); done += n) {
		int rc;

		n = chunk_at(c, done);
		rc = uiommu_dma_read(d->dma, c->pasid, c->src + done, d->buf, n);
		if (!rc)
			rc = uiommu_dma_write(d->dma, c->pasid, c->dst + done, d->buf, n);
		if (rc)
			return rc;
		count_add(d, n);
	}
	return 0;
}

static int fill(struct dmatest *d, const struct command *c)
{
	pattern_put(d->buf, c->pattern);
	for (uint32_t done = 0, n; done < c->len && !stopped(d); done += n) {
		int rc;

		n = chunk_at(c, done);
		rc = uiommu_dma_write(d->dma, c->pasid, c->dst + done, d->buf, n);
		if (rc)
			return rc;
		count_add(d, n);
	}
	return 0;
}

/* 8-byte words of @n bytes that aren't @pattern; the last one may be cut off. */
static uint64_t words_differing(const uint8_t *buf, uint32_t n, uint64_t pattern)
{
	uint64_t differing = 0;

	for (uint32_t i = 0; i < n; i += sizeof(pattern))
		differing += memcmp(buf + i, &pattern, n - i < 8 ? n - i : 8) != 0;
	return differing;
}

static void result_add(struct dmatest *d, uint64_t n)
{
	pthread_mutex_lock(&d->lock);
	d->result += n;
	pthread_mutex_unlock(&d->lock);
}

static int check(struct dmatest *d, const struct command *c)
{
	for (uint32_t done = 0, n; done < c->len && !stopped(d); done += n) {
		int rc;

		n = chunk_at(c, done);
		rc = uiommu_dma_read(d->dma, c->pasid, c->src + done, d->buf, n);
		if (rc)
			return rc;
		count_add(d, n);
		result_add(d, words_differing(d->buf, n, c->pattern));
	}
	return 0;
}

static int add(struct dmatest *d, const struct command *c)
{
	uint64_t old = 0;
	int rc = uiommu_dma_atomic(
		d->dma, c->pasid, c->src, c->len, UIOMMU_DMA_FETCH_ADD, c->pattern, 0, &old);

	if (rc)
		return rc;
	count_add(d, c->len);
	result_add(d, old);
	return 0;
}

static int loop(struct dmatest *d, const struct command *c,
	int (*once)(struct dmatest *d, const struct command *c))
{
	int rc = 0;

	while (!rc && !stopped(d))
		rc = once(d, c);
	return rc;
}

static int execute(struct dmatest *d, const struct command *c)
{
	if (c->len > DMATEST_LEN_MAX || (c->cmd >= DMATEST_FILL_LOOP && !c->len))
		return -EINVAL;
	switch (c->cmd) {
	case DMATEST_COPY:
		return copy(d, c);
	case DMATEST_FILL:
		return fill(d, c);
	case DMATEST_ADD:
		return add(d, c);
	case DMATEST_FILL_LOOP:
		return loop(d, c, fill);
	case DMATEST_CHECK_LOOP:
		return loop(d, c, check);
	default:
		return -EINVAL;
	}
}

static void fault_note_locked(struct dmatest *d, int rc)
{
	struct uiommu_dma_fault fault = { 0 };

	if (rc == -EFAULT)
		uiommu_dma_last_fault(d->dma, &fault);
	d->fault_iova = fault.iova;
	d->fault_reason = (uint32_t)fault.reason;
}

static void intx_update_locked(struct dmatest *d)
{
	uiommu_pdev_intx(d->pdev, d->irq_status != 0);
}

static void finish_locked(struct dmatest *d, int rc)
{
	unsigned int vector = rc ? DMATEST_VECTOR_FAILED : DMATEST_VECTOR_DONE;

	if (!rc && stopped(d)) {
		d->status = DMATEST_IDLE;
		return;
	}
	if (rc)
		fault_note_locked(d, rc);
	d->status = rc ? DMATEST_FAILED : DMATEST_DONE;
	d->irq_status |= 1u << vector;
	intx_update_locked(d);
	uiommu_pdev_msi(d->pdev, vector);
}

static void *run(void *arg)
{
	struct dmatest *d = arg;

	pthread_mutex_lock(&d->lock);
	while (!d->quit) {
		struct command c = d->current;
		int rc;

		if (d->status != DMATEST_BUSY) {
			pthread_cond_wait(&d->wake, &d->lock);
			continue;
		}
		pthread_mutex_unlock(&d->lock);
		rc = execute(d, &c);
		pthread_mutex_lock(&d->lock);
		if (!d->quit)
			finish_locked(d, rc);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* --- The thread ------------------------------------------------------------------------------ */

static void thread_stop(struct dmatest *d)
{
	if (!d->running)
		return;
	pthread_mutex_lock(&d->lock);
	d->quit = true;
	atomic_store_explicit(&d->stop, true, memory_order_relaxed);
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	uiommu_pdev_dma_free(d->dma);
	base_free(d->buf);
	d->running = d->quit = false;
}

static int thread_start(struct dmatest *d)
{
	int rc;

	if (d->running)
		return 0;
	d->buf = base_alloc(CHUNK);
	if (!d->buf)
		return -ENOMEM;
	rc = uiommu_pdev_dma_new(d->pdev, &d->dma);
	if (rc)
		goto err_buf;
	rc = dev_thread_start(&d->thread, "uiommu-dmatest", run, d);
	if (rc)
		goto err_dma;
	d->running = true;
	return 0;
err_dma:
	uiommu_pdev_dma_free(d->dma);
err_buf:
	base_free(d->buf);
	return rc;
}

static void registers_reset(struct dmatest *d)
{
	d->regs = (struct command){ .pasid = UIOMMU_PASID_NONE };
	d->result = d->fault_iova = 0;
	d->irq_status = d->fault_reason = 0;
	d->status = DMATEST_IDLE;
	atomic_store_explicit(&d->count, 0, memory_order_relaxed);
	atomic_store_explicit(&d->stop, false, memory_order_relaxed);
}

/* --- The model ------------------------------------------------------------------------------- */

/* As stores are delivered and results appear where accesses don't trap. */
static const struct uiommu_poll_reg poll_regs[] = {
	{ DMATEST_SRC, 8 },
	{ DMATEST_DST, 8 },
	{ DMATEST_LEN, 4 },
	{ DMATEST_PASID, 4 },
	{ DMATEST_PATTERN, 8 },
	{ DMATEST_COUNT, 8 },
	{ DMATEST_RESULT, 8 },
	{ DMATEST_FAULT_IOVA, 8 },
	{ DMATEST_FAULT_REASON, 4 },
	{ DMATEST_IRQ_STATUS, 4 },
	{ DMATEST_STATUS, 4 },
	{ DMATEST_CMD, 4 },
};

static void describe(struct uiommu_pci_desc *desc)
{
	*desc = (struct uiommu_pci_desc){
		.vendor = 0x1234,
		.device = 0x0d3a,
		.subsys_vendor = 0x1234,
		.subsys_device = 0x0d3a,
		.class_code = 0xff0000, /* unassigned */
		.revision = 1,
		.intx = true,
		.msix_vectors = DMATEST_VECTORS,
		.msix_off = 0x1000,
		.pba_off = 0x2000,
		.bar = { { .size = 0x4000, .mem64 = true, .mmap = true } },
		.poll_regs = poll_regs,
		.npoll_regs = sizeof(poll_regs) / sizeof(poll_regs[0]),
	};
}

static int dmatest_create(struct uiommu_pdev *pdev, const struct uiommu_option *opt,
	unsigned int nopt, void **priv, struct uiommu_pci_desc *desc, char *err, size_t errlen)
{
	struct dmatest *d = base_zalloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->pdev = pdev;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	registers_reset(d);
	describe(desc);
	*priv = d;
	return 0;
}

static void dmatest_destroy(void *priv)
{
	struct dmatest *d = priv;

	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->lock);
	base_free(d);
}

static int dmatest_open(void *priv)
{
	return 0;
}

static void dmatest_reset(void *priv)
{
	thread_stop(priv);
	registers_reset(priv);
}

static uint64_t read_locked(const struct dmatest *d, uint64_t off)
{
	switch (off) {
	case DMATEST_SRC:
		return d->regs.src;
	case DMATEST_DST:
		return d->regs.dst;
	case DMATEST_LEN:
		return d->regs.len;
	case DMATEST_PASID:
		return d->regs.pasid;
	case DMATEST_PATTERN:
		return d->regs.pattern;
	case DMATEST_IRQ_STATUS:
		return d->irq_status;
	case DMATEST_COUNT:
		return atomic_load_explicit(&d->count, memory_order_relaxed);
	case DMATEST_RESULT:
		return d->result;
	case DMATEST_FAULT_IOVA:
		return d->fault_iova;
	case DMATEST_FAULT_REASON:
		return d->fault_reason;
	case DMATEST_STATUS:
		return d->status;
	default:
		return 0;
	}
}

/* What of the register at @off an access of @size reaches; 64-bit registers may be accessed by
 * halves. */
static bool is_wide(uint64_t off)
{
	static const uint8_t wide[] = { DMATEST_SRC, DMATEST_DST, DMATEST_PATTERN, DMATEST_COUNT,
		DMATEST_RESULT, DMATEST_FAULT_IOVA };

	return off < DMATEST_END && memchr(wide, (int)(off & ~7u), sizeof(wide));
}

static uint64_t dmatest_read(void *priv, unsigned int bar, uint64_t off, unsigned int size)
{
	struct dmatest *d = priv;
	uint64_t val, half = is_wide(off) ? off & 4 : 0;

	if (size < 4)
		return 0;
	pthread_mutex_lock(&d->lock);
	val = read_locked(d, off - half);
	if (size == 8 && !is_wide(off))
		val |= read_locked(d, off + 4) << 32;
	pthread_mutex_unlock(&d->lock);
	val >>= half * 8;
	return size == 4 ? val & UINT32_MAX : val;
}

/* Return: false if it fails at once. */
static bool start_locked(struct dmatest *d)
{
	atomic_store_explicit(&d->stop, false, memory_order_relaxed);
	atomic_store_explicit(&d->count, 0, memory_order_relaxed);
	d->result = 0;
	if (thread_start(d))
		return false;
	d->status = DMATEST_BUSY;
	pthread_cond_signal(&d->wake);
	return true;
}

static void command_locked(struct dmatest *d, uint32_t cmd)
{
	if (cmd == DMATEST_STOP) {
		atomic_store_explicit(&d->stop, true, memory_order_relaxed);
		return;
	}
	if (d->status == DMATEST_BUSY || !cmd)
		return;
	d->current = d->regs;
	d->current.cmd = cmd;
	if (!start_locked(d))
		finish_locked(d, -ENOMEM);
}

static void write_locked(struct dmatest *d, uint64_t off, uint64_t val)
{
	switch (off) {
	case DMATEST_SRC:
		d->regs.src = val;
		break;
	case DMATEST_DST:
		d->regs.dst = val;
		break;
	case DMATEST_LEN:
		d->regs.len = (uint32_t)val;
		break;
	case DMATEST_PASID:
		d->regs.pasid = (uint32_t)val;
		break;
	case DMATEST_PATTERN:
		d->regs.pattern = val;
		break;
	case DMATEST_IRQ_STATUS:
		d->irq_status &= ~(uint32_t)val;
		intx_update_locked(d);
		break;
	case DMATEST_CMD:
		command_locked(d, (uint32_t)val);
		break;
	}
}

static void write_wide_locked(struct dmatest *d, uint64_t off, unsigned int size, uint64_t val)
{
	uint64_t at = off & ~7ull, was = read_locked(d, at);

	if (size == 4 && off & 4)
		val = (was & UINT32_MAX) | val << 32;
	else if (size == 4)
		val |= was & ~(uint64_t)UINT32_MAX;
	write_locked(d, at, val);
}

static void dmatest_write(
	void *priv, unsigned int bar, uint64_t off, unsigned int size, uint64_t val)
{
	struct dmatest *d = priv;

	if (size < 4)
		return;
	pthread_mutex_lock(&d->lock);
	if (is_wide(off)) {
		write_wide_locked(d, off, size, val);
	} else {
		write_locked(d, off, val & UINT32_MAX);
		if (size == 8)
			write_locked(d, off + 4, val >> 32);
	}
	pthread_mutex_unlock(&d->lock);
}

const struct uiommu_model dmatest_model = {
	.name = "dmatest",
	.summary = "DMA engine for tests: copies, fills, adds, loops, wherever it is told to",
	.options = (const struct uiommu_option_desc[]){ { .key = NULL } },
	.create = dmatest_create,
	.destroy = dmatest_destroy,
	.open = dmatest_open,
	.close = dmatest_reset,
	.reset = dmatest_reset,
	.read = dmatest_read,
	.write = dmatest_write,
};
