/* SPDX-License-Identifier: MIT */
/* The drives of a topology, held for a run: another run, or another user of the image, is refused.
 */
#ifndef UIOMMU_SYSTEM_HOLD_H
#define UIOMMU_SYSTEM_HOLD_H

#include "system/topology.h"

struct drive_hold {
	int *fd; /* locks; they last until each is closed in every process that inherited it */
	unsigned int count;
};

/* Return: 0; -EBUSY or another -errno with a message in @err (SYS_ERR_LEN bytes). */
int drive_hold_take(struct drive_hold *hold, const struct topology *top, char *err);
void drive_hold_drop(struct drive_hold *hold);

#endif
