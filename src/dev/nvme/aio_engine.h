/* SPDX-License-Identifier: MIT */
/* Between the parts of aio: what an engine is, and what becomes of a request. */
#ifndef UIOMMU_DEV_NVME_AIO_ENGINE_H
#define UIOMMU_DEV_NVME_AIO_ENGINE_H

#include "dev/nvme/aio.h"

struct aio_ops {
	enum aio_kind kind;
	void (*free)(struct aio *aio);
	void (*queue)(struct aio *aio, struct aio_req *req);
	bool (*submit)(struct aio *aio);
	struct aio_req *(*reap)(struct aio *aio);
	void (*notify)(struct aio *aio, bool on);
};

struct aio {
	const struct aio_ops *ops;
	unsigned int pending;
	struct aio_req *failed; /* by injection: to be reaped */
};

int aio_uring_new(struct drive *const *drives, unsigned int ndrives, unsigned int depth,
	int wake_fd, struct aio **out);
int aio_threads_new(int wake_fd, struct aio **out);

/* fallocate() mode of AIO_ZERO and AIO_PUNCH. */
int aio_fallocate_mode(enum aio_op op);
/* RWF_ flags of a read or write. */
int aio_rw_flags(const struct aio_req *req);
/* The most that one system call takes. */
#define AIO_PART_MAX (UINT32_C(1) << 30)

/**
 * aio_advance() - account for one part of a request
 * @res: what the system call returned, or -errno
 *
 * Return: true if the request is complete, with req->res; false if the rest is to be done.
 */
bool aio_advance(struct aio_req *req, int64_t res);

#endif
