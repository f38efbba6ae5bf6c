/* SPDX-License-Identifier: MIT */
/* The options of --device nvme,... */
#include "dev/nvme/ctrl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NS_OPTION(n)                                                                               \
	{                                                                                          \
		"ns" #n, "image of namespace " #n, false, true                                     \
	}

const struct uiommu_option_desc options_table[] = {
	{ "drive", "image of namespace 1: a raw file or block device", true, true },
	NS_OPTION(2),
	NS_OPTION(3),
	NS_OPTION(4),
	NS_OPTION(5),
	NS_OPTION(6),
	NS_OPTION(7),
	NS_OPTION(8),
	NS_OPTION(9),
	NS_OPTION(10),
	NS_OPTION(11),
	NS_OPTION(12),
	NS_OPTION(13),
	NS_OPTION(14),
	NS_OPTION(15),
	NS_OPTION(16),
	{ "lba", "block size, 512 (default) or 4096 bytes", false, false },
	{ "readonly", "on: images are never written (default off)", false, false },
	{ "queues", "I/O queue pairs, 1 to 64 (default 64)", false, false },
	{ "serial", "serial number, up to 20 characters (default: the address)", false, false },
	{ "mdts", "largest transfer, 4096 * 2^N bytes, N 1 to 9 (default 7)", false, false },
	{ "aio", "uring, threads, or auto (default): how images are accessed", false, false },
	{ "msi", "on (default) or off: MSI capability", false, false },
	{ "msix", "on (default) or off: MSI-X capability", false, false },
	{ NULL, NULL, false, false },
};

struct parse {
	struct options *o;
	char *err;
	size_t errlen;
};

static int bad(struct parse *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int bad(struct parse *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->err, p->errlen, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int number(struct parse *p, const struct uiommu_option *opt, unsigned int min,
	unsigned int max, unsigned int *out)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(opt->value, &end, 10);
	if (errno || end == opt->value || *end || *opt->value < '0' || *opt->value > '9' ||
		n < min || n > max)
		return bad(
			p, "%s=%s: must be a number from %u to %u", opt->key, opt->value, min, max);
	*out = (unsigned int)n;
	return 0;
}

static int flag(struct parse *p, const struct uiommu_option *opt, bool *out)
{
	*out = !strcmp(opt->value, "on");
	if (!*out && strcmp(opt->value, "off") != 0)
		return bad(p, "%s=%s: must be on or off", opt->key, opt->value);
	return 0;
}

static int parse_lba(struct parse *p, const struct uiommu_option *opt)
{
	if (!strcmp(opt->value, "512"))
		p->o->lba_lg2 = 9;
	else if (!strcmp(opt->value, "4096"))
		p->o->lba_lg2 = 12;
	else
		return bad(p, "lba=%s: must be 512 or 4096", opt->value);
	return 0;
}

static int parse_aio(struct parse *p, const struct uiommu_option *opt)
{
	if (!strcmp(opt->value, "uring"))
		p->o->aio = AIO_URING;
	else if (!strcmp(opt->value, "threads"))
		p->o->aio = AIO_THREADS;
	else if (!strcmp(opt->value, "auto"))
		p->o->aio = AIO_AUTO;
	else
		return bad(p, "aio=%s: must be uring, threads or auto", opt->value);
	return 0;
}

static int parse_serial(struct parse *p, const struct uiommu_option *opt)
{
	size_t len = strlen(opt->value);

	if (!len || len >= sizeof(p->o->serial))
		return bad(p, "serial=%s: must have 1 to %zu characters", opt->value,
			sizeof(p->o->serial) - 1);
	for (size_t i = 0; i < len; i++)
		if (opt->value[i] < ' ' || opt->value[i] > '~')
			return bad(p, "serial: only printable ASCII characters");
	memcpy(p->o->serial, opt->value, len + 1);
	return 0;
}

static int parse_path(struct parse *p, const struct uiommu_option *opt, unsigned int i)
{
	size_t len = strlen(opt->value) + 1;

	if (len == 1)
		return bad(p, "%s: the name of an image is missing", opt->key);
	base_free(p->o->ns[i].path);
	p->o->ns[i].path = base_alloc(len);
	if (!p->o->ns[i].path) {
		snprintf(p->err, p->errlen, "out of memory");
		return -ENOMEM;
	}
	memcpy(p->o->ns[i].path, opt->value, len);
	return 0;
}

static int parse_ns(struct parse *p, const struct uiommu_option *opt)
{
	char *end;
	unsigned long n = strtoul(opt->key + 2, &end, 10);

	if (*end || n < 2 || n > NS_MAX)
		return bad(p, "%s: unknown option", opt->key);
	return parse_path(p, opt, (unsigned int)n - 1);
}

static int parse_one(struct parse *p, const struct uiommu_option *opt)
{
	struct options *o = p->o;
	unsigned int n;
	int err;

	if (!strcmp(opt->key, "drive"))
		return parse_path(p, opt, 0);
	if (!strcmp(opt->key, "lba"))
		return parse_lba(p, opt);
	if (!strcmp(opt->key, "readonly"))
		return flag(p, opt, &o->readonly);
	if (!strcmp(opt->key, "queues"))
		return number(p, opt, 1, QUEUES_MAX - 1, &o->queues);
	if (!strcmp(opt->key, "serial"))
		return parse_serial(p, opt);
	if (!strcmp(opt->key, "aio"))
		return parse_aio(p, opt);
	if (!strcmp(opt->key, "msi"))
		return flag(p, opt, &o->msi);
	if (!strcmp(opt->key, "msix"))
		return flag(p, opt, &o->msix);
	if (!strncmp(opt->key, "ns", 2))
		return parse_ns(p, opt);
	if (strcmp(opt->key, "mdts") != 0)
		return bad(p, "%s: unknown option", opt->key);
	err = number(p, opt, 1, 9, &n);
	if (!err)
		o->mdts = (uint8_t)n;
	return err;
}

static void defaults(struct options *o, const char *name)
{
	*o = (struct options){
		.lba_lg2 = 9,
		.queues = QUEUES_MAX - 1,
		.mdts = 7,
		.msi = true,
		.msix = true,
	};
	snprintf(o->serial, sizeof(o->serial), "uiommu-%s", name);
}

int options_parse(struct options *o, const struct uiommu_option *opt, unsigned int nopt,
	const char *name, char *err, size_t errlen)
{
	struct parse p = { o, err, errlen };
	int rc = 0;

	defaults(o, name);
	for (unsigned int i = 0; i < nopt && !rc; i++)
		rc = parse_one(&p, &opt[i]);
	if (!rc && !o->ns[0].path)
		rc = bad(&p, "drive: the name of an image is missing");
	if (rc)
		options_fini(o);
	return rc;
}

void options_fini(struct options *o)
{
	for (unsigned int i = 0; i < NS_MAX; i++) {
		base_free(o->ns[i].path);
		o->ns[i].path = NULL;
	}
}
