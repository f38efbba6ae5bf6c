/* SPDX-License-Identifier: MIT */
/* Any text is a topology or is refused with a message; what is accepted has a canonical text, which
 * is its own. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "system/topology.h"

static const struct uiommu_option_desc disk_options[] = {
	{ "drive", "a raw image file", true, true },
	{ "serial", "serial number", false, false },
	{ 0 },
};
static const struct uiommu_model disk = { .name = "disk", .options = disk_options };
static const struct uiommu_option_desc no_options[] = { { 0 } };
static const struct uiommu_model nic = { .name = "nic", .options = no_options };
static const struct uiommu_model *const models[] = { &disk, &nic, NULL };
static const struct sys_format formats[] = { { .name = "x86-64" }, { .name = "armv8" }, { 0 } };
static const struct topology_env env = { models, formats, "/nonexistent" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Return: canonical text, or NULL: refused. */
static char *canonical(const char *text)
{
	char err[SYS_ERR_LEN] = "", *out = NULL;
	struct topology top;
	int ret;

	topology_init(&top, &env);
	ret = topology_add_text(&top, text, NULL, "/cwd", err);
	if (!ret)
		ret = topology_finish(&top, err);
	if (ret && (!err[0] || !memchr(err, '\0', sizeof(err))))
		abort();
	if (!ret && topology_text(&top, &out))
		abort();
	topology_fini(&top);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *first, *second;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	first = canonical(text);
	if (first) {
		second = canonical(first);
		if (!second || strcmp(first, second))
			abort();
		base_free(second);
	}
	base_free(first);
	free(text);
	return 0;
}
