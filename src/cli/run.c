/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/environment.h"
#include "cli/program.h"
#include "cli/stats.h"
#include "cli/supervise.h"
#include "system/hold.h"
#include "system/text.h"
#include "system/topology.h"
#include "system/tree.h"

#define TOPOLOGY_FILE_MAX (1u << 20)

const char run_help[] =
	"Usage: uiommu run [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
	"\n"
	"Runs PROGRAM so that it sees /dev/iommu, VFIO and the given devices.\n"
	"\n"
	"  --device KIND,KEY=VALUE,...  a device; 'uiommu devices' lists kinds and keys.\n"
	"                               A ',' in a value is written ',,'\n"
	"  --iommu FORMAT               format of I/O page tables (default: x86-64)\n"
	"  --memlock LIMIT              refuse maps that pin more: bytes (64M), or rlimit\n"
	"  --topology FILE              more of these, one a line, without the dashes;\n"
	"                               relative paths in it are relative to its folder\n"
	"  --stats[=text|json]          at the end, print what was counted to standard error\n"
	"  --stats-file FILE            print it to FILE instead\n"
	"  --check                      at the end, tell of faults, and of what was left mapped\n"
	"  --engine=inside              the engine runs in the program's own process (default)\n"
	"\n"
	"The status is the program's; if a signal ended it, the same signal ends uiommu.\n"
	"126: PROGRAM can't be run this way; 127: not found; 2: bad options; 125: other errors.\n"
	"\n"
	"Example:\n"
	"  uiommu run --device nvme,drive=disk.img -- qemu-img convert nvme://0000:01:00.0/1 "
	"out.raw\n";

enum stats_format {
	STATS_NONE,
	STATS_TEXT,
	STATS_JSON,
};

struct run {
	struct topology top;
	char cwd[PATH_MAX], err[SYS_ERR_LEN];
	enum stats_format stats;
	const char *stats_file;
	FILE *stats_out;
	bool check;
	struct program program;
	char *text; /* the topology, canonical */
	struct drive_hold hold;
	struct rundir dir;
	struct inherited inherited;
};

/* --- Options --------------------------------------------------------------------------------- */

/* What went wrong with a topology, in its own words. */
static int topology_failed(const struct run *run, int ret)
{
	if (ret == -ENOMEM) {
		cli_say("%s", run->err);
		return CLI_FAILED;
	}
	return cli_usage("run", "%s", run->err);
}

static int add_device(struct run *run, const char *spec)
{
	char where[100];
	int ret;

	snprintf(where, sizeof(where), "--device %.80s", spec);
	ret = topology_add_device(&run->top, spec, where, run->cwd, run->err);
	return ret ? topology_failed(run, ret) : 0;
}

static int set_format(struct run *run, const char *name)
{
	int ret = topology_set_format(&run->top, name, "--iommu", run->err);

	return ret ? topology_failed(run, ret) : 0;
}

static int set_memlock(struct run *run, const char *value)
{
	int ret = topology_set_memlock(&run->top, value, "--memlock", run->err);

	return ret ? topology_failed(run, ret) : 0;
}

static int read_text(FILE *in, struct text *text)
{
	char buf[4096];
	size_t n;

	while ((n = fread(buf, 1, sizeof(buf), in))) {
		if (memchr(buf, '\0', n) || text->len + n > TOPOLOGY_FILE_MAX)
			return -EINVAL;
		text_add(text, buf, n);
	}
	return ferror(in) ? -errno : 0;
}

static int read_topology(const char *file, char **out)
{
	struct text text = { 0 };
	FILE *in = fopen(file, "re");
	int ret = in ? read_text(in, &text) : -errno;

	if (in)
		fclose(in);
	if (!ret)
		return text_take(&text, out);
	text_fini(&text);
	return ret;
}

/* The folder of @file, absolute. */
static int folder_of(const char *file, char *folder)
{
	char own[PATH_MAX];

	if (strlen(file) >= sizeof(own))
		return -ENAMETOOLONG;
	strcpy(own, file);
	return realpath(dirname(own), folder) ? 0 : -errno;
}

