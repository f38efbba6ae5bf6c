/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dev/pci.h"
#include "system/tree.h"

static const struct uiommu_pci_desc desc = {
	.vendor = 0x1b36,
	.device = 0x0010,
	.subsys_vendor = 0x1af4,
	.subsys_device = 0x1100,
	.class_code = 0x010802,
	.revision = 2,
	.bar[0] = { .size = 0x4000, .mem64 = true },
	.bar[2] = { .size = 16 },
	.bar[4] = { .size = 0x100000, .mem64 = true, .prefetch = true },
};
static const struct sys_device_spec specs[] = {
	{ .bdf = "0000:01:00.0", .group = 7, .index = 0 },
	{ .bdf = "0000:01:00.1", .group = 7, .index = 1 },
	{ .bdf = "abcd:02:1f.7", .group = 9, .index = 2 },
};
#define NDEVS (sizeof(specs) / sizeof(specs[0]))

static uint8_t config[NDEVS][PCI_CONFIG_SIZE];
static char base[PATH_MAX], root[PATH_MAX + 16], machine[PATH_MAX + 16];

static const char *in(const char *dir, const char *path)
{
	static char full[2][3 * PATH_MAX];
	static unsigned int turn;

	turn ^= 1;
	snprintf(full[turn], sizeof(full[turn]), "%s/%s", dir, path);
	return full[turn];
}

static void expect_text(const char *path, const char *text)
{
	char got[2048];
	int fd = open(in(root, path), O_RDONLY);
	ssize_t n;

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	n = read(fd, got, sizeof(got) - 1);
	close(fd);
	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, text);
}

static void expect_link(const char *path, const char *target)
{
	char got[PATH_MAX];
	ssize_t n = readlink(in(root, path), got, sizeof(got) - 1);

	if (n < 0)
		fail_msg("%s: %s", path, strerror(errno));
	got[n] = '\0';
	assert_string_equal(got, target);
}

/* @path, all links followed, is @real of the tree. */
static void expect_real(const char *path, const char *real)
{
	char got[PATH_MAX];

	if (!realpath(in(root, path), got))
		fail_msg("%s: %s", path, strerror(errno));
	assert_string_equal(got, in(root, real));
}

