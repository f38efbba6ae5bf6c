/* SPDX-License-Identifier: MIT */
#include "system/sys.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "abi/context.h"
#include "abi/vfio.h"
#include "base/mem.h"
#include "base/refuse.h"
#include "core/core.h"
#include "core/follow.h"
#include "core/nearest.h"
#include "core/requester.h"
#include "dev/pci.h"
#include "hw/plain.h"
#include "mem/guard.h"
#include "system/claim.h"
#include "system/stats.h"
#include "system/topology.h"
#include "vfio/group.h"

/* What stands for one device of the topology. */
struct sys_device {
	struct requester requester;
	struct uiommu_pdev *pdev;
	struct vfio_device vfio;
};

struct sys {
	const struct uiommu_model **models; /* all that its topology may name; NULL: sys_models */
	struct topology_env env;
	struct topology topology;
	struct hw_plain hw;
	struct core core;
	struct claims claims;
	struct sys_stats *stats;
	struct sys_device *device; /* as in the topology */
	struct vfio_group *group;  /* ngroup of them */
	unsigned int ngroup, ndevice;
	pthread_mutex_t sink_lock; /* one fault is told at a time; the two below */
	void (*sink)(void *arg, const char *text);
	void *sink_arg;
};

/* --- Faults as text -----------------------------------------------------------------------------
 */

static const char *reason_text(enum uiommu_dma_reason reason)
{
	switch (reason) {
	case UIOMMU_DMA_OK:
		break;
	case UIOMMU_DMA_BLOCKED:
		return "DMA is blocked: nothing is attached, or bus mastering is off";
	case UIOMMU_DMA_NOT_MAPPED:
		return "the address is not mapped";
	case UIOMMU_DMA_PERMISSION:
		return "the mapping does not permit it";
	case UIOMMU_DMA_RANGE:
		return "the address is outside of the table's range";
	case UIOMMU_DMA_TARGET:
		return "the mapping's memory is gone";
	}
	return "no reason is known";
}

/* Which object stood in the way: " (nearest in IOAS 1: 0x100000-0x101fff, read-write)". */
static void object_text(const struct requester *req, uint64_t iova, char *text, size_t len)
{
	struct nearest near;

	text[0] = '\0';
	if (!nearest_find((struct requester *)(uintptr_t)req, iova, &near))
		return;
	if (!near.found)
		snprintf(text, len, " (IOAS %u is empty)", near.ioas);
	else
		snprintf(text, len, " (%s in IOAS %u: %#lx-%#lx, %s)",
			near.first <= iova && iova <= near.last ? "mapped" : "nearest", near.ioas,
			near.first, near.last,
			!near.writable	? "read-only"
			: near.readable ? "read-write"
					: "write-only");
}

static bool has_sink(struct sys *sys)
{
	bool has;

	pthread_mutex_lock(&sys->sink_lock);
	has = sys->sink;
	pthread_mutex_unlock(&sys->sink_lock);
	return has;
}

static void on_fault(void *arg, const struct requester *req, const struct uiommu_dma_fault *fault)
{
	struct sys *sys = arg;
	char object[112], text[320];

	if (!has_sink(sys))
		return;
	/* Takes locks of the core, which come before the sink's. */
	object_text(req, fault->iova, object, sizeof(object));
	snprintf(text, sizeof(text), "device %s: %s of iova %#lx refused: %s%s", req->name,
		fault->write ? "write" : "read", fault->iova, reason_text(fault->reason), object);
	pthread_mutex_lock(&sys->sink_lock);
	if (sys->sink)
		sys->sink(sys->sink_arg, text);
	pthread_mutex_unlock(&sys->sink_lock);
}

void sys_set_fault_sink(struct sys *sys, void (*sink)(void *arg, const char *text), void *arg)
{
	pthread_mutex_lock(&sys->sink_lock);
	sys->sink = sink;
	sys->sink_arg = arg;
	pthread_mutex_unlock(&sys->sink_lock);
}

/* --- Groups and devices -------------------------------------------------------------------------
 */

static int claim_take(void *arg, unsigned int group)
{
	return claims_take(arg, group);
}

static void claim_drop(void *arg, unsigned int group)
{
	claims_drop(arg, group);
}

