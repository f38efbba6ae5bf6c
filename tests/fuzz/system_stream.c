/* SPDX-License-Identifier: MIT */
#include "system_stream.h"

#include <endian.h>
#include <string.h>

#define MSI UINT64_C(0xfee00000)

uint64_t take(struct stream *s, unsigned int bytes)
{
	uint64_t val = 0;

	if (bytes > s->len)
		bytes = (unsigned int)s->len;
	if (bytes)
		memcpy(&val, s->data, bytes);
	s->data += bytes;
	s->len -= bytes;
	return le64toh(val);
}

uint32_t take8(struct stream *s)
{
	return (uint32_t)take(s, 1);
}

uint32_t take_id(struct stream *s)
{
	uint32_t id = take8(s);

	return id == 255 ? (uint32_t)take(s, 4) : id % 16;
}

int take_fd(struct stream *s)
{
	uint32_t which = take8(s);

	return which < 0xf0 ? CLIENT_FD + (int)(which % 12) : which < 0xf4 ? s->c.event[0] : -1;
}

/* Mostly pages of the arena, as devices see them at first. */
uint64_t take_iova(struct stream *s)
{
	uint64_t val = take(s, 2), page = IOVA + val % PLAY * PAGE;

	switch (val >> 5 & 15) {
	case 0:
		return page + (val >> 9) * 4;
	case 1:
		return page + (val >> 9);
	case 2:
		return IOVA + ARENA_SIZE - PAGE;
	case 3:
		return MSI - PAGE + (val >> 9) * 16;
	case 4:
		return UINT64_MAX - (val >> 9);
	case 5:
		return take(s, 8);
	case 6:
		return (val >> 9) * PAGE;
	default:
		return page;
	}
}

uint64_t take_len(struct stream *s)
{
	uint32_t val = take8(s);

	return val == 255 ? take(s, 8) : val == 254 ? UINT64_MAX : val % 64 * PAGE + (val >= 240);
}

/* Memory of the client, or not. */
uintptr_t take_va(struct stream *s)
{
	uint64_t val = take(s, 2);
	uintptr_t base = (uintptr_t)s->c.arena;

	switch (val >> 13) {
	case 0:
		return base + val % ARENA_PAGES * PAGE + (val >> 8 & 31);
	case 1:
		return base - val % 16 * 8;
	case 2:
		return base + ARENA_SIZE - val % 16 * 8;
	case 3:
		return take(s, 8);
	default:
		return base + val % ARENA_PAGES * PAGE;
	}
}
