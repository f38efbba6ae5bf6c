/* SPDX-License-Identifier: MIT */
/*
 * A topology, parsed: which devices there are, where on the PCI bus and in which IOMMU group, and
 * the page-table format that their addresses are translated with. Nothing is created here.
 *
 * The text is what sys.h describes. A line that begins with '#' is a comment, blank lines are
 * skipped. The same item may come from a command's option instead of a line; messages say where it
 * came from.
 *
 * Two topologies are equal if their canonical texts are (topology_text): there every default is
 * filled in and every path is absolute, so that it means the same in any process.
 */
#ifndef UIOMMU_SYSTEM_TOPOLOGY_H
#define UIOMMU_SYSTEM_TOPOLOGY_H

#include <stdbool.h>

#include "dev/pci.h"
#include "mem/account.h"
#include "system/formats.h"
#include "system/sys.h"

#define TOPOLOGY_MAX_DEVICES 255u
#define TOPOLOGY_MAX_GROUP   ((1u << 20) - 1) /* a minor number has 20 bits */

/* What names in a topology refer to. */
struct topology_env {
	const struct uiommu_model *const *models; /* ends with NULL */
	const struct sys_format *formats; /* ends with name NULL; the first is the default */
	const char *groups_dir;		  /* the machine's IOMMU groups: defaults avoid them */
};

struct topology_device {
	struct sys_device_spec spec;
	enum pdev_bar_mode bar_mode;
	struct uiommu_option *opt; /* the model's own, in the order in which they were given */
	unsigned int nopt;
	char *where; /* "line 3": for messages */
	bool has_bdf, has_group;
};

struct topology {
	const struct topology_env *env;
	const struct sys_format *format; /* NULL until it is set */
	uint64_t memlock;		 /* pages that mappings may pin; ACCOUNT_NO_LIMIT */
	bool has_memlock;
	struct topology_device *dev;
	unsigned int ndev;
};

/*
 * Building one. Of all these: @err (SYS_ERR_LEN bytes) receives a message that begins with where
 * the bad item stands; @cwd is what relative paths are relative to. Return: 0, -EINVAL, -ENOMEM.
 * After a failure only topology_fini() may follow.
 */
void topology_init(struct topology *top, const struct topology_env *env);
/* @file: the text's file name for messages, or NULL. */
int topology_add_text(
	struct topology *top, const char *text, const char *file, const char *cwd, char *err);
/* @spec: KIND,key=value,... */
int topology_add_device(
	struct topology *top, const char *spec, const char *where, const char *cwd, char *err);
int topology_set_format(struct topology *top, const char *name, const char *where, char *err);
/* @value: "none", "rlimit" (this process's soft RLIMIT_MEMLOCK) or bytes, with K, M or G. */
int topology_set_memlock(struct topology *top, const char *value, const char *where, char *err);
/* Everything was added: fill the defaults in, and check what concerns several devices. */
int topology_finish(struct topology *top, char *err);

/* Canonical text of a finished topology; freed with base_free(). Return: 0, -ENOMEM. */
int topology_text(const struct topology *top, char **out);
void topology_fini(struct topology *top);

/* The names of this build. */
extern const struct topology_env topology_env;
/* All of a text, with these names. @out is to be finished in any case but a failure. */
int topology_parse(const char *text, const char *cwd, struct topology *out, char *err);
/* The same with other names; @env outlives @out. */
int topology_parse_env(const struct topology_env *env, const char *text, const char *cwd,
	struct topology *out, char *err);

/**
 * topology_make() - create each device, for its description or to see that it can be done
 * @out: receives ndev pointers, all closed, without a requester: they can't do DMA
 * Return: 0; -errno with a message in @err.
 */
int topology_make(const struct topology *top, struct uiommu_pdev ***out, char *err);
void topology_unmake(const struct topology *top, struct uiommu_pdev **pdev);

#endif
