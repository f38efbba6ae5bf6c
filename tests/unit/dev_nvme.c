/* SPDX-License-Identifier: MIT */
/* Registers, enabling, resets, shutdown, interrupts of the NVMe controller. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dev/nvme/aio.h"
#include "dev_nvme_host.h"

struct fixture {
	struct host h;
	char path[64];
};

static struct fixture fx;

static void begin_with(const char *more)
{
	char options[160];

	host_file(fx.path, 1 << 20);
	snprintf(options, sizeof(options), "drive=%s,queues=8%s", fx.path, more);
	assert_int_equal(host_new(&fx.h, options), 0);
	assert_int_equal(host_open(&fx.h), 0);
}

static void end(void)
{
	host_close(&fx.h);
	host_free(&fx.h);
	unlink(fx.path);
}

static int setup(void **state)
{
	begin_with("");
	return 0;
}

static int teardown(void **state)
{
	aio_inject(NULL, NULL);
	end();
	return 0;
}

static void test_capabilities(void **state)
{
	uint64_t cap = host_read(&fx.h, NVME_REG_CAP, 8);

	assert_int_equal(cap & 0xffff, 4095);
	assert_int_equal(cap >> 32 & 15, 0); /* DSTRD */
	assert_int_equal(cap >> 37 & 1, 1);  /* NVM command set */
	assert_int_equal(cap >> 48 & 15, 0); /* MPSMIN */
	assert_true((cap >> 24 & 0xff) > 0); /* TO */
	assert_int_equal(host_read(&fx.h, NVME_REG_CAP, 4), (uint32_t)cap);
	assert_int_equal(host_read(&fx.h, NVME_REG_CAP + 4, 4), cap >> 32);
	assert_int_equal(host_read(&fx.h, NVME_REG_CAP, 2), 4095);
	assert_int_equal(host_read(&fx.h, NVME_REG_CAP + 1, 1), 4095 >> 8);
	assert_int_equal(host_read(&fx.h, NVME_REG_VS, 4), 0x10400);
	assert_int_equal(host_read(&fx.h, NVME_REG_CMBLOC, 8), 0);
	assert_int_equal(host_read(&fx.h, NVME_DOORBELLS, 4), 0);
	assert_int_equal(host_read(&fx.h, NVME_REG_CSTS, 4), 0);
}

static void test_register_halves(void **state)
{
	struct host *h = &fx.h;

	host_write(h, NVME_REG_ASQ, 8, 0x123456789abcdfff);
	assert_int_equal(host_read(h, NVME_REG_ASQ, 8), 0x123456789abcd000);
	host_write(h, NVME_REG_ASQ + 4, 4, 0x77);
	assert_int_equal(host_read(h, NVME_REG_ASQ, 8), 0x779abcd000);
	host_write(h, NVME_REG_ACQ, 4, 0x5000);
	assert_int_equal(host_read(h, NVME_REG_ACQ, 8), 0x5000);
	host_write(h, NVME_REG_AQA, 4, UINT32_MAX);
	assert_int_equal(host_read(h, NVME_REG_AQA, 4), 0x0fff0fff);
	host_write(h, NVME_REG_AQA, 1, 0);
	assert_int_equal(host_read(h, NVME_REG_AQA, 4), 0x0fff0fff);
	host_write(h, NVME_REG_INTMS, 4, 5);
	host_write(h, NVME_REG_INTMC, 4, 1);
	assert_int_equal(host_read(h, NVME_REG_INTMS, 4), 4);
	assert_int_equal(host_read(h, NVME_REG_INTMC, 4), 4);
	host_write(h, NVME_REG_VS, 4, 7);
	assert_int_equal(host_read(h, NVME_REG_VS, 4), 0x10400);
}

static void test_enable_latches(void **state)
{
	struct host *h = &fx.h;
	uint64_t asq;

	assert_true(host_enable(h, 16));
	asq = host_read(h, NVME_REG_ASQ, 8);
	host_write(h, NVME_REG_ASQ, 8, 0);
	host_write(h, NVME_REG_AQA, 4, 0);
	assert_int_equal(host_read(h, NVME_REG_ASQ, 8), asq);
	assert_int_equal(host_read(h, NVME_REG_AQA, 4), 15 << 16 | 15);
	assert_true(host_disable(h));
	assert_int_equal(host_read(h, NVME_REG_ASQ, 8), asq);
	host_write(h, NVME_REG_CC, 4, HOST_CC | NVME_CC_EN);
	assert_true(host_csts(h, NVME_CSTS_RDY, NVME_CSTS_RDY));
}