static int add_file(struct run *run, const char *file)
{
	char folder[PATH_MAX], *text;
	int ret = read_topology(file, &text);

	if (ret == -EINVAL)
		return cli_usage(
			"run", "--topology %s: not a text file, or longer than 1 MiB", file);
	if (ret)
		return cli_usage("run", "--topology %s: %s", file, strerror(-ret));
	ret = folder_of(file, folder);
	if (ret)
		snprintf(run->err, sizeof(run->err), "--topology %.200s: %s", file, strerror(-ret));
	else
		ret = topology_add_text(&run->top, text, file, folder, run->err);
	base_free(text);
	return ret ? topology_failed(run, ret) : 0;
}

static int set_stats(struct run *run, const char *format)
{
	if (!format || !strcmp(format, "text"))
		run->stats = STATS_TEXT;
	else if (!strcmp(format, "json"))
		run->stats = STATS_JSON;
	else
		return cli_usage("run", "--stats=%s: it is text or json", format);
	return 0;
}

static int set_engine(const char *place)
{
	if (strcmp(place, "inside"))
		return cli_usage("run", "--engine=%s: it is inside", place);
	return 0;
}

enum option_id {
	OPT_DEVICE = 256,
	OPT_IOMMU,
	OPT_MEMLOCK,
	OPT_TOPOLOGY,
	OPT_STATS,
	OPT_STATS_FILE,
	OPT_ENGINE,
	OPT_CHECK,
	OPT_HELP,
};

static const struct option options[] = {
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "iommu", required_argument, NULL, OPT_IOMMU },
	{ "memlock", required_argument, NULL, OPT_MEMLOCK },
	{ "topology", required_argument, NULL, OPT_TOPOLOGY },
	{ "stats", optional_argument, NULL, OPT_STATS },
	{ "stats-file", required_argument, NULL, OPT_STATS_FILE },
	{ "engine", required_argument, NULL, OPT_ENGINE },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

static int bad_option(char **argv, int opt)
{
	const char *given = argv[optind - 1];

	if (opt == ':')
		return cli_usage("run", "%s needs a value", given);
	if (optopt >= OPT_DEVICE)
		return cli_usage("run", "%s takes no value", given);
	if (optopt)
		return cli_usage("run", "unknown option '-%c'", optopt);
	return cli_usage("run", "unknown or ambiguous option '%s'", given);
}

/* Return: 0, or an exit status. */
static int take_option(struct run *run, char **argv, int opt)
{
	switch (opt) {
	case OPT_DEVICE:
		return add_device(run, optarg);
	case OPT_IOMMU:
		return set_format(run, optarg);
	case OPT_MEMLOCK:
		return set_memlock(run, optarg);
	case OPT_TOPOLOGY:
		return add_file(run, optarg);
	case OPT_STATS:
		return set_stats(run, optarg);
	case OPT_STATS_FILE:
		run->stats_file = optarg;
		return 0;
	case OPT_ENGINE:
		return set_engine(optarg);
	case OPT_CHECK:
		run->check = true;
		return 0;
	default:
		return bad_option(argv, opt);
	}
}

static int parse_options(struct run *run, int argc, char **argv, bool *help)
{
	int opt, ret = 0;

	opterr = 0;
	while (!ret && (opt = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			*help = true;
			return 0;
		}
		ret = take_option(run, argv, opt);
	}
	if (ret)
		return ret;
	if (optind == argc)
		return cli_usage("run", "which program?");
	ret = topology_finish(&run->top, run->err);
	return ret ? topology_failed(run, ret) : 0;
}

/* --- Before ---------------------------------------------------------------------------------- */

static int open_stats(struct run *run)
{
	if (!run->stats_file)
		return 0;
	if (!run->stats)
		run->stats = STATS_TEXT;
	run->stats_out = fopen(run->stats_file, "we");
	if (!run->stats_out)
		return cli_usage("run", "--stats-file %s: %s", run->stats_file, strerror(errno));
	return 0;
}

/* What can be said before anything is made. */
static int check(struct run *run, const char *name)
{
	struct uiommu_pdev **pdev;
	int ret = topology_make(&run->top, &pdev, run->err);

	if (ret)
		return topology_failed(run, ret);
	topology_unmake(&run->top, pdev);
	if (getenv(SYS_ENV_RUN_DIR)) {
		cli_say("this is already inside of a run (%s is set)", SYS_ENV_RUN_DIR);
		return CLI_FAILED;
	}
	ret = program_find(&run->program, name);
	if (!ret)
		ret = open_stats(run);
	if (!ret && topology_text(&run->top, &run->text)) {
		cli_say("out of memory");
		ret = CLI_FAILED;
	}
	return ret;
}

