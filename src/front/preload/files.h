/* SPDX-License-Identifier: MIT */
/* Requests on descriptors of ours; each has a slot in the table. Return: as the system call,
 * -errno. */
#ifndef UIOMMU_FRONT_PRELOAD_FILES_H
#define UIOMMU_FRONT_PRELOAD_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Of a descriptor without a slot that failed: whether the request was meant for one of ours. */
long files_ioctl_stray(int fd, unsigned long req, unsigned long arg);
long files_ioctl(int fd, unsigned long req, unsigned long arg);
ssize_t files_readv(int fd, const struct iovec *iov, int n, uint64_t off);
ssize_t files_writev(int fd, const struct iovec *iov, int n, uint64_t off);
/* Return: the address; MAP_FAILED with errno. */
void *files_mmap(int fd, void *addr, size_t len, int prot, int flags, off_t off);

#endif
