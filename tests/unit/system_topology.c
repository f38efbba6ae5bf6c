/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "system/nearest.h"
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

static char groups_dir[] = "/tmp/uiommu-test-XXXXXX";
static const struct topology_env env = { models, formats, groups_dir };

static int parse(const char *text, struct topology *top, char *err)
{
	int ret;

	err[0] = '\0';
	topology_init(top, &env);
	ret = topology_add_text(top, text, NULL, "/cwd", err);
	return ret ? ret : topology_finish(top, err);
}

static void expect_text(const char *text, const char *canonical)
{
	char err[SYS_ERR_LEN], *out;
	struct topology top;

	assert_int_equal(parse(text, &top, err), 0);
	assert_int_equal(topology_text(&top, &out), 0);
	assert_string_equal(out, canonical);
	topology_fini(&top);
	base_free(out);
}

/* Canonical text of @text is @canonical, and parses to itself. */
static void expect(const char *text, const char *canonical)
{
	expect_text(text, canonical);
	expect_text(canonical, canonical);
}

static void expect_refused(const char *text, const char *message)
{
	char err[SYS_ERR_LEN];
	struct topology top;

	assert_int_equal(parse(text, &top, err), -EINVAL);
	topology_fini(&top);
	if (strcmp(err, message))
		print_error("%s\n", err);
	assert_string_equal(err, message);
}

static void test_defaults(void **state)
{
	expect("", "iommu x86-64\n");
	expect("device nic", "iommu x86-64\ndevice nic,bdf=0000:01:00.0,group=1,bar=auto\n");
	expect("# two\n\n  device nic  \r\niommu\tarmv8\n\tdevice disk,drive=a.img\n",
		"iommu armv8\n"
		"device nic,bdf=0000:01:00.0,group=1,bar=auto\n"
		"device disk,bdf=0000:02:00.0,group=2,bar=auto,drive=/cwd/a.img\n");
}

static void test_addresses(void **state)
{
	expect("device nic\ndevice nic,bdf=01:00.0\ndevice nic,bdf=ABCD:ff:1F.7",
		"iommu x86-64\n"
		"device nic,bdf=0000:02:00.0,group=1,bar=auto\n"
		"device nic,bdf=0000:01:00.0,group=2,bar=auto\n"
		"device nic,bdf=abcd:ff:1f.7,group=3,bar=auto\n");
}

static void test_groups(void **state)
{
	char path[64];

	expect("device nic\ndevice nic,group=1\ndevice nic,group=1\ndevice nic",
		"iommu x86-64\n"
		"device nic,bdf=0000:01:00.0,group=2,bar=auto\n"
		"device nic,bdf=0000:02:00.0,group=1,bar=auto\n"
		"device nic,bdf=0000:03:00.0,group=1,bar=auto\n"
		"device nic,bdf=0000:04:00.0,group=3,bar=auto\n");
	/* Numbers that the machine uses aren't taken by default, but on demand. */
	snprintf(path, sizeof(path), "%s/1", groups_dir);
	assert_int_equal(mkdir(path, 0700), 0);
	expect("device nic", "iommu x86-64\ndevice nic,bdf=0000:01:00.0,group=2,bar=auto\n");
	expect("device nic,group=1",
		"iommu x86-64\ndevice nic,bdf=0000:01:00.0,group=1,bar=auto\n");
	assert_int_equal(rmdir(path), 0);
	expect("device nic,group=0\ndevice nic,group=1048575",
		"iommu x86-64\n"
		"device nic,bdf=0000:01:00.0,group=0,bar=auto\n"
		"device nic,bdf=0000:02:00.0,group=1048575,bar=auto\n");
}

static void test_values(void **state)
{
	expect("device disk,drive=/a,,b=#c d,serial=,,,bar=trap",
		"iommu x86-64\n"
		"device disk,bdf=0000:01:00.0,group=1,bar=trap,drive=/a,,b=#c d,serial=,,\n");
	expect("device disk,serial=x=y,bar=poll,drive=././/rel/../x",
		"iommu x86-64\n"
		"device disk,bdf=0000:01:00.0,group=1,bar=poll,serial=x=y,drive=/cwd/rel/../x\n");
}