static int make_tree(struct run *run)
{
	char root[PATH_MAX + 8];
	int ret = 0;

	snprintf(root, sizeof(root), "%s/root", run->dir.path);
	if (mkdir(root, 0700)) {
		ret = -errno;
		snprintf(run->err, sizeof(run->err), "can't make %.200s: %s", root, strerror(-ret));
	}
	if (!ret)
		ret = tree_build_topology(root, &run->top, run->err);
	if (ret)
		cli_say("%s", run->err);
	return ret ? CLI_FAILED : 0;
}

static int prepare(struct run *run)
{
	char base[PATH_MAX / 2];
	int ret = drive_hold_take(&run->hold, &run->top, run->err);

	if (ret)
		return topology_failed(run, ret);
	rundir_base(base);
	rundir_clean(base);
	if (rundir_new(&run->dir, base)) {
		drive_hold_drop(&run->hold);
		return CLI_FAILED;
	}
	ret = make_tree(run);
	if (!ret)
		ret = environment_set(&run->program, &run->dir, run->text);
	if (ret) {
		rundir_remove(&run->dir);
		drive_hold_drop(&run->hold);
	}
	return ret;
}

/* --- After ----------------------------------------------------------------------------------- */

static void report(struct run *run)
{
	struct stats_list list;
	FILE *out = run->stats_out ? run->stats_out : stderr;
	int ret;

	if (!run->stats && !run->check)
		return;
	ret = stats_read(&list, run->dir.path);
	if (!ret && run->stats == STATS_TEXT)
		stats_print(&list, out);
	else if (!ret && run->stats == STATS_JSON)
		ret = stats_print_json(&list, out);
	if (!ret && run->check)
		stats_check(&list, stderr);
	if (!ret && fflush(out))
		ret = -errno;
	if (ret)
		cli_say("can't report what was counted: %s", strerror(-ret));
	stats_fini(&list);
}

/* Ends as the program did, without a core dump of our own. */
static int end_as(int status)
{
	sigset_t set;
	int sig;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	sig = WTERMSIG(status);
	prctl(PR_SET_DUMPABLE, 0);
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
	return 128 + sig;
}

static int exec_failed(const struct run *run, int err)
{
	cli_say("%s: %s", run->program.path, strerror(err));
	return err == ENOENT ? CLI_NOT_FOUND : CLI_CANT_RUN;
}

static int go(struct run *run, char **argv, int *status)
{
	struct launch launch = {
		.inherited = run->inherited,
		.path = run->program.path,
		.argv = argv,
		.dir = &run->dir,
		.keep = run->hold.fd,
		.nkeep = run->hold.count,
	};
	struct supervision sup;
	int ret = supervise(&sup, &launch);

	if (sup.keeper <= 0)
		rundir_remove(&run->dir);
	if (!ret && sup.started)
		report(run);
	supervise_end(&sup);
	if (ret) {
		cli_say("can't look after the program: %s", strerror(-ret));
		return CLI_FAILED;
	}
	if (!sup.started)
		return exec_failed(run, sup.exec_err);
	*status = sup.status;
	return 0;
}

/* Our descriptors mustn't come to be the program's standard input or output. */
static int open_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 3);
	if (fd < 0) {
		cli_say("can't open /dev/null: %s", strerror(errno));
		return CLI_FAILED;
	}
	close(fd);
	return 0;
}

static int run(struct run *run, char **argv, int *status)
{
	int ret = check(run, argv[0]);

	if (ret)
		return ret;
	supervise_begin(&run->inherited);
	ret = prepare(run);
	if (ret)
		return ret;
	ret = go(run, argv, status);
	drive_hold_drop(&run->hold);
	return ret;
}

int run_main(int argc, char **argv)
{
	struct run *r = base_zalloc(sizeof(*r));
	bool help = false;
	int ret, status = 0;

	if (!r || !getcwd(r->cwd, sizeof(r->cwd))) {
		cli_say("can't begin: %s", r ? strerror(errno) : "out of memory");
		base_free(r);
		return CLI_FAILED;
	}
	topology_init(&r->top, &topology_env);
	ret = open_standard();
	if (!ret)
		ret = parse_options(r, argc, argv, &help);
	if (help)
		fputs(run_help, stdout);
	else if (!ret)
		ret = run(r, argv + optind, &status);
	topology_fini(&r->top);
	base_free(r->text);
	if (r->stats_out)
		fclose(r->stats_out);
	base_free(r);
	return ret ? ret : end_as(status);
}
