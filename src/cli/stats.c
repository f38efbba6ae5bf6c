/* SPDX-License-Identifier: MIT */
#include "cli/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include "base/mem.h"
#include "system/sys.h"

static uint64_t load(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_channel(struct stats *s, const struct dma_counters *c)
{
	uint64_t misses = load(&c->misses), lookups = load(&c->lookups);

	s->reads += load(&c->reads);
	s->read_bytes += load(&c->read_bytes);
	s->writes += load(&c->writes);
	s->write_bytes += load(&c->write_bytes);
	/* A descendant that lives on may be counting right now. */
	s->hits += lookups > misses ? lookups - misses : 0;
	s->misses += misses;
	s->faults += load(&c->faults);
}

static void sum_up(struct stats *s, const struct sys_stats *file)
{
	*s = (struct stats){
		.pid = file->pid,
		.maps = load(&file->core.maps),
		.unmaps = load(&file->core.unmaps),
		.bytes_mapped = load(&file->core.bytes_mapped_total),
		.areas_left = load(&file->core.areas_now),
		.bytes_left = load(&file->core.bytes_now),
		.vacated = load(&file->core.vacated),
		.interrupts = load(&file->interrupts),
		.traps = load(&file->mmio_traps),
	};
	for (unsigned int i = 0; i < SYS_STATS_CHANS; i++)
		add_channel(s, &file->chan[i]);
}

static void add(struct stats *to, const struct stats *s)
{
	to->maps += s->maps;
	to->unmaps += s->unmaps;
	to->bytes_mapped += s->bytes_mapped;
	to->areas_left += s->areas_left;
	to->bytes_left += s->bytes_left;
	to->vacated += s->vacated;
	to->reads += s->reads;
	to->read_bytes += s->read_bytes;
	to->writes += s->writes;
	to->write_bytes += s->write_bytes;
	to->hits += s->hits;
	to->misses += s->misses;
	to->faults += s->faults;
	to->interrupts += s->interrupts;
	to->traps += s->traps;
}

/* --- Files ----------------------------------------------------------------------------------- */

/* A copy: the program may still be able to cut the file off under a mapping. Return: false if it is
 * no file of counters. */
static bool read_file(int dir, const char *name, struct sys_stats *file)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = pread(fd, file, sizeof(*file), 0);
	close(fd);
	return n == sizeof(*file) && file->magic == SYS_STATS_MAGIC;
}

