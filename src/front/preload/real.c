/* SPDX-License-Identifier: MIT */
#include "front/preload/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

struct real real_table;
_Atomic bool real_resolved;

static _Thread_local __attribute__((tls_model("initial-exec"))) bool resolving;

static const struct {
	const char *name;
	size_t at;
} functions[] = {
#define REAL_ROW(type, name, params) { #name, offsetof(struct real, name) },
	REAL_FUNCTIONS(REAL_ROW)
#undef REAL_ROW
};

/* Threads that are first at the same time store the same. */
void real_resolve(void)
{
	int keep = errno;

	if (resolving)
		return;
	resolving = true;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *fn = dlsym(RTLD_NEXT, functions[i].name);

		__atomic_store_n(
			(void **)((char *)&real_table + functions[i].at), fn, __ATOMIC_RELAXED);
	}
	atomic_store_explicit(&real_resolved, true, memory_order_release);
	resolving = false;
	errno = keep;
}

long real_error(long err)
{
	errno = (int)-err;
	return -1;
}
