/* SPDX-License-Identifier: MIT */
#include "system/nearest.h"

#include <string.h>

/* Longer names are never misspelt ones of ours. */
#define NAME_MAX_LEN 32

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Edits (insert, delete, replace one character) that make @b of @a; both at most NAME_MAX_LEN. */
static size_t edits(const char *a, size_t na, const char *b, size_t nb)
{
	size_t row[NAME_MAX_LEN + 1];

	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t diag = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t up = row[j];

			row[j] = min3(up + 1, row[j - 1] + 1, diag + (a[i - 1] != b[j - 1]));
			diag = up;
		}
	}
	return row[nb];
}

void nearest_init(struct nearest *near, const char *name)
{
	near->name = name;
	near->best = NULL;
	/* A third of the letters may be wrong, and two always. */
	near->distance = strlen(name) / 3 + 1;
	if (near->distance < 3)
		near->distance = 3;
}

void nearest_offer(struct nearest *near, const char *candidate)
{
	size_t na = strlen(near->name), nb = strlen(candidate), distance;

	if (na > NAME_MAX_LEN || nb > NAME_MAX_LEN)
		return;
	distance = edits(near->name, na, candidate, nb);
	if (distance >= near->distance || distance >= (na > nb ? na : nb))
		return;
	near->best = candidate;
	near->distance = distance;
}
