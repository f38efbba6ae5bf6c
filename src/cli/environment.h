/* SPDX-License-Identifier: MIT */
/* The environment of the program: where the preload library finds its run. */
#ifndef UIOMMU_CLI_ENVIRONMENT_H
#define UIOMMU_CLI_ENVIRONMENT_H

#include "cli/program.h"
#include "cli/rundir.h"

/* Changes our own environment, which the program inherits. Return: 0, or an exit status, having
 * said why. */
int environment_set(const struct program *prog, const struct rundir *dir, const char *topology);

#endif
