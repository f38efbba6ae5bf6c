/* SPDX-License-Identifier: MIT */
/*
 * Raw requests on files of every kind, with a device that does nothing but DMA on the caller's
 * thread: no other thread takes part, so that an input is repeated exactly, and a thousand fit into
 * a second.
 *
 * A step is a byte for the file, one for the request, one for what the argument is, one for its
 * size, and the argument. In it a word 0xfdNN stands for descriptor NN, and a double word whose
 * upper half is 0xa5a5a5a5 for a place in the client's memory.
 */
#include <stdlib.h>
#include <string.h>

#include <uiommu/abi/vfio.h>

#include "system_client.h"

#define STEPS	   128u
#define BODY	   192u
#define FD_WORD	   0xfdu
#define MEM_DWORD  UINT64_C(0xa5a5a5a5)
#define DO_OPEN	   0x40u /* besides requests, whose numbers are 0x64 to 0x95 */
#define DO_CLOSE   0x41u
#define DO_DMA	   0x42u
#define DO_VACATE  0x43u
#define IOCTL_BASE 0x3b00u
#define COMMAND	   (((uint64_t)UIOMMU_VFIO_PCI_REGION_CONFIG << UIOMMU_VFIO_PCI_REGION_SHIFT) + 4)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t len;
};

static uint8_t take8(struct input *in)
{
	if (!in->len)
		return 0;
	in->len--;
	return *in->data++;
}

/* Descriptors and memory have other numbers in each process. */
static void body_relocate(const struct client *c, uint8_t *body, size_t len)
{
	for (size_t i = 0; i + 4 <= len; i += 4) {
		uint32_t word;

		memcpy(&word, body + i, sizeof(word));
		if (word >> 8 != FD_WORD)
			continue;
		word = word & 0x80 ? (uint32_t)c->event[word & 1] : CLIENT_FD + (word & 15);
		memcpy(body + i, &word, sizeof(word));
	}
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t dword;

		memcpy(&dword, body + i, sizeof(dword));
		if (dword >> 32 != MEM_DWORD)
			continue;
		dword = (uintptr_t)c->arena + (uint32_t)dword % (2 * ARENA_SIZE);
		memcpy(body + i, &dword, sizeof(dword));
	}
}

static void do_request(struct client *c, struct input *in, int fd, uint8_t nr)
{
	uint8_t body[BODY] = { 0 }, how = take8(in);
	size_t len = take8(in) % BODY;
	uintptr_t arg = (uintptr_t)c->body;

	for (size_t i = 0; i < len; i++)
		body[i] = take8(in);
	body_relocate(c, body, len);
	if (how & 1)
		arg = (uintptr_t)c->arena + how % 32 * 8;
	else if (how & 2)
		arg = (uintptr_t)c->arena + ARENA_SIZE - how % 64; /* ends in the middle */
	else if (how & 4)
		arg = how >> 3; /* a value, or no memory at all */
	if (arg == (uintptr_t)c->body)
		memcpy(c->body, body, BODY);
	else
		client_store(c, arg - (uintptr_t)c->arena, body, how & 2 ? how % 64u : len);
	client_ioctl(c, fd, IOCTL_BASE | nr, arg);
}

static void do_dma(struct client *c, struct input *in)
{
	struct abi_file *device = client_device(c, take8(in));
	const uint16_t master = 6; /* and memory decoding */
	uint64_t iova = 0;

	for (unsigned int i = 0; i < 8; i++)
		iova |= (uint64_t)take8(in) << (8 * i);
	if (!device)
		return;
	device->ops->write(device, &master, sizeof(master), COMMAND);
	device->ops->write(device, &iova, sizeof(iova), 0);
}

static void step(struct client *c, struct input *in)
{
	int fd = CLIENT_FD + take8(in) % (int)CLIENT_FILES;
	uint8_t nr = take8(in), how;

	switch (nr) {
	case DO_OPEN:
		how = take8(in);
		client_open(c, (enum sys_node)(how & 3), how >> 2);
		break;
	case DO_CLOSE:
		client_close(c, fd);
		break;
	case DO_DMA:
		do_dma(c, in);
		break;
	case DO_VACATE:
		how = take8(in);
		if (sys_user_vacate(c->sys, (uintptr_t)c->arena + how * PAGE, take8(in) * PAGE))
			abort();
		break;
	default:
		do_request(c, in, fd, nr);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct client c;

	client_init(&c, take8(&in) | CLIENT_PLAIN);
	for (unsigned int i = 0; i < STEPS && in.len; i++)
		step(&c, &in);
	client_fini(&c);
	return 0;
}