static void build(void)
{
	struct tree_device dev[NDEVS];
	char err[SYS_ERR_LEN] = "";

	for (size_t i = 0; i < NDEVS; i++) {
		memset(config[i], 0, PCI_CONFIG_SIZE);
		config[i][0x10] = 0x4;
		config[i][0x20] = 0xc;
		dev[i] = (struct tree_device){ &specs[i], &desc, config[i] };
	}
	assert_int_equal(mkdir(root, 0700), 0);
	if (tree_build(root, machine, dev, NDEVS, err))
		fail_msg("%s", err);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int teardown(void **state)
{
	return nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int setup(void **state)
{
	char made[] = "/tmp/uiommu-test-XXXXXX";

	if (!mkdtemp(made) || !realpath(made, base))
		return -1;
	snprintf(root, sizeof(root), "%s/root", base);
	snprintf(machine, sizeof(machine), "%s/machine", base);
	return mkdir(machine, 0700);
}

static void machine_dir(const char *path)
{
	char part[256];

	for (const char *s = path; s; s = *s ? s + 1 : NULL) {
		s = strchrnul(s, '/');
		snprintf(part, sizeof(part), "%.*s", (int)(s - path), path);
		assert_true(!mkdir(in(machine, part), 0700) || errno == EEXIST);
	}
}

static void test_identity(void **state)
{
	build();
	expect_text("sys/bus/pci/devices/0000:01:00.0/vendor", "0x1b36\n");
	expect_text("sys/bus/pci/devices/0000:01:00.0/device", "0x0010\n");
	expect_text("sys/bus/pci/devices/0000:01:00.0/subsystem_vendor", "0x1af4\n");
	expect_text("sys/bus/pci/devices/0000:01:00.0/subsystem_device", "0x1100\n");
	expect_text("sys/bus/pci/devices/0000:01:00.0/class", "0x010802\n");
	expect_text("sys/bus/pci/devices/0000:01:00.0/revision", "0x02\n");
	expect_text("sys/bus/pci/devices/0000:01:00.0/modalias",
		"pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02\n");
	expect_text("sys/bus/pci/devices/abcd:02:1f.7/uevent",
		"DRIVER=vfio-pci\nPCI_CLASS=10802\nPCI_ID=1B36:0010\nPCI_SUBSYS_ID=1AF4:1100\n"
		"PCI_SLOT_NAME=abcd:02:1f.7\n"
		"MODALIAS=pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02\n");
	expect_text("sys/bus/pci/devices/0000:01:00.0/numa_node", "-1\n");
	expect_text("sys/bus/pci/devices/0000:01:00.0/max_vfs", "0\n");
}

#define ZEROES "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"

static void test_addresses(void **state)
{
	struct stat st;

	build();
	expect_text("sys/bus/pci/devices/0000:01:00.0/resource",
		"0x0000380000000000 0x0000380000003fff 0x0000000000140204\n" ZEROES
		"0x0000000080000000 0x000000008000000f 0x0000000000040200\n" ZEROES
		"0x0000380000100000 0x00003800001fffff 0x000000000014220c\n" ZEROES ZEROES ZEROES
			ZEROES ZEROES ZEROES ZEROES ZEROES);
	/* Nothing overlaps. */
	expect_text("sys/bus/pci/devices/0000:01:00.1/resource",
		"0x0000380000200000 0x0000380000203fff 0x0000000000140204\n" ZEROES
		"0x0000000080001000 0x000000008000100f 0x0000000000040200\n" ZEROES
		"0x0000380000300000 0x00003800003fffff 0x000000000014220c\n" ZEROES ZEROES ZEROES
			ZEROES ZEROES ZEROES ZEROES ZEROES);
	assert_int_equal(stat(in(root, "sys/bus/pci/devices/0000:01:00.1/config"), &st), 0);
	assert_int_equal(st.st_size, PCI_CONFIG_SIZE);
	assert_memory_equal(
		config[1] + 0x10, "\x04\x00\x20\x00\x00\x38\x00\x00\x00\x10\x00\x80", 12);
	assert_memory_equal(config[1] + 0x20, "\x0c\x00\x30\x00\x00\x38\x00\x00", 8);
}

static void test_links(void **state)
{
	build();
	expect_link("sys/bus/pci/devices/0000:01:00.0", "../../../devices/pci0000:01/0000:01:00.0");
	expect_link("sys/bus/pci/devices/abcd:02:1f.7", "../../../devices/pciabcd:02/abcd:02:1f.7");
	expect_link("sys/devices/pci0000:01/0000:01:00.0/iommu_group",
		"../../../kernel/iommu_groups/7");
	expect_link(
		"sys/devices/pci0000:01/0000:01:00.0/driver", "../../../bus/pci/drivers/vfio-pci");
	expect_link("sys/devices/pci0000:01/0000:01:00.0/subsystem", "../../../bus/pci");
	expect_link("sys/kernel/iommu_groups/7/devices/0000:01:00.1",
		"../../../../devices/pci0000:01/0000:01:00.1");
	expect_real("sys/kernel/iommu_groups/9/devices/abcd:02:1f.7",
		"sys/devices/pciabcd:02/abcd:02:1f.7");
	expect_real(
		"sys/bus/pci/drivers/vfio-pci/0000:01:00.0", "sys/devices/pci0000:01/0000:01:00.0");
	expect_real("sys/bus/pci/devices/0000:01:00.0/driver/module", "sys/module/vfio_pci");
	expect_real("sys/bus/pci/devices/0000:01:00.0/iommu", "sys/devices/virtual/iommu/uiommu0");
	expect_real("sys/class/iommu/uiommu0/devices/0000:01:00.0",
		"sys/devices/pci0000:01/0000:01:00.0");
	expect_real("sys/class/vfio-dev/vfio2/device", "sys/devices/pciabcd:02/abcd:02:1f.7");
	expect_real("sys/dev/char/510:1", "sys/devices/pci0000:01/0000:01:00.1/vfio-dev/vfio1");
	expect_real("sys/dev/char/511:9", "sys/devices/virtual/vfio/9");
	expect_real("sys/class/misc/iommu", "sys/devices/virtual/misc/iommu");
	expect_real("sys/module/vfio_pci/drivers/pci:vfio-pci", "sys/bus/pci/drivers/vfio-pci");
}

static void test_nodes(void **state)
{
	build();
	expect_text("sys/bus/pci/devices/abcd:02:1f.7/vfio-dev/vfio2/dev", "510:2\n");
	expect_text("sys/class/vfio/7/dev", "511:7\n");
	expect_text("sys/class/misc/vfio/dev", "10:196\n");
	expect_text("sys/class/misc/iommu/dev", "10:127\n");
	expect_text("dev/iommu", "");
	expect_text("dev/vfio/vfio", "");
	expect_text("dev/vfio/7", "");
	expect_text("dev/vfio/9", "");
	expect_text("dev/vfio/devices/vfio2", "");
	expect_text("sys/kernel/iommu_groups/7/type", "DMA\n");
	expect_text("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n");
}

static void test_union(void **state)
{
	machine_dir("sys/bus/pci/devices/0000:00:1f.2");
	machine_dir("sys/bus/pci/devices/0000:01:00.0");
	machine_dir("sys/bus/usb");
	machine_dir("sys/kernel/iommu_groups/3/devices");
	machine_dir("sys/devices/pci0000:01/0000:01:02.0");
	machine_dir("dev/vfio/devices");
	assert_int_equal(symlink("../../devices/system/x", in(machine, "sys/bus/y")), 0);
	assert_int_equal(symlink("/proc/self/fd", in(machine, "dev/fd")), 0);
	build();
	expect_link("sys/bus/y", "../../devices/system/x");
	expect_link("dev/fd", "/dev/fd");
	expect_link("sys/bus/pci/devices/0000:00:1f.2", "/sys/bus/pci/devices/0000:00:1f.2");
	expect_link("sys/bus/usb", "/sys/bus/usb");
	expect_link("sys/kernel/iommu_groups/3", "/sys/kernel/iommu_groups/3");
	expect_link("sys/devices/pci0000:01/0000:01:02.0", "/sys/devices/pci0000:01/0000:01:02.0");
	/* What the tree has itself hides the machine's. */
	expect_real("sys/bus/pci/devices/0000:01:00.0", "sys/devices/pci0000:01/0000:01:00.0");
	expect_text("dev/vfio/vfio", "");
}

static void test_refused(void **state)
{
	char err[SYS_ERR_LEN] = "";

	assert_int_equal(tree_build(in(base, "none"), machine, NULL, 0, err), -ENOENT);
	assert_non_null(strstr(err, "/none: No such file or directory"));
	build();
	/* Not empty: something stands in the way. */
	assert_int_equal(tree_build(root, machine, NULL, 0, err), -EEXIST);
}

static void test_empty(void **state)
{
	char err[SYS_ERR_LEN] = "";

	assert_int_equal(mkdir(root, 0700), 0);
	assert_int_equal(tree_build(root, machine, NULL, 0, err), 0);
	expect_text("dev/iommu", "");
	assert_int_equal(access(in(root, "sys/kernel/iommu_groups"), F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nodes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_union, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
