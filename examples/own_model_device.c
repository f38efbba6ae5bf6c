/* SPDX-License-Identifier: MIT */
/*
 * A device model of one's own: a PCI function that sums up the bytes of a buffer in client memory.
 * own_model.c puts it into a system and uses it.
 *
 * Registers in BAR 0: ADDR (64 bits), LEN, GO (a write starts), SUM (64 bits). A thread of the
 * model does the DMA; MSI-X vector 0 tells that SUM is there; all ones if the buffer couldn't be
 * read.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <uiommu/device.h>

static const uint64_t ADDR = 0x00, LEN = 0x08, GO = 0x0c, SUM = 0x10;

struct summer {
	struct uiommu_pdev *pdev;
	struct uiommu_dma *dma; /* the thread's channel */
	pthread_t thread;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t wake;
	int running, quit, go;
	uint32_t len;
	uint64_t addr, sum;
};

static uint64_t sum_up(struct summer *s, uint64_t addr, uint32_t len)
{
	uint8_t buf[512];
	uint64_t sum = 0;

	for (uint32_t n; len; addr += n, len -= n) {
		n = len < sizeof(buf) ? len : (uint32_t)sizeof(buf);
		if (uiommu_dma_read(s->dma, UIOMMU_PASID_NONE, addr, buf, n))
			return UINT64_MAX;
		for (uint32_t i = 0; i < n; i++)
			sum += buf[i];
	}
	return sum;
}

static void *work(void *arg)
{
	struct summer *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->quit) {
		uint64_t addr, sum;
		uint32_t len;

		if (!s->go) {
			pthread_cond_wait(&s->wake, &s->lock);
			continue;
		}
		s->go = 0;
		addr = s->addr;
		len = s->len & 0xfffff; /* a command is short: whoever stops us waits for it */
		pthread_mutex_unlock(&s->lock); /* DMA is done without the registers' lock */
		sum = sum_up(s, addr, len);
		pthread_mutex_lock(&s->lock);
		s->sum = sum;
		uiommu_pdev_msi(s->pdev, 0);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* close() and reset(): no DMA after it has returned. */
static void stop(void *priv)
{
	struct summer *s = priv;

	if (!s->running)
		return;
	pthread_mutex_lock(&s->lock);
	s->quit = 1;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	uiommu_pdev_dma_free(s->dma);
	s->running = s->quit = s->go = 0;
	s->addr = s->sum = s->len = 0;
}

static uint64_t reg_read(void *priv, unsigned int bar, uint64_t off, unsigned int size)
{
	struct summer *s = priv;
	uint64_t val;

	pthread_mutex_lock(&s->lock);
	val = off == SUM ? s->sum : 0; /* the others are write-only */
	pthread_mutex_unlock(&s->lock);
	return val;
}

static void reg_write(void *priv, unsigned int bar, uint64_t off, unsigned int size, uint64_t val)
{
	struct summer *s = priv;

	/* The thread comes with the first use: clients may fork before that. */
	if (!s->running && !uiommu_pdev_dma_new(s->pdev, &s->dma)) {
		s->running = !pthread_create(&s->thread, NULL, work, s);
		if (!s->running)
			uiommu_pdev_dma_free(s->dma);
	}
	pthread_mutex_lock(&s->lock);
	if (off == ADDR)
		s->addr = val;
	else if (off == LEN)
		s->len = (uint32_t)val;
	else if (off == GO)
		s->go = 1;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

static int create(struct uiommu_pdev *pdev, const struct uiommu_option *opt, unsigned int nopt,
	void **priv, struct uiommu_pci_desc *desc, char *err, size_t errlen)
{
	struct summer *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->pdev = pdev;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	*desc = (struct uiommu_pci_desc){
		.vendor = 0x1234,
		.device = 0x5000,
		.msix_vectors = 1,
		.msix_off = 0x1000,
		.pba_off = 0x2000,
		.bar = { { .size = 0x4000 } },
	};
	*priv = s;
	return 0;
}

const struct uiommu_model summer_model = {
	.name = "summer",
	.summary = "sums up bytes",
	.create = create,
	.destroy = free,
	.close = stop,
	.reset = stop,
	.read = reg_read,
	.write = reg_write,
};
