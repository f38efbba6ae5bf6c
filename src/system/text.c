/* SPDX-License-Identifier: MIT */
#include "system/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Room for @more bytes and a NUL. */
static bool text_reserve(struct text *text, size_t more)
{
	size_t need, cap = text->cap ? text->cap : 64;
	char *s;

	if (text->failed)
		return false;
	if (__builtin_add_overflow(text->len, more + 1, &need) || need > SIZE_MAX / 4) {
		text->failed = true;
		return false;
	}
	if (need <= text->cap)
		return true;
	while (cap < need)
		cap *= 2;
	s = base_realloc(text->s, cap);
	if (!s) {
		text->failed = true;
		return false;
	}
	text->s = s;
	text->cap = cap;
	return true;
}

void text_add(struct text *text, const char *s, size_t len)
{
	if (!text_reserve(text, len))
		return;
	memcpy(text->s + text->len, s, len);
	text->len += len;
	text->s[text->len] = '\0';
}

void text_puts(struct text *text, const char *s)
{
	text_add(text, s, strlen(s));
}

void text_printf(struct text *text, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text->failed = true;
	} else if (text_reserve(text, (size_t)n)) {
		vsnprintf(text->s + text->len, (size_t)n + 1, fmt, again);
		text->len += (size_t)n;
	}
	va_end(again);
}

int text_take(struct text *text, char **out)
{
	text_add(text, "", 0);
	if (text->failed) {
		text_fini(text);
		return -ENOMEM;
	}
	*out = text->s;
	*text = (struct text){ 0 };
	return 0;
}

void text_fini(struct text *text)
{
	base_free(text->s);
	*text = (struct text){ 0 };
}
