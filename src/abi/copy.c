/* SPDX-License-Identifier: MIT */
#include "abi/copy.h"

#include <errno.h>
#include <string.h>

#include "abi/file.h"
#include "base/refuse.h"

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int size_in(const struct abi_caller *caller, uintptr_t arg, size_t min, uint32_t *size)
{
	if (caller->copy_in(caller, size, arg, sizeof(*size)))
		return refuse(EFAULT, "the argument is readable", "at %#lx", arg);
	if (*size < min)
		return refuse(EINVAL, "the structure has its minimum size", "%u of %zu bytes",
			*size, min);
	return 0;
}

static int body_in(const struct abi_caller *caller, uintptr_t arg, const struct abi_struct *st,
	void *body, uint32_t user_size)
{
	size_t known = min_size(user_size, st->size);

	memset((char *)body + known, 0, st->size - known);
	if (caller->copy_in(caller, body, arg, known))
		return refuse(EFAULT, "the argument is readable", "at %#lx", arg);
	/* The client may have changed its first word meanwhile: what was checked counts. */
	memcpy(body, &user_size, sizeof(user_size));
	return 0;
}

static int tail_check(const struct abi_caller *caller, uintptr_t from, size_t len)
{
	char chunk[64];

	while (len) {
		size_t n = min_size(len, sizeof(chunk));

		if (caller->copy_in(caller, chunk, from, n))
			return refuse(EFAULT, "the argument is readable", "at %#lx", from);
		for (size_t i = 0; i < n; i++) {
			if (chunk[i])
				return refuse(
					E2BIG, "bytes beyond the known structure are zero", NULL);
		}
		from += n;
		len -= n;
	}
	return 0;
}

int abi_copy_in(const struct abi_caller *caller, uintptr_t arg, const struct abi_struct *st,
	void *body, uint32_t *user_size)
{
	int err = size_in(caller, arg, st->min, user_size);

	if (!err && *user_size > st->size)
		err = tail_check(caller, arg + st->size, *user_size - st->size);
	return err ? err : body_in(caller, arg, st, body, *user_size);
}

int abi_copy_in_argsz(const struct abi_caller *caller, uintptr_t arg, const struct abi_struct *st,
	void *body, uint32_t *argsz)
{
	int err = size_in(caller, arg, st->min, argsz);

	return err ? err : body_in(caller, arg, st, body, *argsz);
}

int abi_copy_out(const struct abi_caller *caller, uintptr_t arg, const struct abi_struct *st,
	const void *body, uint32_t user_size)
{
	if (caller->copy_out(caller, arg, body, min_size(user_size, st->size)))
		return refuse(EFAULT, "the argument is writable", "at %#lx", arg);
	return 0;
}
