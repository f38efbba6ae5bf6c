/* SPDX-License-Identifier: MIT */
/*
 * The socket pairs behind our descriptors.
 *
 * The program's end has a name in the abstract namespace that says what it is and which process is
 * its home, so that a copy can be told from any other socket wherever it turns up.
 */
#ifndef UIOMMU_FRONT_PRELOAD_FDSOCKET_H
#define UIOMMU_FRONT_PRELOAD_FDSOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* @flags: O_CLOEXEC, O_NONBLOCK for the program's end, whose inode number is in @socket.
 * Return: the program's end, or -errno. */
int fdsocket_pair(int flags, int *peer, uint64_t *socket);
/* Whether the last copy of the program's end has been closed. */
bool fdsocket_hung_up(int peer);
bool fdsocket_is_ours(int fd, pid_t *home, uint64_t *socket);

#endif