static void expect_refused(uint32_t aqa, uint64_t asq, uint64_t acq, uint32_t cc)
{
	struct host *h = &fx.h;

	host_write(h, NVME_REG_AQA, 4, aqa);
	host_write(h, NVME_REG_ASQ, 8, asq);
	host_write(h, NVME_REG_ACQ, 8, acq);
	host_write(h, NVME_REG_CC, 4, cc | NVME_CC_EN);
	assert_true(host_csts(h, NVME_CSTS_CFS | NVME_CSTS_RDY, NVME_CSTS_CFS));
	host_write(h, NVME_REG_CC, 4, 0);
	assert_true(host_csts(h, NVME_CSTS_CFS, 0));
}

static void test_enable_refuses(void **state)
{
	uint64_t page = host_pages(&fx.h, 1);
	uint32_t aqa = 15 << 16 | 15;

	expect_refused(0, page, page, HOST_CC);
	expect_refused(15, page, page, HOST_CC);
	expect_refused(15 << 16, page, page, HOST_CC);
	expect_refused(aqa, page, page, HOST_CC | 5 << 7);  /* MPS 128 KiB */
	expect_refused(aqa, page, page, HOST_CC | 1 << 7);  /* bases not aligned to it */
	expect_refused(aqa, page, page, HOST_CC | 1 << 4);  /* CSS */
	expect_refused(aqa, page, page, HOST_CC | 1 << 11); /* AMS */
	assert_true(host_enable(&fx.h, 16));
}

static void test_fetch_from_nowhere(void **state)
{
	struct host *h = &fx.h;

	assert_true(host_enable(h, 16));
	host_perm(h, h->admin.sq, 1, 0);
	host_ring(h, 0, 1);
	assert_true(host_csts(h, NVME_CSTS_CFS, NVME_CSTS_CFS));
	assert_true(host_disable(h));
	assert_int_equal(host_read(h, NVME_REG_CSTS, 4), 0);
	assert_true(host_enable(h, 16));
}

static void test_post_to_nowhere(void **state)
{
	struct host *h = &fx.h;
	struct nvme_sqe sqe = { .opcode = 0xff };

	assert_true(host_enable(h, 16));
	host_perm(h, h->admin.cq, 1, HOST_READ);
	host_submit(h, &h->admin, &sqe);
	assert_true(host_csts(h, NVME_CSTS_CFS, NVME_CSTS_CFS));
}

static void expect_shutdown(uint32_t shn)
{
	struct host *h = &fx.h;
	struct nvme_sqe sqe = { .opcode = 0xff };
	struct nvme_cqe cqe;

	assert_true(host_enable(h, 16));
	host_write(h, NVME_REG_CC, 4, HOST_CC | NVME_CC_EN | shn << 14);
	assert_true(host_csts(h, NVME_CSTS_SHST, NVME_CSTS_SHST_DONE));
	assert_true(host_csts(h, NVME_CSTS_RDY, NVME_CSTS_RDY));
	host_submit(h, &h->admin, &sqe);
	usleep(2000);
	assert_false(host_poll(h, &h->admin, &cqe));
	assert_true(host_disable(h));
	assert_int_equal(host_read(h, NVME_REG_CSTS, 4), 0);
}

static void test_shutdown(void **state)
{
	expect_shutdown(1);
	expect_shutdown(2);
}

static void test_shutdown_disabled(void **state)
{
	struct host *h = &fx.h;

	host_write(h, NVME_REG_CC, 4, HOST_CC | 1 << 14);
	assert_true(host_csts(h, NVME_CSTS_SHST, NVME_CSTS_SHST_DONE));
	host_write(h, NVME_REG_CC, 4, HOST_CC);
	assert_true(host_enable(h, 16));
}

struct slow {
	atomic_int syncs;
};

static int count_syncs(void *ctx, const struct aio_req *req)
{
	struct slow *slow = ctx;

	if (req->op == AIO_SYNC)
		atomic_fetch_add(&slow->syncs, 1);
	return 0;
}

