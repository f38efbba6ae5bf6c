/* SPDX-License-Identifier: MIT */
#include "system/topology.h"

#include <sys/resource.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "system/nearest.h"
#include "system/text.h"

static const char *const bar_modes[] = {
	[PDEV_BAR_AUTO] = "auto",
	[PDEV_BAR_TRAP] = "trap",
	[PDEV_BAR_POLL] = "poll",
};
#define NBAR_MODES (sizeof(bar_modes) / sizeof(bar_modes[0]))

static const char *const common_keys[] = { "bdf", "group", "bar" };
#define NCOMMON_KEYS (sizeof(common_keys) / sizeof(common_keys[0]))

/* One item being added. */
struct item {
	struct topology *top;
	const char *where, *cwd;
	char *err;
};

static int __attribute__((format(printf, 2, 3))) bad(const struct item *it, const char *fmt, ...)
{
	int n = snprintf(it->err, SYS_ERR_LEN, "%s: ", it->where);
	va_list ap;

	if (n < 0 || n >= SYS_ERR_LEN)
		return -EINVAL;
	va_start(ap, fmt);
	vsnprintf(it->err + n, (size_t)(SYS_ERR_LEN - n), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int no_memory(const struct item *it)
{
	bad(it, "out of memory");
	return -ENOMEM;
}

static char *copy(const char *s, size_t len)
{
	char *new = base_alloc(len + 1);

	if (!new)
		return NULL;
	memcpy(new, s, len);
	new[len] = '\0';
	return new;
}

/* --- Messages that list what is valid -------------------------------------------------------- */

/* A message under construction: "what; did you mean 'best'? label: a, b, c". */
struct hint {
	struct nearest near;
	char list[300];
	size_t len;
};

static void hint_init(struct hint *hint, const char *name)
{
	nearest_init(&hint->near, name);
	hint->list[0] = '\0';
	hint->len = 0;
}

static void hint_offer(struct hint *hint, const char *name)
{
	size_t room = sizeof(hint->list) - hint->len;
	int n = snprintf(hint->list + hint->len, room, "%s%s", hint->len ? ", " : "", name);

	if (n >= 0)
		hint->len += (size_t)n < room ? (size_t)n : room - 1;
	nearest_offer(&hint->near, name);
}

static int hint_refuse(const struct item *it, const struct hint *hint, const char *what)
{
	if (hint->near.best)
		return bad(it, "unknown %s '%.64s', did you mean '%s'? Known: %s", what,
			hint->near.name, hint->near.best, hint->list);
	return bad(it, "unknown %s '%.64s'. Known: %s", what, hint->near.name, hint->list);
}

/* --- Values ---------------------------------------------------------------------------------- */

/* "DDDD:BB:DD.F", or without the domain; in lower case to @out. */
static bool parse_bdf(const char *s, char *out, size_t size)
{
	unsigned int domain = 0, bus, slot, fn;
	int end = -1;

	if (strspn(s, "0123456789abcdefABCDEF:.") != strlen(s))
		return false;
	if (strlen(s) == 12 && sscanf(s, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &fn, &end) != 4)
		return false;
	if (strlen(s) == 7 && sscanf(s, "%2x:%2x.%1x%n", &bus, &slot, &fn, &end) != 3)
		return false;
	if (end < 0 || (size_t)end != strlen(s) || slot > 0x1f || fn > 7)
		return false;
	snprintf(out, size, "%04x:%02x:%02x.%x", domain, bus, slot, fn);
	return true;
}

static int set_bdf(const struct item *it, struct topology_device *dev, const char *val)
{
	if (!parse_bdf(val, dev->spec.bdf, sizeof(dev->spec.bdf)))
		return bad(it, "bdf '%.64s' isn't a PCI address like 0000:01:00.0", val);
	dev->has_bdf = true;
	return 0;
}

static int set_group(const struct item *it, struct topology_device *dev, const char *val)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(val, &end, 10);
	if (!isdigit((unsigned char)val[0]) || *end || errno || n > TOPOLOGY_MAX_GROUP)
		return bad(
			it, "group '%.64s' isn't a number from 0 to %u", val, TOPOLOGY_MAX_GROUP);
	dev->spec.group = (unsigned int)n;
	dev->has_group = true;
	return 0;
}

static int set_bar_mode(const struct item *it, struct topology_device *dev, const char *val)
{
	for (unsigned int i = 0; i < NBAR_MODES; i++) {
		if (!strcmp(val, bar_modes[i])) {
			dev->bar_mode = (enum pdev_bar_mode)i;
			return 0;
		}
	}
	return bad(it, "bar '%.64s' isn't auto, trap or poll", val);
}

static char *absolute(const char *path, const char *cwd)
{
	struct text text = { 0 };
	char *out;

	if (path[0] == '/')
		return copy(path, strlen(path));
	while (path[0] == '.' && path[1] == '/') {
		path += 2;
		while (*path == '/')
			path++;
	}
	text_puts(&text, cwd);
	if (cwd[strlen(cwd) - 1] != '/')
		text_puts(&text, "/");
	text_puts(&text, path);
	return text_take(&text, &out) ? NULL : out;
}

static int set_own(const struct item *it, struct topology_device *dev,
	const struct uiommu_option_desc *desc, const char *val)
{
	struct uiommu_option *opt;
	char *own;

	if (desc->path && val[0] != '/' && (!it->cwd || it->cwd[0] != '/'))
		return bad(it, "%s '%.200s' isn't an absolute path", desc->key, val);
	own = desc->path ? absolute(val, it->cwd) : copy(val, strlen(val));
	if (!own)
		return no_memory(it);
	opt = base_realloc(dev->opt, (dev->nopt + 1) * sizeof(*opt));
	if (!opt) {
		base_free(own);
		return no_memory(it);
	}
	opt[dev->nopt++] = (struct uiommu_option){ desc->key, own };
	dev->opt = opt;
	return 0;
}

/* --- A device's specification ---------------------------------------------------------------- */

static const struct uiommu_option_desc *find_option(
	const struct uiommu_model *model, const char *key)
{
	for (const struct uiommu_option_desc *desc = model->options; desc && desc->key; desc++) {
		if (!strcmp(desc->key, key))
			return desc;
	}
	return NULL;
}

static const char *own_value(const struct topology_device *dev, const char *key)
{
	for (unsigned int i = 0; i < dev->nopt; i++) {
		if (!strcmp(dev->opt[i].key, key))
			return dev->opt[i].value;
	}
	return NULL;
}

static int refuse_kind(const struct item *it, const char *kind)
{
	struct hint hint;

	hint_init(&hint, kind);
	for (const struct uiommu_model *const *m = it->top->env->models; *m; m++)
		hint_offer(&hint, (*m)->name);
	return hint_refuse(it, &hint, "device kind");
}

static int refuse_key(const struct item *it, const struct uiommu_model *model, const char *key)
{
	struct hint hint;
	char what[80];

	hint_init(&hint, key);
	for (const struct uiommu_option_desc *desc = model->options; desc && desc->key; desc++)
		hint_offer(&hint, desc->key);
	for (unsigned int i = 0; i < NCOMMON_KEYS; i++)
		hint_offer(&hint, common_keys[i]);
	snprintf(what, sizeof(what), "%s option", model->name);
	return hint_refuse(it, &hint, what);
}

/* Values come back from the canonical text as they went in: nothing that a line would lose. */
static int check_value(const struct item *it, const char *key, const char *val)
{
	size_t len = strlen(val);

	if (!len)
		return bad(it, "%.64s is empty", key);
	if (isblank((unsigned char)val[0]) || isblank((unsigned char)val[len - 1]))
		return bad(it, "%.64s '%.200s' begins or ends with a blank", key, val);
	for (size_t i = 0; i < len; i++) {
		if (iscntrl((unsigned char)val[i]))
			return bad(it, "%.64s has a control character in its value", key);
	}
	return 0;
}

/* @opt: "key=value", unescaped; changed. @seen: common keys that this device has had. */
static int set_option(
	const struct item *it, struct topology_device *dev, unsigned int *seen, char *opt)
{
	static int (*const set[NCOMMON_KEYS])(const struct item *, struct topology_device *,
		const char *) = { set_bdf, set_group, set_bar_mode };
	const struct uiommu_option_desc *desc;
	char *eq = strchr(opt, '=');
	int ret;

	if (!eq || eq == opt)
		return bad(it, "'%.64s' isn't key=value", opt);
	*eq = '\0';
	for (unsigned int i = 0; i < NCOMMON_KEYS; i++) {
		if (strcmp(opt, common_keys[i]))
			continue;
		if (*seen & 1u << i)
			return bad(it, "%s is given twice", opt);
		*seen |= 1u << i;
		ret = check_value(it, opt, eq + 1);
		return ret ? ret : set[i](it, dev, eq + 1);
	}
	desc = find_option(dev->spec.model, opt);
	if (!desc)
		return refuse_key(it, dev->spec.model, opt);
	if (own_value(dev, opt))
		return bad(it, "%s is given twice", opt);
	ret = check_value(it, opt, eq + 1);
	return ret ? ret : set_own(it, dev, desc, eq + 1);
}

static int check_required(const struct item *it, const struct topology_device *dev)
{
	const struct uiommu_option_desc *desc;

	for (desc = dev->spec.model->options; desc && desc->key; desc++) {
		if (desc->required && !own_value(dev, desc->key))
			return bad(it, "%s needs %s=... (%s)", dev->spec.model->name, desc->key,
				desc->meaning);
	}
	return 0;
}

/* Cuts the next part off @rest, unescaped in place; NULL at the end. */
static char *next_part(char **rest)
{
	char *part = *rest, *in = part, *out = part;

	if (!part)
		return NULL;
	for (; *in && (*in != ',' || in[1] == ','); in++) {
		*out++ = *in;
		in += *in == ',';
	}
	*rest = *in ? in + 1 : NULL;
	*out = '\0';
	return part;
}

static int parse_device(const struct item *it, struct topology_device *dev, char *spec)
{
	char *rest = spec, *part = next_part(&rest);
	const struct uiommu_model *const *m = it->top->env->models;
	unsigned int seen = 0;
	int ret = 0;

	if (!*part)
		return bad(it, "a device is KIND,key=value,...");
	while (*m && strcmp((*m)->name, part))
		m++;
	if (!*m)
		return refuse_kind(it, part);
	dev->spec.model = *m;
	while (!ret && (part = next_part(&rest)))
		ret = set_option(it, dev, &seen, part);
	return ret ? ret : check_required(it, dev);
}

static struct topology_device *new_device(struct topology *top, const char *where)
{
	struct topology_device *dev = base_realloc(top->dev, (top->ndev + 1) * sizeof(*dev));
	char *own;

	if (!dev)
		return NULL;
	top->dev = dev;
	own = copy(where, strlen(where));
	if (!own)
		return NULL;
	dev += top->ndev;
	*dev = (struct topology_device){ .where = own };
	dev->spec.index = top->ndev++;
	return dev;
}

int topology_add_device(
	struct topology *top, const char *spec, const char *where, const char *cwd, char *err)
{
	struct item it = { top, where, cwd, err };
	struct topology_device *dev;
	char *own;
	int ret;

	if (top->ndev == TOPOLOGY_MAX_DEVICES)
		return bad(&it, "more than %u devices", TOPOLOGY_MAX_DEVICES);
	dev = new_device(top, where);
	own = dev ? copy(spec, strlen(spec)) : NULL;
	if (!own)
		return no_memory(&it);
	ret = parse_device(&it, dev, own);
	base_free(own);
	return ret;
}

int topology_set_format(struct topology *top, const char *name, const char *where, char *err)
{
	struct item it = { top, where, NULL, err };
	struct hint hint;

	if (top->format)
		return bad(&it, "the IOMMU's format was set to %s before", top->format->name);
	hint_init(&hint, name);
	for (const struct sys_format *f = top->env->formats; f->name; f++) {
		if (!strcmp(f->name, name)) {
			top->format = f;
			return 0;
		}
		hint_offer(&hint, f->name);
	}
	return hint_refuse(&it, &hint, "IOMMU format");
}

/* Bytes, with a factor of 1024 for each of K, M, G. Return: false if it isn't that, or too much. */
static bool parse_bytes(const char *s, uint64_t *out)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	*out = strtoull(s, &end, 10);
	if (errno || !*end)
		return !errno;
	unit = strchr(units, toupper((unsigned char)*end));
	if (!unit || end[1])
		return false;
	return !__builtin_mul_overflow(*out, UINT64_C(1) << (10 * (unit - units + 1)), out);
}

