/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "cli/cli.h"
#include "system/formats.h"
#include "system/sys.h"

const char devices_help[] =
	"Usage: uiommu devices\n"
	"\n"
	"Lists the kinds of devices that 'uiommu run --device' knows, with their options,\n"
	"and the page-table formats that '--iommu' knows.\n";

static void option(const char *key, const char *meaning, bool required)
{
	printf("    %-12s%s%s\n", key, meaning, required ? " (required)" : "");
}

static void model(const struct uiommu_model *m)
{
	printf("%s: %s\n", m->name, m->summary);
	for (const struct uiommu_option_desc *desc = m->options; desc && desc->key; desc++)
		option(desc->key, desc->meaning, desc->required);
}

int devices_main(int argc, char **argv)
{
	if (argc > 1)
		return cli_usage("devices", "devices takes no argument: '%s'", argv[1]);
	for (const struct uiommu_model *const *m = sys_models; *m; m++)
		model(*m);
	puts("any device:");
	option("bdf", "PCI address (default: the first free of 0000:01:00.0, 0000:02:00.0 ...)",
		false);
	option("group",
		"IOMMU group's number, the same for devices that share one (default: a free one)",
		false);
	option("bar",
		"how accesses to mapped registers are seen: auto, trap or poll (default: auto)",
		false);
	puts("IOMMU formats:");
	for (const struct sys_format *f = sys_formats; f->name; f++)
		printf("    %-12s%s%s\n", f->name, f->summary,
			f == sys_formats ? " (default)" : "");
	if (fflush(stdout)) {
		cli_say("can't write to standard output");
		return CLI_FAILED;
	}
	return 0;
}
