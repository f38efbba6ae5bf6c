/* SPDX-License-Identifier: MIT */
#include "base/refuse.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static _Thread_local struct uiommu_why *loan;

struct uiommu_why *why_begin(struct uiommu_why *why)
{
	struct uiommu_why *outer = loan;

	loan = why;
	if (why) {
		why->err = 0;
		why->asked[0] = why->rule[0] = why->object[0] = '\0';
	}
	return outer;
}

void why_end(struct uiommu_why *outer)
{
	loan = outer;
}

void why_asked(const char *fmt, ...)
{
	va_list ap;

	if (!loan || loan->asked[0])
		return;
	va_start(ap, fmt);
	vsnprintf(loan->asked, sizeof(loan->asked), fmt, ap);
	va_end(ap);
}

int refuse(int err, const char *rule, const char *fmt, ...)
{
	va_list ap;

	if (!loan || loan->err)
		return -err;
	loan->err = err;
	snprintf(loan->rule, sizeof(loan->rule), "%s", rule);
	if (fmt) {
		va_start(ap, fmt);
		vsnprintf(loan->object, sizeof(loan->object), fmt, ap);
		va_end(ap);
	}
	return -err;
}

void why_forget(void)
{
	if (!loan)
		return;
	loan->err = 0;
	loan->rule[0] = loan->object[0] = '\0';
}
