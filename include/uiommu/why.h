/* SPDX-License-Identifier: MIT */
#ifndef UIOMMU_WHY_H
#define UIOMMU_WHY_H

#ifdef __cplusplus
extern "C" {
#endif

/* Why a request was refused. Strings are NUL-terminated and empty where there's nothing to say. */
struct uiommu_why {
	int err;	  /* positive errno; 0: not refused */
	char asked[160];  /* what was asked */
	char rule[160];	  /* which rule refused it */
	char object[160]; /* which object stood in the way */
};

#ifdef __cplusplus
}
#endif
#endif
