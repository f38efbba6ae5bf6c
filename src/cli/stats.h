/* SPDX-License-Identifier: MIT */
/* What the processes of a run counted. */
#ifndef UIOMMU_CLI_STATS_H
#define UIOMMU_CLI_STATS_H

#include <stdint.h>
#include <stdio.h>

/* Sums of one process, or of all. */
struct stats {
	uint64_t pid; /* 0: the total */
	uint64_t maps, unmaps, bytes_mapped;
	uint64_t areas_left, bytes_left; /* mapped when the process ended */
	uint64_t vacated;
	uint64_t reads, read_bytes, writes, write_bytes;
	uint64_t hits, misses, faults;
	uint64_t interrupts, traps;
};

struct stats_list {
	struct stats *process; /* by process id */
	unsigned int count;
	struct stats total;
};

/* Reads the counters in a run's directory; files that aren't counters are skipped. Return: 0,
 * -errno. */
int stats_read(struct stats_list *list, const char *dir);
void stats_fini(struct stats_list *list);

void stats_print(const struct stats_list *list, FILE *out);
/* One object: {"processes": [...], "total": {...}}. Return: 0, -ENOMEM. */
int stats_print_json(const struct stats_list *list, FILE *out);
/* What a driver should look into, one line each. Return: how many there were. */
unsigned int stats_check(const struct stats_list *list, FILE *out);

#endif
