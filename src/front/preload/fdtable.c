/* SPDX-License-Identifier: MIT */
#include "front/preload/real.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "front/preload/fdsocket.h"
#include "front/preload/fdtable.h"
#include "front/preload/home.h"
#include "front/preload/leaks.h"
#include "front/preload/locked.h"
#include "front/preload/reaper.h"

_Atomic(fd_slot *) fd_chunks[FD_CHUNKS];
struct desc fd_protected;

/* Protects slots against other writers, and the list of free descs. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct desc *free_descs;

/* --- Descs ----------------------------------------------------------------------------------- */

/* They are never freed, and have pointers to each other only. */
static struct desc *desc_alloc(void)
{
	struct desc *desc;

	leaks_begin();
	desc = base_zalloc(sizeof(*desc));
	leaks_end();
	return desc;
}

static struct desc *desc_new(enum desc_kind kind)
{
	struct desc *desc;
	sigset_t held;

	lock_hold(&lock, &held);
	desc = free_descs;
	if (desc)
		free_descs = desc->next;
	lock_release(&lock, &held);
	if (!desc)
		desc = desc_alloc();
	if (!desc)
		return NULL;
	desc->kind = kind;
	desc->file = NULL;
	desc->generation = home_generation();
	desc->peer = -1;
	desc->rdev = 0;
	desc->socket = 0;
	desc->slots = 0;
	desc->reaped = false;
	desc->path = NULL;
	atomic_store_explicit(&desc->refs, 1, memory_order_release);
	return desc;
}

