/* SPDX-License-Identifier: MIT */
/* The controller as a device model: its PCI function, and its life from create to destroy. */
#include "dev/nvme/nvme.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "dev/nvme/ctrl.h"
#include "dev/nvme/identity.h"

#define CLASS_NVME 0x010802u
#define BAR_SIZE   0x4000u
#define BAR_MSIX   0x2000u
#define BAR_PBA	   0x3000u

static void describe(const struct ctrl *c, struct uiommu_pci_desc *desc)
{
	*desc = (struct uiommu_pci_desc){
		.vendor = IDENTITY_VENDOR,
		.device = IDENTITY_DEVICE,
		.subsys_vendor = IDENTITY_VENDOR,
		.subsys_device = IDENTITY_DEVICE,
		.class_code = CLASS_NVME,
		.revision = 1,
		.intx = true,
		.msi_vectors = c->opt.msi ? MSI_VECTORS : 0,
		.msix_vectors = (uint16_t)(c->opt.msix ? c->opt.queues + 1 : 0),
		.msix_bar = 0,
		.msix_off = BAR_MSIX,
		.pba_off = BAR_PBA,
		.bar[0] = {
			.size = BAR_SIZE,
			.mem64 = true,
			.mmap = true,
			.db_off = NVME_DOORBELLS,
			.db_len = DOORBELLS_SIZE,
		},
		.poll_regs = regs_polled,
		.npoll_regs = regs_npolled,
	};
}

static int check_drives(struct ctrl *c, char *err, size_t errlen)
{
	for (unsigned int i = 0; i < NS_MAX; i++) {
		struct namespace *ns = &c->ns[i];
		int rc;

		ns->drive = (struct drive){ .fd = -1, .lock_fd = -1 };
		if (!c->opt.ns[i].path)
			continue;
		rc = drive_check(c->opt.ns[i].path, c->opt.readonly, UINT32_C(1) << c->opt.lba_lg2,
			&ns->drive, err, errlen);
		if (rc)
			return rc;
		ns->live = true;
		ns->blocks = ns->drive.size >> c->opt.lba_lg2;
		c->nn = i + 1;
	}
	return 0;
}

static int nvme_create(struct uiommu_pdev *pdev, const struct uiommu_option *opt, unsigned int nopt,
	void **priv, struct uiommu_pci_desc *desc, char *err, size_t errlen)
{
	struct ctrl *c = base_zalloc(sizeof(*c));
	int rc;

	if (!c) {
		snprintf(err, errlen, "out of memory");
		return -ENOMEM;
	}
	c->pdev = pdev;
	c->kick_fd = -1;
	rc = options_parse(&c->opt, opt, nopt, uiommu_pdev_name(pdev), err, errlen);
	if (rc)
		goto err_free;
	rc = check_drives(c, err, errlen);
	if (rc)
		goto err_options;
	c->buf_size = UINT32_C(4096) << c->opt.mdts;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->cond, NULL);
	pthread_mutex_init(&c->irq_lock, NULL);
	pthread_mutex_init(&c->sleep_lock, NULL);
	features_reset(c);
	logs_start(c);
	describe(c, desc);
	*priv = c;
	return 0;

err_options:
	options_fini(&c->opt);
err_free:
	base_free(c);
	return rc;
}

static void nvme_destroy(void *priv)
{
	struct ctrl *c = priv;

	options_fini(&c->opt);
	pthread_mutex_destroy(&c->sleep_lock);
	pthread_mutex_destroy(&c->irq_lock);
	pthread_cond_destroy(&c->cond);
	pthread_mutex_destroy(&c->lock);
	base_free(c);
}

static void close_drives(struct ctrl *c)
{
	for (unsigned int i = 0; i < c->nn; i++)
		if (c->ns[i].live)
			drive_close(&c->ns[i].drive);
}

static int open_drives(struct ctrl *c)
{
	for (unsigned int i = 0; i < c->nn; i++) {
		struct namespace *ns = &c->ns[i];
		int err;

		if (!ns->live)
			continue;
		err = drive_open(&ns->drive, c->opt.ns[i].path, c->opt.readonly,
			UINT32_C(1) << c->opt.lba_lg2);
		if (err) {
			close_drives(c);
			return err;
		}
		ns->blocks = ns->drive.size >> c->opt.lba_lg2;
	}
	return 0;
}

static int nvme_open(void *priv)
{
	struct ctrl *c = priv;
	int err = open_drives(c);

	if (err)
		return err;
	c->kick_fd = base_fd_own(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (c->kick_fd < 0) {
		err = c->kick_fd;
		close_drives(c);
		return err;
	}
	c->doorbells = uiommu_pdev_doorbells(c->pdev, 0);
	logs_start(c);
	return 0;
}

static void nvme_close(void *priv)
{
	struct ctrl *c = priv;

	regs_reset(c);
	thread_stop(c);
	close_drives(c);
	base_fd_close(c->kick_fd);
	c->kick_fd = -1;
	c->doorbells = NULL;
}

static void nvme_reset(void *priv)
{
	regs_reset(priv);
}

static bool is_doorbell(unsigned int bar, uint64_t off)
{
	return bar == 0 && off >= NVME_DOORBELLS && off < NVME_DOORBELLS + DOORBELLS_SIZE;
}

static uint64_t nvme_read(void *priv, unsigned int bar, uint64_t off, unsigned int size)
{
	return bar == 0 && off < NVME_DOORBELLS ? regs_read(priv, off, size) : 0;
}

/* What else than 32 bits is stored to doorbells has no meaning. */
static void nvme_write(void *priv, unsigned int bar, uint64_t off, unsigned int size, uint64_t val)
{
	if (bar == 0 && off < NVME_DOORBELLS)
		regs_write(priv, off, size, val);
}

static void nvme_doorbell(void *priv, unsigned int bar, uint64_t off, uint32_t val)
{
	if (is_doorbell(bar, off))
		db_stored(priv, off);
}

static void nvme_config_changed(void *priv)
{
	struct ctrl *c = priv;

	if (c->doorbells)
		irq_mask_changed(c);
	regs_changed(c);
}

const struct uiommu_model nvme_model = {
	.name = "nvme",
	.summary = "NVM Express controller with files as its namespaces",
	.options = options_table,
	.create = nvme_create,
	.destroy = nvme_destroy,
	.open = nvme_open,
	.close = nvme_close,
	.reset = nvme_reset,
	.read = nvme_read,
	.write = nvme_write,
	.doorbell = nvme_doorbell,
	.config_changed = nvme_config_changed,
};
