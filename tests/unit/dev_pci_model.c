/* SPDX-License-Identifier: MIT */
#include "dev_pci_model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/requester.h"
#include "dma/chan.h"

struct uiommu_pci_desc counter_desc;
struct counter counter;
static struct requester requester;

static const struct uiommu_poll_reg poll_regs[] = { { R_SEEN, 4 }, { R_COUNT, 4 }, { R_PARAM, 8 },
	{ R_ADD, 4 } };

static const struct uiommu_pci_desc defaults = {
	.vendor = 0x1234,
	.device = 0x5678,
	.subsys_vendor = 0x9abc,
	.subsys_device = 0xdef0,
	.class_code = 0x010802,
	.revision = 3,
	.intx = true,
	.msi_vectors = 8,
	.msix_vectors = VECTORS,
	.msix_bar = 0,
	.msix_off = TABLE,
	.pba_off = PBA,
	.bar = {
		{ .size = BAR0_LEN, .mem64 = true, .mmap = true, .db_off = WINDOW, .db_len = 4096 },
		{ 0 },
		{ .size = BAR2_LEN, .prefetch = true },
		{ .size = BAR3_LEN, .mem64 = true, .db_off = 0x1000, .db_len = 0x1000 },
	},
	.poll_regs = poll_regs,
	.npoll_regs = 4,
};

/* In place of the IOMMU's: these tests have none. */
__attribute__((weak)) void requester_set_bus_master(struct requester *req, bool on)
{
	counter.bus_master = on;
	counter.masterings++;
}

__attribute__((weak)) int dma_chan_new(struct requester *req, struct uiommu_dma **out)
{
	assert_ptr_equal(req, &requester);
	*out = (struct uiommu_dma *)&counter;
	return 0;
}

__attribute__((weak)) void dma_chan_free(struct uiommu_dma *dma)
{
	assert_true(!dma || (void *)dma == &counter);
}

static int create(struct uiommu_pdev *pdev, const struct uiommu_option *opt, unsigned int nopt,
	void **priv, struct uiommu_pci_desc *desc, char *err, size_t errlen)
{
	if (nopt) {
		snprintf(err, errlen, "refuses %s", opt[0].key);
		return -EINVAL;
	}
	assert_string_equal(uiommu_pdev_name(pdev), "0000:01:00.0");
	*desc = counter_desc;
	*priv = &counter;
	counter.pdev = pdev;
	counter.created++;
	return 0;
}

static void destroy(void *priv)
{
	counter.created--;
}

static int model_open(void *priv)
{
	if (counter.busy)
		return -EBUSY;
	counter.opens++;
	return 0;
}

static void forget(struct counter *c)
{
	c->count = c->seen = 0;
	c->param = 0;
	memset(c->mem, 0, sizeof(c->mem));
}

static void model_close(void *priv)
{
	counter.closes++;
	forget(priv);
}

static void reset(void *priv)
{
	struct counter *c = priv;

	c->resets++;
	if (c->on_reset)
		c->on_reset(c);
	forget(c);
}

static uint64_t reg_read(void *priv, unsigned int bar, uint64_t off, unsigned int size)
{
	struct counter *c = priv;
	uint64_t val = 0;

	c->last_size = size;
	assert_true(size == 1 || size == 2 || size == 4 || size == 8);
	assert_true(off % size == 0);
	if (bar == 2) {
		assert_true(off + size <= BAR2_LEN);
		memcpy(&val, c->mem + off, size);
		return val;
	}
	assert_true(bar == 0 ? off < WINDOW : bar == 3 && off < 0x1000);
	if (bar != 0 || off >= R_END)
		return 0;
	if (off == R_COUNT)
		return c->count;
	if (off == R_SEEN)
		return c->seen;
	if (off == R_ID)
		return 0x1d;
	return off == R_PARAM ? c->param : 0;
}