static struct vfio_group *group_find(struct sys *sys, unsigned int number)
{
	for (unsigned int i = 0; i < sys->ngroup; i++) {
		if (sys->group[i].core.number == number)
			return &sys->group[i];
	}
	return NULL;
}

static struct vfio_group *group_of(struct sys *sys, unsigned int number)
{
	const struct vfio_claim claim = {
		.take = claim_take,
		.drop = claim_drop,
		.arg = &sys->claims,
	};
	struct vfio_group *group = group_find(sys, number);

	if (!group) {
		group = &sys->group[sys->ngroup++];
		vfio_group_init(group, number, &claim);
	}
	return group;
}

static int device_init(struct sys *sys, unsigned int i, char *err)
{
	const struct topology_device *td = &sys->topology.dev[i];
	struct sys_device *dev = &sys->device[i];
	struct vfio_group *group = group_of(sys, td->spec.group);
	struct pdev_cfg cfg = {
		.bdf = td->spec.bdf,
		.bar_mode = td->bar_mode,
		.requester = &dev->requester,
		.interrupts = &sys->stats->interrupts,
		.opt = td->opt,
		.nopt = td->nopt,
	};
	char msg[SYS_ERR_LEN / 2] = "";
	int ret;

	requester_init(&dev->requester, &sys->core, &group->core, td->spec.bdf);
	dev->requester.fault = on_fault;
	dev->requester.fault_arg = sys;
	ret = pdev_new(td->spec.model, &cfg, &dev->pdev, msg, sizeof(msg));
	if (ret) {
		requester_fini(&dev->requester);
		snprintf(err, SYS_ERR_LEN, "%s: %s", td->spec.bdf, msg[0] ? msg : strerror(-ret));
		return ret;
	}
	vfio_group_add(group, &dev->vfio, dev->pdev);
	sys->ndevice++;
	return 0;
}

static void devices_fini(struct sys *sys)
{
	while (sys->ndevice) {
		struct sys_device *dev = &sys->device[--sys->ndevice];

		pdev_free(dev->pdev);
		requester_fini(&dev->requester);
	}
	while (sys->ngroup)
		vfio_group_fini(&sys->group[--sys->ngroup]);
	base_free(sys->group);
	base_free(sys->device);
}

static int devices_init(struct sys *sys, char *err)
{
	unsigned int n = sys->topology.ndev;
	int ret = 0;

	sys->device = base_calloc(n + 1, sizeof(*sys->device));
	sys->group = base_calloc(n + 1, sizeof(*sys->group));
	if (!sys->device || !sys->group) {
		snprintf(err, SYS_ERR_LEN, "out of memory");
		ret = -ENOMEM;
	}
	for (unsigned int i = 0; !ret && i < n; i++)
		ret = device_init(sys, i, err);
	if (ret)
		devices_fini(sys);
	return ret;
}

/* --- Life ---------------------------------------------------------------------------------------
 */

static int engine_init(struct sys *sys, const char *run_dir, char *err)
{
	int ret = stats_open(run_dir, &sys->stats);

	if (ret) {
		snprintf(err, SYS_ERR_LEN, "the counters' file can't be made: %s", strerror(-ret));
		return ret;
	}
	ret = claims_init(&sys->claims, run_dir);
	if (ret) {
		snprintf(err, SYS_ERR_LEN, "%s: %s", run_dir, strerror(-ret));
		goto err_stats;
	}
	hw_plain_init(&sys->hw, sys->topology.format->ops);
	ret = core_init(&sys->core, &sys->hw.hw, &sys->stats->core);
	if (ret) {
		snprintf(err, SYS_ERR_LEN, "out of memory");
		goto err_claims;
	}
	sys->core.account.limit = sys->topology.memlock;
	sys->core.chan_counters = sys->stats->chan;
	sys->core.nchan_counters = SYS_STATS_CHANS;
	return 0;

err_claims:
	claims_fini(&sys->claims);
err_stats:
	stats_close(sys->stats);
	return ret;
}

static void engine_fini(struct sys *sys)
{
	core_fini(&sys->core);
	claims_fini(&sys->claims);
	stats_close(sys->stats);
}

static size_t models_count(const struct uiommu_model *const *models)
{
	size_t n = 0;

	while (models && models[n])
		n++;
	return n;
}

