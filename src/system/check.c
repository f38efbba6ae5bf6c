/* SPDX-License-Identifier: MIT */
/* A topology with the names of this build: from text to devices. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "system/sys.h"
#include "system/topology.h"

const struct topology_env topology_env = {
	.models = sys_models,
	.formats = sys_formats,
	.groups_dir = "/sys/kernel/iommu_groups",
};

int topology_parse(const char *text, const char *cwd, struct topology *out, char *err)
{
	return topology_parse_env(&topology_env, text, cwd, out, err);
}

int topology_parse_env(const struct topology_env *env, const char *text, const char *cwd,
	struct topology *out, char *err)
{
	int ret;

	topology_init(out, env);
	ret = topology_add_text(out, text, NULL, cwd, err);
	if (!ret)
		ret = topology_finish(out, err);
	if (ret)
		topology_fini(out);
	return ret;
}

static int make_one(const struct topology_device *dev, struct uiommu_pdev **out, char *err)
{
	struct pdev_cfg cfg = {
		.bdf = dev->spec.bdf,
		.bar_mode = dev->bar_mode,
		.opt = dev->opt,
		.nopt = dev->nopt,
	};
	char msg[SYS_ERR_LEN / 2] = "";
	int ret = pdev_new(dev->spec.model, &cfg, out, msg, sizeof(msg));

	if (ret)
		snprintf(err, SYS_ERR_LEN, "%.200s: %s", dev->where, msg[0] ? msg : strerror(-ret));
	return ret;
}

int topology_make(const struct topology *top, struct uiommu_pdev ***out, char *err)
{
	struct uiommu_pdev **pdev = base_calloc(top->ndev + 1, sizeof(struct uiommu_pdev *));
	int ret;

	if (!pdev) {
		snprintf(err, SYS_ERR_LEN, "out of memory");
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < top->ndev; i++) {
		ret = make_one(&top->dev[i], &pdev[i], err);
		if (ret) {
			topology_unmake(top, pdev);
			return ret;
		}
	}
	*out = pdev;
	return 0;
}

void topology_unmake(const struct topology *top, struct uiommu_pdev **pdev)
{
	for (unsigned int i = 0; i < top->ndev; i++) {
		if (pdev[i])
			pdev_free(pdev[i]);
	}
	base_free(pdev);
}

int sys_topology_check(const char *text, const char *cwd, char **out, char *err)
{
	struct uiommu_pdev **pdev;
	struct topology top;
	int ret = topology_parse(text, cwd, &top, err);

	if (ret)
		return ret;
	ret = topology_make(&top, &pdev, err);
	if (!ret) {
		topology_unmake(&top, pdev);
		ret = topology_text(&top, out);
		if (ret)
			snprintf(err, SYS_ERR_LEN, "out of memory");
	}
	topology_fini(&top);
	return ret;
}
