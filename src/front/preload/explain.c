/* SPDX-License-Identifier: MIT */
#include "front/preload/real.h"
#include "front/preload/explain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/refuse.h"
#include "system/sys.h"

enum wanted {
	UNKNOWN,
	NO,
	YES,
};

static bool wanted(void)
{
	static _Atomic int known;
	int is = atomic_load_explicit(&known, memory_order_relaxed);

	if (is == UNKNOWN) {
		const char *text = getenv(SYS_ENV_EXPLAIN);

		is = text && *text && strcmp(text, "0") ? YES : NO;
		atomic_store_explicit(&known, is, memory_order_relaxed);
	}
	return is == YES;
}

void explain_say(const char *fmt, ...)
{
	int keep = errno;
	char line[640] = "uiommu: ";
	size_t at = strlen(line), room = sizeof(line) - at - 1;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line + at, room, fmt, ap);
	va_end(ap);
	at += len < 0 ? 0 : (size_t)len < room ? (size_t)len : room - 1;
	line[at++] = '\n';
	(void)!real()->write(STDERR_FILENO, line, at);
	errno = keep;
}

struct uiommu_why *explain_why(struct explain *ex)
{
	ex->on = wanted();
	return ex->on ? &ex->why : NULL;
}

void explain_begin(struct explain *ex)
{
	struct uiommu_why *why = explain_why(ex);

	if (why)
		ex->outer = why_begin(why);
}

long explain_print(struct explain *ex, long ret, const char *asked)
{
	const struct uiommu_why *why = &ex->why;
	char object[sizeof(why->object) + 4] = "";

	if (!ex->on || ret >= 0 || !why->err)
		return ret;
	if (why->object[0])
		snprintf(object, sizeof(object), " (%s)", why->object);
	explain_say("%s: refused: %s%s: %s", why->asked[0] ? why->asked : asked, why->rule, object,
		strerror((int)-ret));
	return ret;
}

long explain_end(struct explain *ex, long ret, const char *asked)
{
	if (ex->on)
		why_end(ex->outer);
	return explain_print(ex, ret, asked);
}

static void print_fault(void *arg, const char *text)
{
	explain_say("%s", text);
}

void explain_faults(struct sys *sys)
{
	if (wanted())
		sys_set_fault_sink(sys, print_fault, NULL);
}