void desc_put(struct desc *desc)
{
	sigset_t held;

	if (atomic_fetch_sub_explicit(&desc->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (desc->generation == home_generation()) {
		base_fd_close(desc->peer);
		if (desc->file)
			abi_file_put(desc->file);
	}
	base_free(desc->path);
	lock_hold(&lock, &held);
	desc->next = free_descs;
	free_descs = desc;
	lock_release(&lock, &held);
}

static bool desc_tryget(struct desc *desc)
{
	uint32_t refs = atomic_load_explicit(&desc->refs, memory_order_relaxed);

	do {
		if (!refs)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&desc->refs, &refs, refs + 1, memory_order_acquire, memory_order_relaxed));
	return true;
}

struct desc *desc_get(int fd)
{
	for (;;) {
		struct desc *desc = fd_peek(fd);

		if (!desc || desc == &fd_protected)
			return NULL;
		if (!desc_tryget(desc))
			continue;
		/* It may have been recycled for another descriptor in between. */
		if (fd_peek(fd) == desc)
			return desc;
		desc_put(desc);
	}
}

struct desc *desc_get_kind(int fd, enum desc_kind kind)
{
	struct desc *desc = desc_get(fd);

	if (desc && desc->kind != kind) {
		desc_put(desc);
		return NULL;
	}
	return desc;
}

/* --- Slots ----------------------------------------------------------------------------------- */

static fd_slot *slot_at(int fd)
{
	unsigned int i = (unsigned int)fd >> FD_CHUNK_LG2;
	fd_slot *chunk, *none = NULL;

	if (fd < 0 || i >= FD_CHUNKS)
		return NULL;
	chunk = atomic_load_explicit(&fd_chunks[i], memory_order_acquire);
	if (!chunk) {
		chunk = base_calloc(FD_CHUNK, sizeof(*chunk));
		if (!chunk)
			return NULL;
		if (!atomic_compare_exchange_strong(&fd_chunks[i], &none, chunk)) {
			base_free(chunk);
			chunk = none;
		}
	}
	return &chunk[(unsigned int)fd & (FD_CHUNK - 1)];
}

/* The last slot of a file is gone: what keeps it is in other processes, or nothing does. */
static void watch_copies(struct desc *desc)
{
	bool reap;
	sigset_t held;

	if (desc->kind != DESC_FILE || desc->generation != home_generation() ||
		fdsocket_hung_up(desc->peer))
		return;
	lock_hold(&lock, &held);
	reap = !desc->slots && !desc->reaped;
	if (reap) {
		desc->reaped = true;
		atomic_fetch_add_explicit(&desc->refs, 1, memory_order_relaxed);
	}
	lock_release(&lock, &held);
	if (reap && reaper_add(desc)) {
		/* Nobody can wait: it stays until the process ends. */
		return;
	}
}

/* Empties the slot. Return: its desc, with the slot's reference. *last: of its slots. */
static struct desc *slot_take(int fd, bool *last)
{
	struct desc *desc;
	sigset_t held;

	*last = false;
	lock_hold(&lock, &held);
	desc = fd_peek(fd);
	if (desc && desc != &fd_protected) {
		atomic_store_explicit(slot_at(fd), NULL, memory_order_release);
		*last = --desc->slots == 0;
	}
	lock_release(&lock, &held);
	return desc == &fd_protected ? NULL : desc;
}

/* Consumes a reference. */
static int slot_put(int fd, struct desc *desc)
{
	fd_slot *slot = slot_at(fd);
	sigset_t held;

	if (!slot) {
		desc_put(desc);
		return -ENOMEM;
	}
	lock_hold(&lock, &held);
	desc->slots++;
	atomic_store_explicit(slot, desc, memory_order_release);
	lock_release(&lock, &held);
	return 0;
}

static void slot_taken(struct desc *desc, bool last)
{
	if (!desc)
		return;
	if (last)
		watch_copies(desc);
	desc_put(desc);
}

void fd_forget(int fd)
{
	bool last;
	/* It can't be the engine's: these are known to be open. */
	struct desc *desc = slot_take(fd, &last);

	slot_taken(desc, last);
}

/* --- New descriptors ------------------------------------------------------------------------- */

int fd_install_file(struct abi_file *file, dev_t rdev, int flags)
{
	struct desc *desc = desc_new(DESC_FILE);
	int fd, peer, err;

	if (!desc) {
		abi_file_put(file);
		return -ENOMEM;
	}
	desc->file = file;
	desc->rdev = rdev;
	fd = fdsocket_pair(flags, &peer, &desc->socket);
	if (fd < 0) {
		desc_put(desc);
		return fd;
	}
	desc->peer = base_fd_own(peer);
	fd_fresh(fd);
	err = slot_put(fd, desc);
	if (err)
		real()->close(fd);
	return err ? err : fd;
}

void fd_note_dir(int fd, const char *path)
{
	struct desc *desc = desc_new(DESC_DIR);
	size_t len = strlen(path) + 1;

	fd_fresh(fd);
	if (!desc)
		return;
	desc->path = base_alloc(len);
	if (!desc->path) {
		desc_put(desc);
		return;
	}
	memcpy(desc->path, path, len);
	(void)slot_put(fd, desc);
}

/* --- Closing and copying --------------------------------------------------------------------- */

int fd_close(int fd)
{
	struct desc *desc;
	bool last;
	int err;

	if (home_is_borrowed())
		return real()->close(fd) ? -errno : 0;
	if (fd_peek(fd) == &fd_protected)
		return -EBADF;
	desc = slot_take(fd, &last);
	err = real()->close(fd) ? -errno : 0;
	slot_taken(desc, last);
	return err;
}

int fd_duplicated(int from, int to)
{
	struct desc *desc;
	int err;

	if (home_is_borrowed())
		return to;
	fd_fresh(to);
	desc = desc_get(from);
	if (!desc)
		return to;
	err = slot_put(to, desc);
	if (err)
		real()->close(to);
	return err ? err : to;
}

int fd_dup_onto(int from, int to, int flags)
{
	struct desc *desc, *old;
	bool last;
	int ret;

	if (home_is_borrowed()) {
		ret = real()->dup3(from, to, flags);
		return ret < 0 ? -errno : ret;
	}
	if (fd_peek(to) == &fd_protected)
		return -EBADF;
	desc = desc_get(from);
	ret = real()->dup3(from, to, flags);
	if (ret < 0) {
		ret = -errno;
		if (desc)
			desc_put(desc);
		return ret;
	}
	old = slot_take(to, &last);
	if (desc && slot_put(to, desc)) {
		real()->close(to);
		ret = -ENOMEM;
	}
	slot_taken(old, last);
	return ret;
}

/* The kernel closes [first, last], where no descriptor has a slot. */
static int close_foreign(unsigned int first, unsigned int last)
{
	if (first > last)
		return 0;
	if (!real()->close_range)
		return -ENOSYS;
	return real()->close_range(first, last, 0) ? -errno : 0;
}

int fd_close_range(unsigned int first, unsigned int last)
{
	unsigned int end = last < FD_CHUNKS * FD_CHUNK ? last + 1 : FD_CHUNKS * FD_CHUNK;
	unsigned int from = first;
	int err = 0;

	if (first > last)
		return -EINVAL;
	for (unsigned int fd = first; fd < end && !err; fd++) {
		if (!(fd & (FD_CHUNK - 1)) && !atomic_load_explicit(&fd_chunks[fd >> FD_CHUNK_LG2],
						      memory_order_acquire)) {
			fd += FD_CHUNK - 1;
			continue;
		}
		if (!fd_peek((int)fd))
			continue;
		err = fd > from ? close_foreign(from, fd - 1) : 0;
		(void)fd_close((int)fd);
		from = fd + 1;
	}
	return err ? err : close_foreign(from, last);
}

/* --- The engine's own ------------------------------------------------------------------------ */

static void protect(int fd)
{
	fd_slot *slot;
	sigset_t held;

	fd_fresh(fd);
	slot = slot_at(fd);
	if (!slot)
		return;
	lock_hold(&lock, &held);
	atomic_store_explicit(slot, &fd_protected, memory_order_release);
	lock_release(&lock, &held);
}

void fdtable_disown(int fd)
{
	sigset_t held;

	lock_hold(&lock, &held);
	if (fd_peek(fd) == &fd_protected)
		atomic_store_explicit(slot_at(fd), NULL, memory_order_release);
	lock_release(&lock, &held);
}

void fdtable_init(void)
{
	static const struct base_fd_hooks hooks = { .owned = protect, .closing = fdtable_disown };

	base_fd_set_hooks(&hooks);
}

/* --- Copies that came back ------------------------------------------------------------------- */

/* The live desc whose program's end is this socket; with a reference. */
static struct desc *desc_of_socket(uint64_t socket)
{
	struct desc *found = NULL;

	found = reaper_find(socket);
	for (unsigned int i = 0; i < FD_CHUNKS && !found; i++) {
		if (!atomic_load_explicit(&fd_chunks[i], memory_order_acquire))
			continue;
		for (unsigned int n = 0; n < FD_CHUNK && !found; n++) {
			struct desc *desc = desc_get_kind((int)(i * FD_CHUNK + n), DESC_FILE);

			if (desc && desc->socket == socket)
				found = desc;
			else if (desc)
				desc_put(desc);
		}
	}
	return found;
}

enum fd_origin fd_identify(int fd)
{
	struct desc *desc;
	uint64_t socket;
	pid_t pid;

	if (!fdsocket_is_ours(fd, &pid, &socket))
		return FD_FOREIGN;
	if (pid != getpid())
		return FD_REMOTE;
	desc = desc_of_socket(socket);
	if (!desc)
		return FD_REMOTE;
	return slot_put(fd, desc) ? FD_REMOTE : FD_OURS;
}

/* --- Around fork() --------------------------------------------------------------------------- */

static sigset_t fork_held;

void fdtable_lock(void)
{
	lock_hold(&lock, &fork_held);
}

void fdtable_unlock(void)
{
	lock_release(&lock, &fork_held);
}

void fdtable_child(void)
{
	for (unsigned int i = 0; i < FD_CHUNKS; i++) {
		fd_slot *chunk = atomic_load_explicit(&fd_chunks[i], memory_order_relaxed);

		for (unsigned int n = 0; chunk && n < FD_CHUNK; n++) {
			if (atomic_load_explicit(&chunk[n], memory_order_relaxed) != &fd_protected)
				continue;
			real()->close((int)(i * FD_CHUNK + n));
			atomic_store_explicit(&chunk[n], NULL, memory_order_relaxed);
		}
	}
}
