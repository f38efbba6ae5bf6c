/* SPDX-License-Identifier: MIT */
/* Device nodes by their paths. */
#ifndef UIOMMU_FRONT_PRELOAD_NODES_H
#define UIOMMU_FRONT_PRELOAD_NODES_H

#include "front/preload/paths.h"

/* Fills in is_node and what follows it, from `seen`. */
void nodes_recognise(struct path *path);
/* open() of a node. Return: fd, -errno. */
int nodes_open(const struct path *path, int flags);

#endif