static void test_shutdown_syncs(void **state)
{
	struct slow slow = { 0 };

	aio_inject(count_syncs, &slow);
	expect_shutdown(1);
	assert_int_equal(atomic_load(&slow.syncs), 1);
	expect_shutdown(2);
	assert_int_equal(atomic_load(&slow.syncs), 1);
}

/* Many commands are in flight; after the reset has returned there must be no DMA. */
static void reset_in_flight(void (*reset)(struct host *h))
{
	struct host *h = &fx.h;
	struct host_queue q;
	uint64_t buf = host_pages(h, 32);
	uint64_t list = host_pages(h, 1);

	assert_true(host_disable(h));
	assert_true(host_enable(h, 16));
	assert_int_equal(host_create_pair(h, &q, 1, 64, 1, false), 0);
	for (unsigned int i = 0; i < 31; i++)
		((uint64_t *)(h->pdev->mem + list))[i] = htole64(buf + (i + 1) * HOST_PAGE);
	for (unsigned int i = 0; i < 60; i++) {
		struct nvme_sqe sqe =
			host_rw(i & 1 ? NVME_CMD_READ : NVME_CMD_WRITE, 1, 0, 256, buf, list);

		host_place(h, &q, &sqe);
	}
	host_ring(h, 2, q.tail);
	for (unsigned int i = 0; i < 3; i++)
		sched_yield();
	reset(h);
	atomic_store(&h->pdev->forbid_dma, true);
	usleep(5000);
	assert_int_equal(atomic_load(&h->pdev->forbidden), 0);
	atomic_store(&h->pdev->forbid_dma, false);
	assert_true(host_enable(h, 16));
	assert_int_equal(host_identify(h, NVME_CNS_CONTROLLER, 0, buf), 0);
}

static void reset_flr(struct host *h)
{
	nvme_model.reset(h->pdev->priv);
	assert_int_equal(host_read(h, NVME_REG_CC, 4), 0);
	assert_int_equal(host_read(h, NVME_REG_CSTS, 4), 0);
	assert_int_equal(host_read(h, NVME_REG_ASQ, 8), 0);
	assert_int_equal(host_read(h, NVME_REG_AQA, 4), 0);
}

static void reset_disable(struct host *h)
{
	assert_true(host_disable(h));
}

static void reset_close(struct host *h)
{
	host_close(h);
	usleep(1000);
	assert_int_equal(host_open(h), 0);
}

static void test_reset_in_flight(void **state)
{
	for (unsigned int i = 0; i < 5; i++) {
		fx.h.brk = HOST_PAGE;
		reset_in_flight(reset_flr);
		fx.h.brk = HOST_PAGE;
		reset_in_flight(reset_disable);
		fx.h.brk = HOST_PAGE;
		reset_in_flight(reset_close);
		assert_true(host_disable(&fx.h));
	}
}

/* Clearing and setting CC.EN at once still is a reset. */
static void test_quick_toggle(void **state)
{
	struct host *h = &fx.h;
	struct nvme_sqe sqe = { .opcode = NVME_ADM_ASYNC_EVENT };
	struct nvme_cqe cqe;

	assert_true(host_enable(h, 16));
	host_submit(h, &h->admin, &sqe);
	for (unsigned int i = 0; i < 50; i++) {
		host_write(h, NVME_REG_CC, 4, HOST_CC);
		host_write(h, NVME_REG_CC, 4, HOST_CC | NVME_CC_EN);
	}
	nvme_model.reset(h->pdev->priv);
	assert_true(host_enable(h, 16));
	assert_int_equal(host_cmd_result(h, &h->admin, &(struct nvme_sqe){ .opcode = 0xff }, &cqe),
		NVME_SC_INVALID_OPCODE);
}

static void test_msix(void **state)
{
	struct host *h = &fx.h;
	struct host_queue q;
	uint64_t buf = host_pages(h, 1);
	struct nvme_sqe sqe = host_rw(NVME_CMD_READ, 1, 0, 1, buf, 0);

	atomic_store(&h->pdev->irq_mode, UIOMMU_IRQ_MSIX);
	atomic_store(&h->pdev->nvec, 9);
	assert_true(host_enable(h, 16));
	assert_int_equal(host_create_pair(h, &q, 1, 16, 3, true), 0);
	assert_int_equal(atomic_load(&h->pdev->msi[0]), 2);
	assert_int_equal(host_cmd(h, &q, &sqe), 0);
	assert_int_equal(host_cmd(h, &q, &sqe), 0);
	host_disable(h);
	assert_int_equal(atomic_load(&h->pdev->msi[3]), 2);
	assert_int_equal(atomic_load(&h->pdev->msi[0]), 2);
}