int topology_set_memlock(struct topology *top, const char *value, const char *where, char *err)
{
	struct item it = { top, where, NULL, err };
	struct rlimit limit;
	uint64_t bytes;

	if (top->has_memlock)
		return bad(&it, "the limit of pinned memory was set before");
	top->has_memlock = true;
	if (!strcmp(value, "none"))
		return 0;
	if (!strcmp(value, "rlimit") && !getrlimit(RLIMIT_MEMLOCK, &limit)) {
		if (limit.rlim_cur != RLIM_INFINITY)
			top->memlock = limit.rlim_cur / 4096;
		return 0;
	}
	if (!parse_bytes(value, &bytes))
		return bad(&it, "memlock '%.64s' isn't none, rlimit or a number of bytes like 64M",
			value);
	top->memlock = bytes / 4096;
	return 0;
}

/* --- Lines ----------------------------------------------------------------------------------- */

static char *trim(char *s)
{
	size_t len;

	while (isspace((unsigned char)*s))
		s++;
	len = strlen(s);
	while (len && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
	return s;
}

/* @line is trimmed, not empty and no comment; changed. */
static int add_line(const struct item *it, char *line)
{
	char *arg = line + strcspn(line, " \t");

	if (*arg)
		*arg++ = '\0';
	arg = trim(arg);
	if (!strcmp(line, "device"))
		return topology_add_device(it->top, arg, it->where, it->cwd, it->err);
	if (!strcmp(line, "iommu"))
		return topology_set_format(it->top, arg, it->where, it->err);
	if (!strcmp(line, "memlock"))
		return topology_set_memlock(it->top, arg, it->where, it->err);
	return bad(it,
		"'%.64s' isn't 'iommu FORMAT', 'memlock LIMIT' or 'device KIND,key=value,...'",
		line);
}

int topology_add_text(
	struct topology *top, const char *text, const char *file, const char *cwd, char *err)
{
	char where[160];
	struct item it = { top, where, cwd, err };
	unsigned int nr = 0;
	int ret = 0;

	while (*text && !ret) {
		size_t len = strcspn(text, "\n");
		char *own, *line;

		snprintf(where, sizeof(where), "%.120s%sline %u", file ? file : "",
			file ? ", " : "", ++nr);
		own = copy(text, len);
		if (!own)
			return no_memory(&it);
		line = trim(own);
		if (*line && *line != '#')
			ret = add_line(&it, line);
		base_free(own);
		text += len + (text[len] == '\n');
	}
	return ret;
}

/* --- Defaults -------------------------------------------------------------------------------- */

static const struct topology_device *bdf_user(
	const struct topology *top, const char *bdf, unsigned int ndev)
{
	for (unsigned int i = 0; i < ndev; i++) {
		if (top->dev[i].has_bdf && !strcmp(top->dev[i].spec.bdf, bdf))
			return &top->dev[i];
	}
	return NULL;
}

static int check_bdfs(const struct topology *top, char *err)
{
	for (unsigned int i = 0; i < top->ndev; i++) {
		const struct topology_device *dev = &top->dev[i], *other;
		struct item it = { NULL, dev->where, NULL, err };

		if (!dev->has_bdf)
			continue;
		other = bdf_user(top, dev->spec.bdf, i);
		if (other)
			return bad(&it, "PCI address %s is taken by another device (%s)",
				dev->spec.bdf, other->where);
	}
	return 0;
}

static int choose_bdf(const struct topology *top, struct topology_device *dev, char *err)
{
	struct item it = { NULL, dev->where, NULL, err };

	for (unsigned int bus = 1; bus <= 0xff; bus++) {
		snprintf(dev->spec.bdf, sizeof(dev->spec.bdf), "0000:%02x:00.0", bus);
		if (!bdf_user(top, dev->spec.bdf, top->ndev)) {
			dev->has_bdf = true;
			return 0;
		}
	}
	return bad(&it, "no PCI bus is free, give the device an address with bdf=");
}

static bool group_used(const struct topology *top, unsigned int group)
{
	char path[256];

	for (unsigned int i = 0; i < top->ndev; i++) {
		if (top->dev[i].has_group && top->dev[i].spec.group == group)
			return true;
	}
	snprintf(path, sizeof(path), "%s/%u", top->env->groups_dir, group);
	return access(path, F_OK) == 0;
}

static int choose_group(const struct topology *top, struct topology_device *dev, char *err)
{
	struct item it = { NULL, dev->where, NULL, err };

	for (unsigned int group = 1; group <= TOPOLOGY_MAX_GROUP; group++) {
		if (!group_used(top, group)) {
			dev->spec.group = group;
			dev->has_group = true;
			return 0;
		}
	}
	return bad(&it, "no IOMMU group number is free");
}

int topology_finish(struct topology *top, char *err)
{
	int ret = check_bdfs(top, err);

	if (!top->format)
		top->format = &top->env->formats[0];
	for (unsigned int i = 0; i < top->ndev && !ret; i++) {
		struct topology_device *dev = &top->dev[i];

		if (!dev->has_bdf)
			ret = choose_bdf(top, dev, err);
		if (!ret && !dev->has_group)
			ret = choose_group(top, dev, err);
	}
	return ret;
}

/* --- Life ------------------------------------------------------------------------------------ */

void topology_init(struct topology *top, const struct topology_env *env)
{
	*top = (struct topology){ .env = env, .memlock = ACCOUNT_NO_LIMIT };
}

static void put_escaped(struct text *text, const char *s)
{
	for (; *s; s++) {
		if (*s == ',')
			text_puts(text, ",");
		text_add(text, s, 1);
	}
}

int topology_text(const struct topology *top, char **out)
{
	struct text text = { 0 };

	text_printf(&text, "iommu %s\n", top->format->name);
	if (top->memlock != ACCOUNT_NO_LIMIT)
		text_printf(&text, "memlock %llu\n", (unsigned long long)top->memlock * 4096);
	for (unsigned int i = 0; i < top->ndev; i++) {
		const struct topology_device *dev = &top->dev[i];

		text_puts(&text, "device ");
		put_escaped(&text, dev->spec.model->name);
		text_printf(&text, ",bdf=%s,group=%u,bar=%s", dev->spec.bdf, dev->spec.group,
			bar_modes[dev->bar_mode]);
		for (unsigned int j = 0; j < dev->nopt; j++) {
			text_printf(&text, ",%s=", dev->opt[j].key);
			put_escaped(&text, dev->opt[j].value);
		}
		text_puts(&text, "\n");
	}
	return text_take(&text, out);
}

void topology_fini(struct topology *top)
{
	for (unsigned int i = 0; i < top->ndev; i++) {
		struct topology_device *dev = &top->dev[i];

		for (unsigned int j = 0; j < dev->nopt; j++)
			base_free((char *)dev->opt[j].value);
		base_free(dev->opt);
		base_free(dev->where);
	}
	base_free(top->dev);
	*top = (struct topology){ 0 };
}
