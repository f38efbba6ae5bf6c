/* SPDX-License-Identifier: MIT */
/*
 * The composition root: a system is a set of devices behind a software IOMMU, as a topology
 * describes it.
 *
 * A topology is text, one line per item, in the syntax of the command's options; '#' begins a
 * comment:
 *
 *     iommu FORMAT
 *     memlock none|rlimit|BYTES     (a limit on memory that mappings pin; default: none)
 *     device KIND,key=value,...     (common keys: bdf, group, bar; a ',' in a value is written
 * ',,')
 */
#ifndef UIOMMU_SYSTEM_SYS_H
#define UIOMMU_SYSTEM_SYS_H

#include <stddef.h>
#include <stdint.h>

#include <uiommu/device.h>
#include <uiommu/dma.h>

#include "abi/file.h"
#include "core/counters.h"
#include "dma/counters.h"

struct sys;

/* What `uiommu run` gives to the preload library through the environment. */
#define SYS_ENV_TOPOLOGY "UIOMMU_TOPOLOGY"
#define SYS_ENV_RUN_DIR	 "UIOMMU_RUN_DIR"
#define SYS_ENV_EXPLAIN	 "UIOMMU_EXPLAIN"

#define SYS_ERR_LEN 512

/* One device of a topology, parsed and checked, before anything is created. */
struct sys_device_spec {
	char bdf[16];
	unsigned int group; /* IOMMU group number */
	unsigned int index; /* N of /dev/vfio/devices/vfioN */
	const struct uiommu_model *model;
};

/**
 * sys_topology_check() - parse a topology and make everything in it once, without keeping it
 * @cwd: directory that relative paths are relative to
 * @out: receives the topology in canonical form (absolute paths, every default filled in); to be
 * freed
 * @err: SYS_ERR_LEN bytes; a message that names the line, on failure
 * Return: 0, or -errno.
 */
int sys_topology_check(const char *text, const char *cwd, char **out, char *err);

/**
 * sys_new() - make a system
 * @text:    a topology in canonical form
 * @run_dir: the run's directory, where locks between its processes and counters live; NULL: none,
 *           nobody else shares these devices
 * Return: 0; -errno with a message in @err (SYS_ERR_LEN bytes).
 */
int sys_new(const char *text, const char *run_dir, struct sys **out, char *err);
/* What a system is made of, for those who don't start from a canonical text. */
struct sys_cfg {
	const char *text;
	const char *cwd;			  /* what relative paths are relative to */
	const char *run_dir;			  /* as for sys_new() */
	const struct uiommu_model *const *models; /* besides sys_models, ends with NULL; may be
						     NULL */
};
/* As sys_new(); @cfg and its models' array aren't needed afterwards, the models are. */
int sys_new_cfg(const struct sys_cfg *cfg, struct sys **out, char *err);
/* All files are closed. */
void sys_free(struct sys *sys);

/* Devices, in the order of the topology. */
unsigned int sys_ndevices(const struct sys *sys);
const struct sys_device_spec *sys_device_spec(const struct sys *sys, unsigned int i);
struct uiommu_pdev *sys_device(struct sys *sys, unsigned int i);

/* Models that exist, ends with NULL. */
extern const struct uiommu_model *const sys_models[];

enum sys_node {
	SYS_NODE_IOMMU,	    /* /dev/iommu */
	SYS_NODE_CONTAINER, /* /dev/vfio/vfio */
	SYS_NODE_GROUP,	    /* /dev/vfio/N */
	SYS_NODE_DEVICE,    /* /dev/vfio/devices/vfioN */
};
/* open() of a device node. Return: 0 with a reference; -ENOENT, -EBUSY, -ENOMEM ... */
int sys_open(struct sys *sys, enum sys_node node, unsigned int n, struct abi_file **out);

/*
 * The front end asks before the program changes its own address space (core/follow.h). Ranges are
 * in pages.
 *
 * vacate: before munmap(), mmap() with MAP_FIXED, and madvise() that drops private pages: what of
 * the range is mapped for DMA moves to a private alias, and its mappings follow. The range itself
 * stays mapped, empty (private memory reads as zeroes, as after MADV_DONTNEED); the program's call
 * then does what it does. mremap: does the whole system call, and mappings follow. Return: as
 * mremap(2), with errno.
 */
int sys_user_vacate(struct sys *sys, uintptr_t addr, size_t len);
void *sys_user_mremap(
	struct sys *sys, void *from, size_t old_len, size_t new_len, int flags, void *to);
/* Whether any of [addr, addr + len) is mapped for DMA: one load where nothing is mapped at all. */
int sys_user_mapped(struct sys *sys, uintptr_t addr, size_t len);

/* Guarded copies rely on a signal handler of ours from now on, in the whole process
 * (mem/guard.h). Return: 0, -errno. */
int sys_use_signals(void);

/* Faults that devices had, as text, for explanations: called from DMA threads, one at a time. */
void sys_set_fault_sink(struct sys *sys, void (*sink)(void *arg, const char *text), void *arg);

/*
 * Counters of one client process: the file `stats-PID` in the run's directory is this struct,
 * mapped, so that it survives the process. Each DMA channel counts in a block of its own
 * (dma/counters.h); the sum over all blocks is the total.
 */
#define SYS_STATS_MAGIC 0x31736d6f6f697575ull
#define SYS_STATS_CHANS 64

struct sys_stats {
	uint64_t magic, pid;
	struct core_counters
		core; /* areas_now and bytes_now of an ended process were left mapped */
	_Atomic uint64_t interrupts, mmio_traps;
	struct dma_counters chan[SYS_STATS_CHANS];
};
const struct sys_stats *sys_stats(struct sys *sys);
/* The front end has served @n trapped register accesses. Async-signal-safe. */
void sys_count_traps(struct sys *sys, uint64_t n);

#endif