/* A name of one's own goes before ours of the same spelling. */
static int env_init(struct sys *sys, const struct uiommu_model *const *own)
{
	size_t nown = models_count(own), nours = models_count(sys_models);

	sys->env = topology_env;
	if (!nown)
		return 0;
	sys->models = base_calloc(nown + nours + 1, sizeof(const struct uiommu_model *));
	if (!sys->models)
		return -ENOMEM;
	memcpy(sys->models, own, nown * sizeof(*own));
	memcpy(sys->models + nown, sys_models, nours * sizeof(*own));
	sys->env.models = sys->models;
	return 0;
}

int sys_new_cfg(const struct sys_cfg *cfg, struct sys **out, char *err)
{
	struct sys *sys = base_zalloc_aligned(64, sizeof(*sys));
	int ret;

	if (!sys || env_init(sys, cfg->models)) {
		base_free(sys);
		snprintf(err, SYS_ERR_LEN, "out of memory");
		return -ENOMEM;
	}
	pthread_mutex_init(&sys->sink_lock, NULL);
	ret = topology_parse_env(&sys->env, cfg->text, cfg->cwd, &sys->topology, err);
	if (ret)
		goto err_sys;
	ret = engine_init(sys, cfg->run_dir, err);
	if (ret)
		goto err_topology;
	ret = devices_init(sys, err);
	if (ret)
		goto err_engine;
	*out = sys;
	return 0;

err_engine:
	engine_fini(sys);
err_topology:
	topology_fini(&sys->topology);
err_sys:
	pthread_mutex_destroy(&sys->sink_lock);
	base_free(sys->models);
	base_free(sys);
	return ret;
}

int sys_new(const char *text, const char *run_dir, struct sys **out, char *err)
{
	const struct sys_cfg cfg = { .text = text, .cwd = "/", .run_dir = run_dir };

	return sys_new_cfg(&cfg, out, err);
}

void sys_free(struct sys *sys)
{
	devices_fini(sys);
	engine_fini(sys);
	topology_fini(&sys->topology);
	pthread_mutex_destroy(&sys->sink_lock);
	base_free(sys->models);
	base_free(sys);
}

/* --- What it consists of ------------------------------------------------------------------------
 */

unsigned int sys_ndevices(const struct sys *sys)
{
	return sys->ndevice;
}

const struct sys_device_spec *sys_device_spec(const struct sys *sys, unsigned int i)
{
	return &sys->topology.dev[i].spec;
}

struct uiommu_pdev *sys_device(struct sys *sys, unsigned int i)
{
	return sys->device[i].pdev;
}

const struct sys_stats *sys_stats(struct sys *sys)
{
	return sys->stats;
}

void sys_count_traps(struct sys *sys, uint64_t n)
{
	atomic_fetch_add_explicit(&sys->stats->mmio_traps, n, memory_order_relaxed);
}

static int open_group(struct sys *sys, unsigned int number, struct abi_file **out)
{
	struct vfio_group *group = group_find(sys, number);

	return group ? abi_group_open(group, out) : -ENOENT;
}

static int open_device(struct sys *sys, unsigned int index, struct abi_file **out)
{
	for (unsigned int i = 0; i < sys->ndevice; i++) {
		if (sys->topology.dev[i].spec.index == index)
			return abi_cdev_open(&sys->device[i].vfio, out);
	}
	return -ENOENT;
}

int sys_open(struct sys *sys, enum sys_node node, unsigned int n, struct abi_file **out)
{
	switch (node) {
	case SYS_NODE_IOMMU:
		return abi_context_open(&sys->core, false, out);
	case SYS_NODE_CONTAINER:
		return abi_context_open(&sys->core, true, out);
	case SYS_NODE_GROUP:
		why_asked("open of group %u", n);
		return open_group(sys, n, out);
	case SYS_NODE_DEVICE:
		return open_device(sys, n, out);
	}
	return -ENOENT;
}

int sys_use_signals(void)
{
	return guard_install();
}

int sys_user_vacate(struct sys *sys, uintptr_t addr, size_t len)
{
	return follow_vacate(&sys->core, addr, len);
}

void *sys_user_mremap(
	struct sys *sys, void *from, size_t old_len, size_t new_len, int flags, void *to)
{
	return follow_mremap(&sys->core, from, old_len, new_len, flags, to);
}

int sys_user_mapped(struct sys *sys, uintptr_t addr, size_t len)
{
	return us_any(&sys->core.userspace, addr, len);
}
