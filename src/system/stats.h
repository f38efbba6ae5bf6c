/* SPDX-License-Identifier: MIT */
/* The counters of a client process, in the run's directory. */
#ifndef UIOMMU_SYSTEM_STATS_H
#define UIOMMU_SYSTEM_STATS_H

#include "system/sys.h"

/* Maps run_dir/stats-PID, or private memory where there is no directory. Return: 0, -errno. */
int stats_open(const char *run_dir, struct sys_stats **out);
void stats_close(struct sys_stats *stats);

#endif