static void test_memlock(void **state)
{
	expect("memlock 64M\ndevice nic",
		"iommu x86-64\nmemlock 67108864\ndevice nic,bdf=0000:01:00.0,group=1,bar=auto\n");
	expect("memlock 8191", "iommu x86-64\nmemlock 4096\n");
	expect("memlock none", "iommu x86-64\n");
	expect_refused(
		"memlock none\nmemlock 1", "line 2: the limit of pinned memory was set before");
	expect_refused(
		"memlock", "line 1: memlock '' isn't none, rlimit or a number of bytes like 64M");
	expect_refused("memlock 5X",
		"line 1: memlock '5X' isn't none, rlimit or a number of bytes like 64M");
	expect_refused("memlock -1",
		"line 1: memlock '-1' isn't none, rlimit or a number of bytes like 64M");
	expect_refused("memlock 99999999999G",
		"line 1: memlock '99999999999G' isn't none, rlimit or a number of bytes like 64M");
}

static void test_lines_refused(void **state)
{
	expect_refused("\n\nfrob", "line 3: 'frob' isn't 'iommu FORMAT', 'memlock LIMIT' or "
				   "'device KIND,key=value,...'");
	expect_refused("devices nic", "line 1: 'devices' isn't 'iommu FORMAT', 'memlock LIMIT' or "
				      "'device KIND,key=value,...'");
	expect_refused("device", "line 1: a device is KIND,key=value,...");
	expect_refused("device ,bdf=01:00.0", "line 1: a device is KIND,key=value,...");
	expect_refused("iommu", "line 1: unknown IOMMU format ''. Known: x86-64, armv8");
	expect_refused("iommu x86_64", "line 1: unknown IOMMU format 'x86_64', did you mean "
				       "'x86-64'? Known: x86-64, armv8");
	expect_refused(
		"iommu armv8\niommu armv8", "line 2: the IOMMU's format was set to armv8 before");
}

static void test_options_refused(void **state)
{
	expect_refused("device dsk,drive=x",
		"line 1: unknown device kind 'dsk', did you mean 'disk'? Known: disk, nic");
	expect_refused("device gpu", "line 1: unknown device kind 'gpu'. Known: disk, nic");
	expect_refused("device disk,drve=x",
		"line 1: unknown disk option 'drve', did you mean 'drive'? "
		"Known: drive, serial, bdf, group, bar");
	expect_refused(
		"device nic,drive=x", "line 1: unknown nic option 'drive'. Known: bdf, group, bar");
	expect_refused("device disk", "line 1: disk needs drive=... (a raw image file)");
	expect_refused("device disk,drive=", "line 1: drive is empty");
	expect_refused("device disk,drive", "line 1: 'drive' isn't key=value");
	expect_refused("device disk,=x", "line 1: '=x' isn't key=value");
	expect_refused("device disk,", "line 1: '' isn't key=value");
	expect_refused("device disk,drive=x,drive=x", "line 1: drive is given twice");
	expect_refused("device disk,drive=x,group=1,group=1", "line 1: group is given twice");
	expect_refused("device disk,drive= x", "line 1: drive ' x' begins or ends with a blank");
	expect_refused(
		"device disk,drive=x ,serial=1", "line 1: drive 'x ' begins or ends with a blank");
	expect_refused(
		"device disk,drive=x\ty", "line 1: drive has a control character in its value");
	expect_refused("device nic,bar=fast", "line 1: bar 'fast' isn't auto, trap or poll");
	expect_refused("device nic,bar=", "line 1: bar is empty");
}

static void test_groups_refused(void **state)
{
	static const char *const bad[] = { "-1", "+1", "x", "1x", "1048576",
		"99999999999999999999" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[80], message[160];

		snprintf(text, sizeof(text), "device nic,group=%s", bad[i]);
		snprintf(message, sizeof(message),
			"line 1: group '%s' isn't a number from 0 to 1048575", bad[i]);
		expect_refused(text, message);
	}
}