static int append(struct stats_list *list, const struct sys_stats *file)
{
	struct stats *more = base_realloc(list->process, (list->count + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	list->process = more;
	sum_up(&more[list->count], file);
	add(&list->total, &more[list->count++]);
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct stats *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

int stats_read(struct stats_list *list, const char *path)
{
	struct sys_stats *file = base_zalloc_aligned(_Alignof(struct sys_stats), sizeof(*file));
	DIR *dir = opendir(path);
	struct dirent *ent;
	int ret = !dir ? -errno : file ? 0 : -ENOMEM;

	*list = (struct stats_list){ 0 };
	while (!ret && (ent = readdir(dir))) {
		if (!strncmp(ent->d_name, "stats-", 6) && read_file(dirfd(dir), ent->d_name, file))
			ret = append(list, file);
	}
	if (dir)
		closedir(dir);
	base_free(file);
	if (list->count)
		qsort(list->process, list->count, sizeof(list->process[0]), by_pid);
	return ret;
}

void stats_fini(struct stats_list *list)
{
	base_free(list->process);
	*list = (struct stats_list){ 0 };
}

/* --- Text ------------------------------------------------------------------------------------ */

static double hit_rate(const struct stats *s)
{
	uint64_t all = s->hits + s->misses;

	return all ? (double)s->hits / (double)all : 0;
}

/* "1.5 MiB" */
static const char *bytes(uint64_t n, char *buf, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double v = (double)n;
	unsigned int unit = 0;

	while (v >= 1024 && unit < 6) {
		v /= 1024;
		unit++;
	}
	snprintf(buf, size, unit ? "%.1f %s" : "%.0f %s", v, units[unit]);
	return buf;
}

static void print_one(const struct stats *s, FILE *out)
{
	char a[32], b[32];

	if (s->pid)
		fprintf(out, "process %llu\n", (unsigned long long)s->pid);
	else
		fputs("total\n", out);
	fprintf(out, "  mapped       %llu times, %s; unmapped %llu times\n",
		(unsigned long long)s->maps, bytes(s->bytes_mapped, a, sizeof(a)),
		(unsigned long long)s->unmaps);
	fprintf(out, "  left mapped  %llu areas, %s\n", (unsigned long long)s->areas_left,
		bytes(s->bytes_left, a, sizeof(a)));
	fprintf(out, "  DMA          %llu reads, %s; %llu writes, %s\n",
		(unsigned long long)s->reads, bytes(s->read_bytes, a, sizeof(a)),
		(unsigned long long)s->writes, bytes(s->write_bytes, b, sizeof(b)));
	fprintf(out, "  IOTLB        %llu hits, %llu misses", (unsigned long long)s->hits,
		(unsigned long long)s->misses);
	fprintf(out, s->hits + s->misses ? " (%.2f %% hits)\n" : "\n", 100 * hit_rate(s));
	fprintf(out, "  faults       %llu\n", (unsigned long long)s->faults);
	fprintf(out, "  interrupts   %llu\n", (unsigned long long)s->interrupts);
	fprintf(out, "  traps        %llu register accesses\n", (unsigned long long)s->traps);
}

void stats_print(const struct stats_list *list, FILE *out)
{
	for (unsigned int i = 0; i < list->count; i++)
		print_one(&list->process[i], out);
	if (list->count != 1)
		print_one(&list->total, out);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static int put(struct json_object *to, const char *key, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (json_object_object_add(to, key, value)) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

static struct json_object *json_one(const struct stats *s)
{
	const struct {
		const char *key;
		uint64_t value;
	} fields[] = {
		{ "pid", s->pid },
		{ "maps", s->maps },
		{ "unmaps", s->unmaps },
		{ "bytes_mapped", s->bytes_mapped },
		{ "areas_left_mapped", s->areas_left },
		{ "bytes_left_mapped", s->bytes_left },
		{ "pages_vacated", s->vacated },
		{ "dma_reads", s->reads },
		{ "dma_read_bytes", s->read_bytes },
		{ "dma_writes", s->writes },
		{ "dma_write_bytes", s->write_bytes },
		{ "iotlb_hits", s->hits },
		{ "iotlb_misses", s->misses },
		{ "faults", s->faults },
		{ "interrupts", s->interrupts },
		{ "register_traps", s->traps },
	};
	struct json_object *obj = json_object_new_object();
	int ret = obj ? 0 : -ENOMEM;

	/* The total is of no process. */
	for (size_t i = !s->pid; i < sizeof(fields) / sizeof(fields[0]) && !ret; i++)
		ret = put(obj, fields[i].key, json_object_new_uint64(fields[i].value));
	if (!ret)
		ret = put(obj, "iotlb_hit_rate", json_object_new_double(hit_rate(s)));
	if (ret) {
		json_object_put(obj);
		return NULL;
	}
	return obj;
}

static int json_processes(struct json_object *root, const struct stats_list *list)
{
	struct json_object *array = json_object_new_array();
	int ret = put(root, "processes", array);

	for (unsigned int i = 0; i < list->count && !ret; i++) {
		struct json_object *obj = json_one(&list->process[i]);

		ret = obj ? json_object_array_add(array, obj) : -ENOMEM;
		if (ret)
			json_object_put(obj);
	}
	return ret ? -ENOMEM : 0;
}

int stats_print_json(const struct stats_list *list, FILE *out)
{
	struct json_object *root = json_object_new_object();
	const char *text = NULL;

	if (root && !json_processes(root, list) && !put(root, "total", json_one(&list->total)))
		text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY);
	if (text)
		fprintf(out, "%s\n", text);
	json_object_put(root);
	return text ? 0 : -ENOMEM;
}

/* --- Check ----------------------------------------------------------------------------------- */

static unsigned int finding(const struct stats *s, uint64_t n, const char *what, FILE *out)
{
	if (n)
		fprintf(out, "uiommu: check: process %llu: %llu %s\n", (unsigned long long)s->pid,
			(unsigned long long)n, what);
	return n != 0;
}

unsigned int stats_check(const struct stats_list *list, FILE *out)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < list->count; i++) {
		const struct stats *s = &list->process[i];

		found += finding(s, s->faults, "DMA accesses had no translation", out);
		found += finding(s, s->vacated,
			"pages were unmapped by the program while mapped for DMA", out);
		found +=
			finding(s, s->areas_left, "areas were left mapped for DMA at its end", out);
	}
	if (!found)
		fputs("uiommu: check: nothing found\n", out);
	return found;
}