static void test_no_interrupts(void **state)
{
	struct host *h = &fx.h;
	struct host_queue q;
	uint64_t buf = host_pages(h, 1);
	struct nvme_sqe sqe = host_rw(NVME_CMD_READ, 1, 0, 1, buf, 0);

	atomic_store(&h->pdev->irq_mode, UIOMMU_IRQ_MSIX);
	atomic_store(&h->pdev->nvec, 9);
	assert_true(host_enable(h, 16));
	assert_int_equal(host_create_pair(h, &q, 1, 16, 3, false), 0);
	assert_int_equal(host_cmd(h, &q, &sqe), 0);
	host_disable(h);
	assert_int_equal(atomic_load(&h->pdev->msi[3]), 0);
}

static void test_msi_masked(void **state)
{
	struct host *h = &fx.h;
	struct host_queue q;
	struct nvme_cqe cqe;
	struct nvme_sqe sqe = host_rw(NVME_CMD_READ, 1, 0, 1, host_pages(h, 1), 0);

	atomic_store(&h->pdev->irq_mode, UIOMMU_IRQ_MSI);
	atomic_store(&h->pdev->nvec, 4);
	assert_true(host_enable(h, 16));
	assert_int_equal(host_create_pair(h, &q, 1, 16, 3, true), 0);
	q.id = 2;
	assert_int_equal(host_create_cq(h, &q, 4, true), NVME_SC_VECTOR);
	q.id = 1;
	host_write(h, NVME_REG_INTMS, 4, 8);
	host_submit(h, &q, &sqe);
	assert_true(host_wait_noack(h, &q, &cqe));
	usleep(1000);
	assert_int_equal(atomic_load(&h->pdev->msi[3]), 0);
	host_write(h, NVME_REG_INTMC, 4, 8);
	assert_int_equal(atomic_load(&h->pdev->msi[3]), 1);
	/* Taken before it is unmasked: nothing to say. */
	host_write(h, NVME_REG_INTMS, 4, 8);
	host_submit(h, &q, &sqe);
	assert_true(host_wait(h, &q, &cqe));
	usleep(1000);
	host_write(h, NVME_REG_INTMC, 4, 8);
	assert_int_equal(atomic_load(&h->pdev->msi[3]), 1);
}

static bool pin_becomes(bool level)
{
	for (unsigned int i = 0; i < 5000 && atomic_load(&fx.h.pdev->pin) != level; i++)
		usleep(200);
	return atomic_load(&fx.h.pdev->pin) == level;
}

static void test_intx(void **state)
{
	struct host *h = &fx.h;
	struct host_queue q;
	struct nvme_cqe cqe;
	struct nvme_sqe sqe = host_rw(NVME_CMD_READ, 1, 0, 1, host_pages(h, 1), 0);

	atomic_store(&h->pdev->irq_mode, UIOMMU_IRQ_INTX);
	assert_true(host_enable(h, 16));
	assert_int_equal(host_create_pair(h, &q, 1, 16, 1, true), NVME_SC_VECTOR);
	assert_int_equal(host_create_pair(h, &q, 1, 16, 0, true), 0);
	host_submit(h, &q, &sqe);
	assert_true(host_wait_noack(h, &q, &cqe));
	assert_true(pin_becomes(true));
	host_write(h, NVME_REG_INTMS, 4, 1);
	assert_false(atomic_load(&h->pdev->pin));
	host_write(h, NVME_REG_INTMC, 4, 1);
	assert_true(atomic_load(&h->pdev->pin));
	/* The store to the doorbell lowers it, not some later moment. */
	host_ring(h, 3, q.head);
	assert_false(atomic_load(&h->pdev->pin));
	host_submit(h, &q, &sqe);
	assert_true(host_wait_noack(h, &q, &cqe));
	assert_true(pin_becomes(true));
	assert_true(host_disable(h));
	assert_false(atomic_load(&h->pdev->pin));
	assert_int_equal(h->pdev->exposures, 0);
}

