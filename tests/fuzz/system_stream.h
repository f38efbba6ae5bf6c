/* SPDX-License-Identifier: MIT */
/* What the fuzzer's input says to a hostile client, byte by byte; and the steps that are a
 * device's.
 */
#ifndef TESTS_FUZZ_SYSTEM_STREAM_H
#define TESTS_FUZZ_SYSTEM_STREAM_H

#include <uiommu/abi/vfio.h>

#include "system_client.h"

#define IOVA   UINT64_C(0x40000000) /* where the arena is mapped at first */
#define PLAY   32u		    /* pages that most things happen in */
#define CONFIG ((uint64_t)UIOMMU_VFIO_PCI_REGION_CONFIG << UIOMMU_VFIO_PCI_REGION_SHIFT)

struct stream {
	struct client c;
	const uint8_t *data;
	size_t len;
	uint32_t tail[4]; /* of submission queues; they are pages 0, 2, 4, 6 */
};

/* What is left; zeroes beyond the end. */
uint64_t take(struct stream *s, unsigned int bytes);
uint32_t take8(struct stream *s);
uint32_t take_id(struct stream *s);
int take_fd(struct stream *s);
/* Mostly pages of the arena, as devices see them at first. */
uint64_t take_iova(struct stream *s);
uint64_t take_len(struct stream *s);
/* Memory of the client, or not. */
uintptr_t take_va(struct stream *s);

/* A store to a device that may be NULL; @off is its file's. */
void region_write(struct abi_file *device, uint64_t off, uint64_t val, size_t size);
/* The controller with an admin queue and two queue pairs, in pages 0 to 5 of the arena. */
void nvme_setup(struct stream *s, struct abi_file *device);

void step_config(struct stream *s);
void step_region(struct stream *s);
void step_register(struct stream *s);
void step_mapped(struct stream *s);
void step_irqs(struct stream *s);
void step_dmatest(struct stream *s);
void step_enable(struct stream *s);
void step_admin(struct stream *s);
void step_io(struct stream *s);
void step_ring(struct stream *s);
void step_scribble(struct stream *s);

#endif
