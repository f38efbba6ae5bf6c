/* SPDX-License-Identifier: MIT */
/*
 * Definitions of functions that programs call instead of the C library's (preload.map has their
 * names once more). Where sizes and offsets have 64 bits anyway, the two names of a
 * function are one.
 */
#ifndef UIOMMU_FRONT_PRELOAD_EXPORT_H
#define UIOMMU_FRONT_PRELOAD_EXPORT_H

#include "front/preload/real.h"

#define EXPORT __attribute__((visibility("default")))
#define EXPORT_AS(name, fn)                                                                        \
	__asm__(".globl " #name "\n.type " #name ", @function\n.set " #name ", " #fn)

/* Shared by the functions and by syscall(2); return as they do, with errno. */
int api_openat(int dir, const char *path, int flags, mode_t mode);
int api_fstatat(int dir, const char *path, struct stat *st, int flags);
int api_statx(int dir, const char *path, int flags, unsigned int mask, struct statx *stx);
int api_faccessat(int dir, const char *path, int mode, int flags);
ssize_t api_readlinkat(int dir, const char *path, char *buf, size_t len);
int api_fstat(int fd, struct stat *st);
int api_fcntl(int fd, int cmd, unsigned long arg);
int api_ioctl(int fd, unsigned long req, unsigned long arg);
void *api_mremap(void *addr, size_t old_len, size_t new_len, int flags, void *to);

#endif
