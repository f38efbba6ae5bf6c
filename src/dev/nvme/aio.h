/* SPDX-License-Identifier: MIT */
/*
 * Asynchronous host I/O of one controller: io_uring, or a few threads where that isn't allowed.
 *
 * One thread, the controller's, makes all calls. Requests are the caller's and are prepared with
 * what is to be done; once queued they belong to the engine until aio_reap() returns them. Between
 * two reaps any number may be queued, up to the depth; aio_submit() sends what is queued, once per
 * round.
 */
#ifndef UIOMMU_DEV_NVME_AIO_H
#define UIOMMU_DEV_NVME_AIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dev/nvme/drive.h"

enum aio_op {
	AIO_READ,
	AIO_WRITE,
	AIO_SYNC,  /* what was written before is durable afterwards (fdatasync) */
	AIO_ZERO,  /* the range reads as zeroes, allocated */
	AIO_PUNCH, /* the range reads as zeroes, deallocated */
};

struct aio_req {
	struct aio_req *next;
	struct drive *drive;
	enum aio_op op;
	bool durable; /* AIO_WRITE: on stable storage when it completes */
	void *buf;
	uint64_t off, len;
	uint64_t done; /* bytes that earlier parts have transferred */
	int res;       /* 0, -errno; -ENODATA: the file ended early */
};

enum aio_kind {
	AIO_AUTO, /* io_uring where it is allowed */
	AIO_URING,
	AIO_THREADS,
};

struct aio;

/**
 * aio_new() - an engine for the calling thread
 * @drives:  the files that requests will name; they stay open
 * @depth:   requests at a time
 * @wake_fd: an eventfd that completions signal while notification is on
 *
 * Return: 0, -ENOMEM, -EAGAIN; with AIO_URING the errno of io_uring_setup().
 */
int aio_new(enum aio_kind kind, struct drive *const *drives, unsigned int ndrives,
	unsigned int depth, int wake_fd, struct aio **out);
/* Nothing is in flight. */
void aio_free(struct aio *aio);
enum aio_kind aio_kind(const struct aio *aio);

void aio_queue(struct aio *aio, struct aio_req *req);
/* Return: true if everything that was queued has been sent. */
bool aio_submit(struct aio *aio);
/* Completed requests as a list; NULL if there is none. Never waits. */
struct aio_req *aio_reap(struct aio *aio);
/* Requests that were queued and not reaped. */
unsigned int aio_pending(const struct aio *aio);
/* Whether completions signal the eventfd. One that came before is seen by aio_reap() only. */
void aio_notify(struct aio *aio, bool on);

/**
 * aio_inject() - let the host fail, for tests
 * @fail: asked before each part of a request; nonzero is a negative errno that it fails with,
 * -ENODATA an early end of the file. NULL: no more.
 *
 * Context: no controller is enabled. @fail may be called on any thread.
 */
void aio_inject(int (*fail)(void *ctx, const struct aio_req *req), void *ctx);

#endif
