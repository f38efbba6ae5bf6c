/* SPDX-License-Identifier: MIT */
/* A hostile client of the NVMe controller: what it does follows from bytes, random or a fuzzer's.
 */
#ifndef TESTS_DEV_NVME_STREAM_H
#define TESTS_DEV_NVME_STREAM_H

#include "dev_nvme_host.h"

/*
 * Does what @data says, until it is used up, to a controller that is open. Return: whether the
 * controller still works after a reset.
 */
bool nvme_stream(struct host *h, const uint8_t *data, size_t len);

#endif
