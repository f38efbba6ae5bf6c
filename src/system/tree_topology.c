/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "dev/pci.h"
#include "system/topology.h"
#include "system/tree.h"

static int describe(
	struct tree_device *dev, const struct sys_device_spec *spec, struct uiommu_pdev *pdev)
{
	dev->spec = spec;
	dev->desc = pdev_desc(pdev);
	dev->config = base_zalloc(PCI_CONFIG_SIZE);
	if (!dev->config)
		return -ENOMEM;
	return pdev_config_read(pdev, 0, dev->config, PCI_CONFIG_SIZE) < 0 ? -EIO : 0;
}

static int build(const char *root, const struct topology *top, struct uiommu_pdev **pdev, char *err)
{
	struct tree_device *dev = base_calloc(top->ndev + 1, sizeof(*dev));
	int ret = dev ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < top->ndev && !ret; i++)
		ret = describe(&dev[i], &top->dev[i].spec, pdev[i]);
	if (ret)
		snprintf(err, SYS_ERR_LEN,
			ret == -ENOMEM ? "out of memory" : "can't read config space");
	else
		ret = tree_build(root, "/", dev, top->ndev, err);
	for (unsigned int i = 0; i < top->ndev && dev; i++)
		base_free(dev[i].config);
	base_free(dev);
	return ret;
}

int tree_build_topology(const char *root, const struct topology *top, char *err)
{
	struct uiommu_pdev **pdev;
	int ret = topology_make(top, &pdev, err);

	if (ret)
		return ret;
	ret = build(root, top, pdev, err);
	topology_unmake(top, pdev);
	return ret;
}
