/* SPDX-License-Identifier: MIT */
#include "system/hold.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "dev/nvme/drive.h"
#include "dev/nvme/nvme.h"

static bool is_drive(const struct topology_device *dev, const char *key)
{
	const struct uiommu_option_desc *desc = dev->spec.model->options;

	if (dev->spec.model != &nvme_model)
		return false;
	while (desc->key && strcmp(desc->key, key))
		desc++;
	return desc->key && desc->path;
}

static bool is_readonly(const struct topology_device *dev)
{
	for (unsigned int i = 0; i < dev->nopt; i++)
		if (!strcmp(dev->opt[i].key, "readonly"))
			return !strcmp(dev->opt[i].value, "on");
	return false;
}

static int hold_one(
	struct drive_hold *hold, const struct topology_device *dev, const char *path, char *err)
{
	char msg[SYS_ERR_LEN / 2] = "";
	int *fd = base_realloc(hold->fd, (hold->count + 1) * sizeof(*fd));
	int ret = -ENOMEM;

	if (fd) {
		hold->fd = fd;
		ret = drive_lock_run(path, is_readonly(dev), &fd[hold->count], msg, sizeof(msg));
	}
	if (ret)
		snprintf(err, SYS_ERR_LEN, "%.200s: %s", dev->where, msg[0] ? msg : strerror(-ret));
	else
		hold->count++;
	return ret;
}

int drive_hold_take(struct drive_hold *hold, const struct topology *top, char *err)
{
	*hold = (struct drive_hold){ 0 };
	for (unsigned int i = 0; i < top->ndev; i++) {
		const struct topology_device *dev = &top->dev[i];

		for (unsigned int j = 0; j < dev->nopt; j++) {
			int ret = 0;

			if (is_drive(dev, dev->opt[j].key))
				ret = hold_one(hold, dev, dev->opt[j].value, err);
			if (ret) {
				drive_hold_drop(hold);
				return ret;
			}
		}
	}
	return 0;
}

void drive_hold_drop(struct drive_hold *hold)
{
	for (unsigned int i = 0; i < hold->count; i++)
		close(hold->fd[i]);
	base_free(hold->fd);
	*hold = (struct drive_hold){ 0 };
}