static bool is_exposed(struct host *h)
{
	bool exposed;

	pthread_mutex_lock(&h->pdev->lock);
	exposed = h->pdev->exposed;
	pthread_mutex_unlock(&h->pdev->lock);
	return exposed;
}

/* A burst exposes the doorbells; idleness takes them back. */
static void test_exposure(void **state)
{
	struct host *h = &fx.h;
	struct host_queue q;
	struct nvme_sqe sqe = host_rw(NVME_CMD_READ, 1, 0, 1, host_pages(h, 1), 0);
	bool exposed = true;

	assert_true(host_enable(h, 16));
	assert_int_equal(host_create_pair(h, &q, 1, 16, 0, false), 0);
	for (unsigned int n = 0; n < 100000 && !h->pdev->exposures; n++)
		assert_int_equal(host_cmd(h, &q, &sqe), 0);
	for (unsigned int i = 0; i < 1000 && exposed; i++) {
		usleep(1000);
		exposed = is_exposed(h);
	}
	assert_false(exposed);
	assert_int_equal(host_cmd(h, &q, &sqe), 0);
}

/* After a burst the very store that wakes the thread opens the doorbells for those that follow. */
static void test_exposure_by_client(void **state)
{
	struct host *h = &fx.h;
	struct host_queue q;
	struct nvme_sqe sqe = host_rw(NVME_CMD_READ, 1, 0, 1, host_pages(h, 1), 0);
	struct nvme_cqe cqe;
	bool opened = false;

	assert_true(host_enable(h, 16));
	assert_int_equal(host_create_pair(h, &q, 1, 16, 0, false), 0);
	for (unsigned int n = 0; n < 1000 && !opened; n++) {
		for (unsigned int i = 0; i < 8; i++)
			host_place(h, &q, &sqe);
		host_ring(h, 2, q.tail);
		for (unsigned int i = 0; i < 8; i++)
			assert_true(host_wait(h, &q, &cqe));
		while (is_exposed(h))
			usleep(100);
		usleep(1000);
		host_place(h, &q, &sqe);
		host_ring(h, 2, q.tail);
		opened = is_exposed(h);
		assert_true(host_wait(h, &q, &cqe));
	}
	assert_true(opened);
}

static void test_description(void **state)
{
	const struct uiommu_pci_desc *d = &fx.h.pdev->desc;

	assert_int_equal(d->class_code, 0x010802);
	assert_int_equal(d->msix_vectors, 9);
	assert_int_equal(d->msi_vectors, 32);
	assert_true(d->intx);
	assert_int_equal(d->bar[0].size, 0x4000);
	assert_int_equal(d->bar[0].db_off, 0x1000);
}

static void test_threads(void **state)
{
	struct host *h = &fx.h;
	struct nvme_sqe sqe;
	struct host_queue q;

	end();
	begin_with(",aio=threads");
	assert_true(host_enable(h, 16));
	assert_int_equal(host_create_pair(h, &q, 1, 16, 0, false), 0);
	sqe = host_rw(NVME_CMD_READ, 1, 1, 1, host_pages(h, 1), 0);
	assert_int_equal(host_cmd(h, &q, &sqe), 0);
	assert_int_equal(h->pdev->mem[h->brk - HOST_PAGE], host_pattern(512));
	for (unsigned int i = 0; i < 5; i++) {
		h->brk = HOST_PAGE;
		host_disable(h);
		reset_in_flight(reset_flr);
		nvme_model.reset(h->pdev->priv);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_capabilities),
		TEST(test_register_halves),
		TEST(test_description),
		TEST(test_enable_latches),
		TEST(test_enable_refuses),
		TEST(test_fetch_from_nowhere),
		TEST(test_post_to_nowhere),
		TEST(test_shutdown),
		TEST(test_shutdown_disabled),
		TEST(test_shutdown_syncs),
		TEST(test_reset_in_flight),
		TEST(test_quick_toggle),
		TEST(test_msix),
		TEST(test_no_interrupts),
		TEST(test_msi_masked),
		TEST(test_intx),
		TEST(test_exposure),
		TEST(test_exposure_by_client),
		TEST(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
