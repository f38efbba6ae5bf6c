/* SPDX-License-Identifier: MIT */
/*
 * An unmodified client: qemu-img bench on the NVMe device, 4 KiB reads with 64 in flight, in a run
 * of its own for each sample. Beside it the same with a preload library that looks addresses up in
 * a flat table (preload_flat.c; QEMU chooses I/O virtual addresses itself, so that they can't be
 * its own), and fio on the same file. The three take turns.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define READS	    200000u
#define SAMPLES	    9
#define SAMPLES_MAX 100
#define IMAGE_SIZE  (64u << 20)

static char dir[] = "/tmp/uiommu-bench-XXXXXX";
static char build[PATH_MAX]; /* the build directory */

static const char *const parts[] = { "/flat", "/flat/src", "/flat/src/front",
	"/flat/src/front/preload" };

/* What a side is: a command, and where in its output the figure is. */
struct side {
	char command[3 * PATH_MAX + 512];
	double (*parse)(const char *line); /* nanoseconds per read; 0: not this line */
	double sample[SAMPLES_MAX];
};

static double parse_qemu_img(const char *line)
{
	double seconds;

	return sscanf(line, "Run completed in %lf seconds", &seconds) == 1 ? seconds * 1e9 / READS
									   : 0;
}

/* Terse output, version 3: the eighth field is the reads' IOPS. */
static double parse_fio(const char *line)
{
	if (strncmp(line, "3;", 2))
		return 0;
	for (unsigned int i = 1; i < 8 && line; i++) {
		line = strchr(line, ';');
		line = line ? line + 1 : NULL;
	}
	return line && atof(line) > 0 ? 1e9 / atof(line) : 0;
}

/* Return: 0 if it failed. */
static double measure(const struct side *side)
{
	FILE *out = popen(side->command, "r");
	char line[4096];
	double ns = 0;

	if (!out)
		return 0;
	while (fgets(line, sizeof(line), out))
		ns = ns > 0 ? ns : side->parse(line);
	return pclose(out) ? 0 : ns;
}

static bool has(const char *program)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
	return !system(command);
}

static bool find_build(void)
{
	ssize_t n = readlink("/proc/self/exe", build, sizeof(build) - 1);

	for (int i = 0; i < 2 && n > 0; i++) {
		build[n] = '\0';
		n = strrchr(build, '/') - build;
	}
	if (n <= 0 || strchr(build, '\''))
		return false;
	build[n] = '\0';
	return true;
}

static bool copy(const char *from, const char *to)
{
	char command[2 * PATH_MAX + 64];

	snprintf(command, sizeof(command), "cp '%s%s' '%s%s'", build, from, dir, to);
	return !system(command);
}

/* The command finds its preload library relative to itself. */
static bool make_flat(void)
{
	char path[128];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, parts[i]);
		if (mkdir(path, 0700))
			return false;
	}
	return copy("/uiommu", "/flat/uiommu") &&
	       copy("/bench/libuiommu-preload-flat.so",
		       "/flat/src/front/preload/libuiommu-preload.so");
}

static bool make_image(void)
{
	static char block[1 << 20];
	char path[128];
	FILE *file;
	bool fine;

	snprintf(path, sizeof(path), "%s/image", dir);
	file = fopen(path, "w");
	memset(block, 0x5a, sizeof(block));
	fine = file;
	for (size_t at = 0; fine && at < IMAGE_SIZE; at += sizeof(block))
		fine = fwrite(block, sizeof(block), 1, file) == 1;
	return (!file || !fclose(file)) && fine;
}

static void qemu_img(struct side *side, const char *where, const char *command)
{
	side->parse = parse_qemu_img;
	snprintf(side->command, sizeof(side->command),
		"'%s%s' run --device nvme,drive='%s/image',bdf=0000:01:00.0 -- "
		"qemu-img bench -c %u -d 64 -s 4096 -f raw -t none nvme://0000:01:00.0/1",
		where, command, dir, READS);
}

static void fio(struct side *side)
{
	side->parse = parse_fio;
	snprintf(side->command, sizeof(side->command),
		"fio --name=x --filename='%s/image' --rw=read --bs=4k --iodepth=64 "
		"--ioengine=io_uring --direct=0 --invalidate=0 --readonly --size=%u "
		"--io_size=%llu --output-format=terse --terse-version=3",
		dir, IMAGE_SIZE, READS * 4096ull);
}

static void remove_all(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	if (system(command))
		perror(dir);
}

static int report(struct side *subject, struct side *flat, struct side *peer, size_t n)
{
	struct bench_row row = {
		.path = "qemu-img/read 4 KiB, 64 at a time, beside fio",
		.reference = { .name = "peer: fio, io_uring, same file" },
		.goal = { BENCH_AT_MOST, 10000, "at least 100,000 IOPS" },
	};
	struct bench_row translation = {
		.path = "qemu-img/read 4 KiB, 64 at a time",
		.reference = { .name = "without translation: a flat table" },
		.goal = { BENCH_RATIO_AT_MOST, 1 / 0.95, "at least 0.95 of the I/Os per second" },
	};
	int rc = bench_report(&translation, subject->sample, n, flat->sample, n);

	return rc | bench_report(&row, subject->sample, n, peer->sample, n);
}

static int run(size_t n)
{
	static struct side side[3];

	qemu_img(&side[0], build, "/uiommu");
	qemu_img(&side[1], dir, "/flat/uiommu");
	fio(&side[2]);
	for (size_t i = 0; i < n; i++) {
		for (unsigned int s = 0; s < 3; s++) {
			side[s].sample[i] = measure(&side[s]);
			if (side[s].sample[i] > 0)
				continue;
			fprintf(stderr, "bench-qemu_img: failed: %s\n", side[s].command);
			return -1;
		}
	}
	return report(&side[0], &side[1], &side[2], n);
}

int main(void)
{
	const char *env = getenv("UIOMMU_BENCH_SAMPLES"), *filter = getenv("UIOMMU_BENCH_FILTER");
	int n = env && atoi(env) > 0 ? atoi(env) : SAMPLES, rc = -1;

	if (filter && !strstr("qemu-img/read 4 KiB, 64 at a time, beside fio", filter))
		return EXIT_SUCCESS;
	if (!has("qemu-img") || !has("fio")) {
		fprintf(stderr, "bench-qemu_img: needs qemu-img and fio\n");
		return 77;
	}
	if (!mkdtemp(dir))
		return EXIT_FAILURE;
	if (find_build() && make_flat() && make_image())
		rc = run((size_t)(n < SAMPLES_MAX ? n : SAMPLES_MAX));
	remove_all();
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}
