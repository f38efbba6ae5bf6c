/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "system/nearest.h"

struct command {
	const char *name, *summary;
	int (*main)(int argc, char **argv);
	const char *help;
};

static int help_main(int argc, char **argv);

static const char help_help[] = "Usage: uiommu help [COMMAND]\n"
				"\n"
				"Explains a command, or lists them.\n";

static const struct command commands[] = {
	{ "run", "run a program with devices behind a software IOMMU", run_main, run_help },
	{ "devices", "list the kinds of devices and their options", devices_main, devices_help },
	{ "help", "explain a command", help_main, help_help },
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

void cli_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("uiommu: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

int cli_usage(const char *command, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("uiommu: ", stderr);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\nTry 'uiommu help%s%s'.\n", command ? " " : "", command ? command : "");
	va_end(ap);
	return CLI_USAGE;
}

/* Return: exit status; what was printed has to arrive. */
static int flushed(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		cli_say("can't write to standard output");
		return CLI_FAILED;
	}
	return 0;
}

static int overview(FILE *out)
{
	fputs("Usage: uiommu COMMAND [OPTION]...\n"
	      "       uiommu --version | --help\n"
	      "\n"
	      "/dev/iommu in user space: runs programs that drive devices through /dev/iommu or "
	      "VFIO\n"
	      "on devices that exist in software only.\n"
	      "\n"
	      "Commands:\n",
		out);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(out, "  %-9s%s\n", commands[i].name, commands[i].summary);
	return out == stdout ? flushed() : 0;
}

static const struct command *find(const char *name)
{
	struct nearest near;

	nearest_init(&near, name);
	for (size_t i = 0; i < NCOMMANDS; i++) {
		if (!strcmp(commands[i].name, name))
			return &commands[i];
		nearest_offer(&near, commands[i].name);
	}
	if (near.best)
		cli_usage(NULL, "no command '%s', did you mean '%s'?", name, near.best);
	else
		cli_usage(NULL, "no command '%s'", name);
	return NULL;
}

static int help_main(int argc, char **argv)
{
	const struct command *command;

	if (argc > 2)
		return cli_usage(NULL, "help takes one command");
	if (argc < 2)
		return overview(stdout);
	command = find(argv[1]);
	if (!command)
		return CLI_USAGE;
	fputs(command->help, stdout);
	return flushed();
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	const struct command *command;

	opterr = 0;
	switch (getopt_long(argc, argv, "+:hV", options, NULL)) {
	case 'h':
		return overview(stdout);
	case 'V':
		puts("uiommu " UIOMMU_VERSION);
		return flushed();
	case -1:
		break;
	default:
		return cli_usage(NULL, "unknown option '%s'", argv[optind > 1 ? optind - 1 : 1]);
	}
	if (optind == argc) {
		overview(stderr);
		return CLI_USAGE;
	}
	command = find(argv[optind]);
	if (!command)
		return CLI_USAGE;
	argc -= optind;
	argv += optind;
	optind = 0;
	return command->main(argc, argv);
}
