/* SPDX-License-Identifier: MIT */
/*
 * Which descriptors of the program are ours, and what stands behind them.
 *
 * A descriptor is one end of a socket pair. What it refers to, an open file description in the
 * kernel's words, is a `struct desc`, which all its duplicates share; it keeps the socket's other
 * end. The hang-up of that end says that the last copy is closed, wherever copies went: usually it
 * is seen in the close() of the last one here; where other processes hold copies, the reaper waits
 * for it.
 *
 * Looking up a foreign descriptor is two loads. One of ours is found without a lock: descs are
 * recycled but never freed, so that a count may be raised before it's known whether the slot still
 * names the desc.
 *
 * Descriptors that the engine uses itself (base/fd.h) have slots too: the program can't close
 * them by accident, as when it closes all descriptors that it doesn't know.
 *
 * After fork() the child has the descriptors but no engine: descs of another generation than
 * home_generation() are refused.
 */
#ifndef UIOMMU_FRONT_PRELOAD_FDTABLE_H
#define UIOMMU_FRONT_PRELOAD_FDTABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi/file.h"

enum desc_kind {
	DESC_FILE, /* a context, group or device */
	DESC_DIR,  /* a real directory that paths are relative to: where it seems to be */
};

#define DESC_PATH 128

struct desc {
	_Atomic uint32_t refs; /* slots, users, the reaper; 0: free */
	enum desc_kind kind;
	struct abi_file *file;
	uint64_t generation; /* of the home that the file belongs to */
	int peer;	     /* the home's end of the socket pair */
	dev_t rdev;	     /* what fstat() tells; 0: not a node */
	uint64_t socket;     /* inode number of the program's end */
	uint32_t slots;	     /* under the table's lock */
	bool reaped;	     /* the reaper has a reference; under the table's lock */
	char *path;	     /* DESC_DIR */
	struct desc *next;   /* free, or of the same list */
};

#define FD_CHUNK_LG2 8
#define FD_CHUNK     (1u << FD_CHUNK_LG2)
#define FD_CHUNKS    4096u

typedef _Atomic(struct desc *) fd_slot;
extern _Atomic(fd_slot *) fd_chunks[FD_CHUNKS];
extern struct desc fd_protected; /* in the slots of the engine's own */

/* What the slot of @fd holds, without a reference: NULL for a foreign descriptor. */
static inline struct desc *fd_peek(int fd)
{
	unsigned int i = (unsigned int)fd >> FD_CHUNK_LG2;
	fd_slot *chunk;

	if (__builtin_expect(i >= FD_CHUNKS, 0))
		return NULL;
	chunk = atomic_load_explicit(&fd_chunks[i], memory_order_acquire);
	if (!chunk)
		return NULL;
	return atomic_load_explicit(
		&chunk[(unsigned int)fd & (FD_CHUNK - 1)], memory_order_acquire);
}

/* One of ours, with a reference; NULL otherwise, and for protected ones. */
struct desc *desc_get(int fd);
void desc_put(struct desc *desc);
/* The desc of @kind behind @fd, or NULL. */
struct desc *desc_get_kind(int fd, enum desc_kind kind);

/*
 * A descriptor for @file, whose reference it takes over, even on failure. @flags: O_CLOEXEC,
 * O_NONBLOCK. Return: fd; -EMFILE, -ENOMEM ...
 */
int fd_install_file(struct abi_file *file, dev_t rdev, int flags);
/* Remembers where the directory @fd seems to be. Without memory it is forgotten. */
void fd_note_dir(int fd, const char *path);

/* A new descriptor came from the kernel: what a slot of that number says is out of date. */
void fd_forget(int fd);
static inline int fd_fresh(int fd)
{
	if (__builtin_expect(fd >= 0 && fd_peek(fd) != NULL, 0))
		fd_forget(fd);
	return fd;
}

/* close(), dup() and dup2() of descriptors with a slot. Return: as the system call, -errno. */
int fd_close(int fd);
int fd_duplicated(
	int from, int to); /* @to is a new copy of @from: returns it, or -errno and closes it */
int fd_dup_onto(int from, int to, int flags); /* dup3(), either may have a slot */
int fd_close_range(unsigned int first, unsigned int last);

/* From now on descriptors that the engine owns (base/fd.h) have slots. */
void fdtable_init(void);
/* One of them is about to be closed by other means than base_fd_close(). */
void fdtable_disown(int fd);

/* A copy of a file's descriptor that came on a socket: finds it again. Return: whether it is one.
 */
enum fd_origin {
	FD_FOREIGN,
	FD_OURS,   /* and has a slot now */
	FD_REMOTE, /* another process's */
};
enum fd_origin fd_identify(int fd);

/* Around fork(). */
void fdtable_lock(void);
void fdtable_unlock(void);
void fdtable_child(void);

#endif
