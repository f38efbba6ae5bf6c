/* SPDX-License-Identifier: MIT */
/* Registers of the dmatest device; dmatest.c says what they do. */
#ifndef UIOMMU_DEV_DMATEST_H
#define UIOMMU_DEV_DMATEST_H

#include <uiommu/device.h>

#define DMATEST_SRC	     0x00 /* 64 bits */
#define DMATEST_DST	     0x08 /* 64 bits */
#define DMATEST_LEN	     0x10
#define DMATEST_PASID	     0x14
#define DMATEST_PATTERN	     0x18 /* 64 bits */
#define DMATEST_IRQ_STATUS   0x20
#define DMATEST_COUNT	     0x28 /* 64 bits */
#define DMATEST_RESULT	     0x30 /* 64 bits */
#define DMATEST_FAULT_IOVA   0x38 /* 64 bits */
#define DMATEST_FAULT_REASON 0x40
#define DMATEST_STATUS	     0x44
#define DMATEST_CMD	     0x48
#define DMATEST_END	     0x50

#define DMATEST_LEN_MAX (16u << 20)

enum dmatest_cmd {
	DMATEST_COPY = 1,
	DMATEST_FILL,
	DMATEST_ADD,
	DMATEST_FILL_LOOP,
	DMATEST_CHECK_LOOP,
	DMATEST_STOP,
};

enum dmatest_status {
	DMATEST_IDLE,
	DMATEST_BUSY,
	DMATEST_DONE,
	DMATEST_FAILED,
};

enum dmatest_vector {
	DMATEST_VECTOR_DONE,
	DMATEST_VECTOR_FAILED,
	DMATEST_VECTORS,
};

extern const struct uiommu_model dmatest_model;

#endif