static void test_addresses_refused(void **state)
{
	static const char *const bad[] = { "1", "0000:01:00", "0000:01:00.8", "0000:01:20.0",
		"0000:1:00.0", "00000:01:00.0", "000:001:00.0", "0000:01:00.00", "0000:01:0.00",
		"0000-01:00.0", "g000:01:00.0", "01:00.0 0", "0x00:01:00.0", "00:01:00.0",
		"01:0.00", "0000:01:00.-", "0000:01:00.0000:01:00.0" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[80], message[160];

		snprintf(text, sizeof(text), "device nic,bdf=%s", bad[i]);
		snprintf(message, sizeof(message),
			"line 1: bdf '%s' isn't a PCI address like 0000:01:00.0", bad[i]);
		expect_refused(text, message);
	}
	expect_refused("device nic,bdf=0000:AB:00.0\n#\ndevice nic,bdf=ab:00.0",
		"line 3: PCI address 0000:ab:00.0 is taken by another device (line 1)");
}

static void test_where(void **state)
{
	char err[SYS_ERR_LEN];
	struct topology top;

	topology_init(&top, &env);
	assert_int_equal(topology_add_text(&top, "device x", "file.topo", "/", err), -EINVAL);
	assert_non_null(strstr(err, "file.topo, line 1: "));
	topology_fini(&top);

	topology_init(&top, &env);
	assert_int_equal(topology_add_device(&top, "nic", "--device nic", "/", err), 0);
	assert_int_equal(
		topology_add_device(&top, "disk,drive=a", "--device disk,drive=a", NULL, err),
		-EINVAL);
	assert_string_equal(err, "--device disk,drive=a: drive 'a' isn't an absolute path");
	topology_fini(&top);
}

static void test_many(void **state)
{
	char text[300 * sizeof("device nic\n")] = "", err[SYS_ERR_LEN];
	struct topology top;

	for (unsigned int i = 0; i < TOPOLOGY_MAX_DEVICES; i++)
		strcat(text, "device nic\n");
	assert_int_equal(parse(text, &top, err), 0);
	assert_string_equal(top.dev[254].spec.bdf, "0000:ff:00.0");
	assert_int_equal(top.dev[254].spec.index, 254);
	topology_fini(&top);
	strcat(text, "device nic\n");
	expect_refused(text, "line 256: more than 255 devices");
}

static void test_long_names(void **state)
{
	char text[8192], err[SYS_ERR_LEN];
	struct topology top;

	for (size_t len = 1; len < sizeof(text); len += 97) {
		memset(text, 'k', len);
		memcpy(text, "device ", len < 7 ? len : 7);
		text[len] = '\0';
		assert_int_equal(parse(text, &top, err), -EINVAL);
		topology_fini(&top);
	}
	memcpy(text, "device disk,drive=", 18);
	assert_int_equal(parse(text, &top, err), 0);
	topology_fini(&top);
	memcpy(text, "device disk,bdf=", 16);
	assert_int_equal(parse(text, &top, err), -EINVAL);
	topology_fini(&top);
}

/* Every allocation fails once: nothing leaks, and the message says what it was. */
static void test_no_memory(void **state)
{
	char err[SYS_ERR_LEN], *out;
	struct topology top;
	int ret = -ENOMEM;

	for (unsigned long n = 1; ret; n++) {
		out = NULL;
		base_fail_nth(n);
		ret = parse("iommu armv8\ndevice disk,drive=a,serial=b\ndevice nic\n", &top, err);
		if (!ret)
			ret = topology_text(&top, &out);
		else
			assert_non_null(strstr(err, "out of memory"));
		base_fail_nth(0);
		topology_fini(&top);
		base_free(out);
		if (ret)
			assert_int_equal(ret, -ENOMEM);
		assert_true(n < 100);
	}
}

static void test_nearest(void **state)
{
	struct nearest near;

	nearest_init(&near, "nvm");
	nearest_offer(&near, "dmatest");
	nearest_offer(&near, "nvme");
	assert_string_equal(near.best, "nvme");
	nearest_init(&near, "");
	nearest_offer(&near, "ab");
	assert_null(near.best);
	nearest_init(&near, "abcdefgh");
	nearest_offer(&near, "stuvwxyz");
	assert_null(near.best);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_memlock),
		cmocka_unit_test(test_lines_refused),
		cmocka_unit_test(test_options_refused),
		cmocka_unit_test(test_groups_refused),
		cmocka_unit_test(test_addresses_refused),
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_nearest),
	};
	int ret;

	if (!mkdtemp(groups_dir))
		return 1;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(groups_dir);
	return ret;
}
