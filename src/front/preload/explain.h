/* SPDX-License-Identifier: MIT */
/* What is told on stderr: refusals and devices' faults with UIOMMU_EXPLAIN=1, and what can't go on.
 */
#ifndef UIOMMU_FRONT_PRELOAD_EXPLAIN_H
#define UIOMMU_FRONT_PRELOAD_EXPLAIN_H

#include <stdbool.h>

#include <uiommu/why.h>

struct sys;

/* A line, whether it was asked for or not; keeps errno. */
void explain_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Around a request: explain_begin() lends @why where explanations are wanted, and explain_end()
 * prints it if @ret is an error. @asked is for requests that don't say what they are.
 */
struct explain {
	struct uiommu_why why;
	struct uiommu_why *outer;
	bool on;
};
void explain_begin(struct explain *ex);
long explain_end(struct explain *ex, long ret, const char *asked);

/* abi_ioctl() explains through its own argument. Return: NULL if nobody wants to know. */
struct uiommu_why *explain_why(struct explain *ex);
long explain_print(struct explain *ex, long ret, const char *asked);

/* Prints devices' faults. */
void explain_faults(struct sys *sys);

#endif
