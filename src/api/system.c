/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "api/object.h"
#include "api/soft.h"
#include "base/mem.h"
#include "system/sys.h"

static int soft_provider(const char *topology, const struct uiommu_model *const *models, char *err,
	struct provider **out)
{
	char cwd[PATH_MAX];
	struct sys_cfg cfg = { .text = topology, .cwd = cwd, .models = models };
	struct sys *sys;
	int ret;

	if (!getcwd(cwd, sizeof(cwd)))
		cfg.cwd = NULL; /* only a relative path needs it, and is refused then */
	ret = sys_new_cfg(&cfg, &sys, err);
	if (ret)
		return ret;
	ret = soft_new(sys, SOFT_TRUSTED, out);
	if (ret) {
		snprintf(err, SYS_ERR_LEN, "out of memory");
		sys_free(sys);
	}
	return ret;
}

int uiommu_system_new(const char *topology, const struct uiommu_model *const *models, char *err,
	size_t errlen, struct uiommu_system **out)
{
	struct uiommu_system *sys = base_zalloc(sizeof(*sys));
	char msg[SYS_ERR_LEN] = "out of memory";
	int ret = sys ? soft_provider(topology, models, msg, &sys->provider) : -ENOMEM;

	if (err && errlen)
		snprintf(err, errlen, "%s", ret ? msg : "");
	if (ret) {
		base_free(sys);
		return ret;
	}
	atomic_init(&sys->refs, 1);
	*out = sys;
	return 0;
}

void system_get(struct uiommu_system *sys)
{
	atomic_fetch_add_explicit(&sys->refs, 1, memory_order_relaxed);
}

void system_put(struct uiommu_system *sys)
{
	if (atomic_fetch_sub_explicit(&sys->refs, 1, memory_order_acq_rel) != 1)
		return;
	sys->provider->ops->free(sys->provider);
	base_free(sys);
}

void uiommu_system_free(struct uiommu_system *sys)
{
	if (sys)
		system_put(sys);
}

int uiommu_system_device_get(
	const struct uiommu_system *sys, unsigned int i, struct uiommu_system_device *out)
{
	return sys->provider->ops->device(sys->provider, i, out);
}

void uiommu_system_on_fault(
	struct uiommu_system *sys, void (*fn)(void *arg, const char *text), void *arg)
{
	sys->provider->ops->on_fault(sys->provider, fn, arg);
}

int uiommu_use_signals(void)
{
	return sys_use_signals();
}