static void reg_write(void *priv, unsigned int bar, uint64_t off, unsigned int size, uint64_t val)
{
	struct counter *c = priv;

	c->last_size = size;
	assert_true(off % size == 0);
	assert_true(size == 8 || val >> 8 * size == 0);
	if (bar == 2) {
		assert_true(off + size <= BAR2_LEN);
		memcpy(c->mem + off, &val, size);
	}
	if (bar != 0)
		return;
	assert_true(off < WINDOW);
	if (off == R_PARAM)
		c->param = val;
	if (off == R_ADD) {
		c->count += (uint32_t)val;
		c->seen = (uint32_t)c->param;
	}
}

static void doorbell(void *priv, unsigned int bar, uint64_t off, uint32_t val)
{
	struct counter *c = priv;

	atomic_store(&c->last_ring, val);
	atomic_store(&c->last_bar, bar);
	atomic_store(&c->last_off, (uint32_t)off);
	atomic_fetch_add(&c->rings, 1);
}

static void config_changed(void *priv)
{
	counter.changes++;
}

const struct uiommu_model counter_model = {
	.name = "counter",
	.summary = "counts",
	.create = create,
	.destroy = destroy,
	.open = model_open,
	.close = model_close,
	.reset = reset,
	.read = reg_read,
	.write = reg_write,
	.doorbell = doorbell,
	.config_changed = config_changed,
};

struct uiommu_pdev *counter_new(enum pdev_bar_mode mode)
{
	struct pdev_cfg cfg = {
		.bdf = "0000:01:00.0",
		.bar_mode = mode,
		.requester = &requester,
	};
	struct uiommu_pdev *pdev = NULL;
	char err[128];

	return pdev_new(&counter_model, &cfg, &pdev, err, sizeof(err)) ? NULL : pdev;
}

static int setup(void **state, enum pdev_bar_mode mode)
{
	struct uiommu_pdev *pdev;

	memset(&counter, 0, sizeof(counter));
	counter_desc = defaults;
	pdev = counter_new(mode);
	if (!pdev || pdev_open(pdev))
		return -1;
	*state = pdev;
	return 0;
}

int counter_setup(void **state)
{
	return setup(state, PDEV_BAR_AUTO);
}

int counter_setup_poll(void **state)
{
	return setup(state, PDEV_BAR_POLL);
}

int counter_teardown(void **state)
{
	pdev_close(*state);
	pdev_free(*state);
	return counter.created ? -1 : 0;
}

uint32_t cfg_read(struct uiommu_pdev *pdev, unsigned int off, unsigned int size)
{
	uint32_t val = 0;

	assert_int_equal(pdev_config_read(pdev, off, &val, size), size);
	return val;
}

void cfg_write(struct uiommu_pdev *pdev, unsigned int off, unsigned int size, uint32_t val)
{
	assert_int_equal(pdev_config_write(pdev, off, &val, size), size);
}

unsigned int cfg_cap(struct uiommu_pdev *pdev, unsigned int id)
{
	unsigned int at = cfg_read(pdev, PCI_CAP_PTR, 1);

	for (unsigned int n = 0; at; n++) {
		assert_true(n < 48 && at >= PCI_CAP_FIRST && at % 4 == 0);
		if (cfg_read(pdev, at, 1) == id)
			return at;
		at = cfg_read(pdev, at + PCI_CAP_NEXT, 1);
	}
	return 0;
}

uint32_t bar_read32(struct uiommu_pdev *pdev, unsigned int bar, uint64_t off)
{
	uint32_t val = 0;

	assert_int_equal(pdev_bar_read(pdev, bar, off, &val, 4), 4);
	return val;
}

void bar_write32(struct uiommu_pdev *pdev, unsigned int bar, uint64_t off, uint32_t val)
{
	assert_int_equal(pdev_bar_write(pdev, bar, off, &val, 4), 4);
}

int event_new(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

uint64_t event_take(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}
