/* SPDX-License-Identifier: MIT */
/* A growing string. After a failed allocation it takes nothing more; text_take() tells. */
#ifndef UIOMMU_SYSTEM_TEXT_H
#define UIOMMU_SYSTEM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *s; /* NUL-terminated; NULL while empty */
	size_t len, cap;
	bool failed;
};

void text_add(struct text *text, const char *s, size_t len);
void text_puts(struct text *text, const char *s);
void text_printf(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Hands the string over, to be freed with base_free(). Return: 0, -ENOMEM. */
int text_take(struct text *text, char **out);
void text_fini(struct text *text);

#endif
