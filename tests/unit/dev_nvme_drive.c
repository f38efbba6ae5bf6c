/* SPDX-License-Identifier: MIT */
/* Drives and options: what create() refuses, and who may use an image together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "dev/nvme/aio.h"
#include "dev/nvme/drive.h"
#include "dev_nvme_host.h"

static char path[64];

static int begin(void **state)
{
	host_file(path, 1 << 20);
	return 0;
}

static int end(void **state)
{
	unlink(path);
	return 0;
}

static void refused(const char *more, int rc, const char *message)
{
	char options[256];
	struct host h;

	snprintf(options, sizeof(options), "drive=%s%s", path, more);
	assert_int_equal(host_new(&h, options), rc);
	if (!strstr(h.err, message))
		fail_msg("'%s' isn't in '%s'", message, h.err);
}

static void test_bad_options(void **state)
{
	refused(",lba=1024", -EINVAL, "must be 512 or 4096");
	refused(",queues=0", -EINVAL, "from 1 to 64");
	refused(",queues=65", -EINVAL, "from 1 to 64");
	refused(",queues=-1", -EINVAL, "from 1 to 64");
	refused(",queues=8x", -EINVAL, "from 1 to 64");
	refused(",queues=", -EINVAL, "from 1 to 64");
	refused(",mdts=10", -EINVAL, "from 1 to 9");
	refused(",readonly=yes", -EINVAL, "must be on or off");
	refused(",msix=1", -EINVAL, "must be on or off");
	refused(",aio=posix", -EINVAL, "uring, threads or auto");
	refused(",serial=123456789012345678901", -EINVAL, "1 to 20 characters");
	refused(",serial=a\tb", -EINVAL, "printable");
	refused(",ns1=x", -EINVAL, "unknown option");
	refused(",ns17=x", -EINVAL, "unknown option");
	refused(",ns2=", -EINVAL, "name of an image is missing");
	refused(",colour=red", -EINVAL, "unknown option");
	refused(",ns2=/nonexistent/x", -ENOENT, "No such file");
}

static void test_bad_images(void **state)
{
	struct host h;

	assert_int_equal(host_new(&h, "lba=512"), -EINVAL);
	assert_non_null(strstr(h.err, "missing"));
	assert_int_equal(host_new(&h, "drive=/nonexistent"), -ENOENT);
	assert_int_equal(host_new(&h, "drive=/tmp"), -EINVAL);
	assert_non_null(strstr(h.err, "directory"));
	assert_int_equal(host_new(&h, "drive=/dev/null"), -EINVAL);
	assert_non_null(strstr(h.err, "neither a file nor a block device"));
	assert_int_equal(truncate(path, 1000), 0);
	refused("", -EINVAL, "not a multiple of the block size 512");
	assert_int_equal(truncate(path, 512), 0);
	refused(",lba=4096", -EINVAL, "not a multiple of the block size 4096");
	assert_int_equal(truncate(path, 0), 0);
	refused("", -EINVAL, "is empty");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused("", -EINVAL, "neither a file nor a block device");
}

static void test_unwritable(void **state)
{
	struct host h;
	char options[128];

	if (!geteuid())
		skip();
	assert_int_equal(chmod(path, 0400), 0);
	refused("", -EACCES, "readonly=on");
	snprintf(options, sizeof(options), "drive=%s,readonly=on", path);
	assert_int_equal(host_new(&h, options), 0);
	assert_int_equal(host_open(&h), 0);
	host_close(&h);
	host_free(&h);
}

/* The image changes between create() and open(). */
static void test_changed_image(void **state)
{
	struct host h;
	char options[128];

	snprintf(options, sizeof(options), "drive=%s", path);
	assert_int_equal(host_new(&h, options), 0);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(host_open(&h), -EINVAL);
	assert_int_equal(truncate(path, 1024), 0);
	assert_int_equal(host_open(&h), 0);
	host_close(&h);
	unlink(path);
	assert_int_equal(host_open(&h), -ENOENT);
	host_free(&h);
	host_file(path, 4096);
}

static void test_two_devices(void **state)
{
	struct host a, b;
	char options[128];

	snprintf(options, sizeof(options), "drive=%s", path);
	assert_int_equal(host_new(&a, options), 0);
	assert_int_equal(host_new(&b, options), 0);
	assert_int_equal(host_open(&a), 0);
	assert_int_equal(host_open(&b), -EBUSY);
	refused("", -EBUSY, "in use");
	refused(",readonly=on", -EBUSY, "in use");
	host_close(&a);
	assert_int_equal(host_open(&b), 0);
	assert_int_equal(host_open(&a), -EBUSY);
	host_close(&b);
	host_free(&a);
	host_free(&b);
}

static void test_two_readers(void **state)
{
	struct host a, b, w;
	char options[128];

	snprintf(options, sizeof(options), "drive=%s,readonly=on", path);
	assert_int_equal(host_new(&a, options), 0);
	assert_int_equal(host_new(&b, options), 0);
	snprintf(options, sizeof(options), "drive=%s", path);
	assert_int_equal(host_new(&w, options), 0);
	assert_int_equal(host_open(&a), 0);
	assert_int_equal(host_open(&b), 0);
	assert_int_equal(host_open(&w), -EBUSY);
	host_close(&a);
	host_close(&b);
	assert_int_equal(host_open(&w), 0);
	assert_int_equal(host_open(&a), -EBUSY);
	host_close(&w);
	host_free(&a);
	host_free(&b);
	host_free(&w);
}

static void test_runs(void **state)
{
	char err[256], options[128];
	int run, other;
	struct host h;

	assert_int_equal(drive_lock_run(path, false, &run, err, sizeof(err)), 0);
	assert_int_equal(drive_lock_run(path, false, &other, err, sizeof(err)), -EBUSY);
	assert_non_null(strstr(err, "in use"));
	/* Devices of the run may use it, read-only ones too. */
	snprintf(options, sizeof(options), "drive=%s", path);
	assert_int_equal(host_new(&h, options), 0);
	assert_int_equal(host_open(&h), 0);
	close(run);
	assert_int_equal(drive_lock_run(path, false, &other, err, sizeof(err)), -EBUSY);
	host_close(&h);
	host_free(&h);
	assert_int_equal(drive_lock_run(path, false, &run, err, sizeof(err)), 0);
	snprintf(options, sizeof(options), "drive=%s,readonly=on", path);
	assert_int_equal(host_new(&h, options), 0);
	assert_int_equal(host_open(&h), 0);
	host_close(&h);
	host_free(&h);
	close(run);
	assert_int_equal(drive_lock_run("/nonexistent", false, &run, err, sizeof(err)), -ENOENT);
}

/* Another process of the run makes the same devices; the drive is refused when it opens them. */
static void test_in_use_in_a_run(void **state)
{
	char err[256], options[128];
	struct host h, other;
	int run;

	assert_int_equal(drive_lock_run(path, false, &run, err, sizeof(err)), 0);
	snprintf(options, sizeof(options), "drive=%s", path);
	assert_int_equal(host_new(&h, options), 0);
	assert_int_equal(host_open(&h), 0);
	assert_int_equal(host_new(&other, options), 0);
	assert_int_equal(host_open(&other), -EBUSY);
	close(run);
	refused("", -EBUSY, "in use");
	host_close(&h);
	host_free(&h);
	assert_int_equal(host_open(&other), 0);
	host_close(&other);
	host_free(&other);
}

static void test_runs_that_read(void **state)
{
	char err[256];
	int one, two, writer;

	assert_int_equal(drive_lock_run(path, true, &one, err, sizeof(err)), 0);
	assert_int_equal(drive_lock_run(path, true, &two, err, sizeof(err)), 0);
	assert_int_equal(drive_lock_run(path, false, &writer, err, sizeof(err)), -EBUSY);
	close(one);
	close(two);
	assert_int_equal(drive_lock_run(path, false, &writer, err, sizeof(err)), 0);
	assert_int_equal(drive_lock_run(path, true, &one, err, sizeof(err)), -EBUSY);
	close(writer);
}

static bool program(const char *format, const char *expect)
{
	char cmd[300], out[600] = "";
	size_t n;
	FILE *f;

	snprintf(cmd, sizeof(cmd), format, path);
	f = popen(cmd, "r");
	if (!f)
		return false;
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	pclose(f);
	if (strstr(out, expect))
		return true;
	print_message("%s: '%s'\n", cmd, out);
	return false;
}

/* QEMU's own programs see our locks, and we theirs. */
static void test_qemu(void **state)
{
	char err[256], options[128];
	struct host h;
	int run;
	FILE *io;

	if (access("/usr/bin/qemu-io", X_OK))
		skip();
	assert_int_equal(drive_lock_run(path, false, &run, err, sizeof(err)), 0);
	assert_true(program("qemu-io -f raw -c 'write 0 512' %s 2>&1", "lock"));
	assert_true(program("qemu-io -r -f raw -c 'read 0 512' %s 2>&1", "lock"));
	close(run);
	snprintf(options, sizeof(options), "drive=%s", path);
	assert_int_equal(host_new(&h, options), 0);
	assert_int_equal(host_open(&h), 0);
	assert_true(program("qemu-io -r -f raw -c 'read 0 512' %s 2>&1", "lock"));
	assert_true(program("qemu-io -f raw -c 'write 0 512' %s 2>&1", "lock"));
	host_close(&h);
	assert_true(program("qemu-io -r -f raw -c 'read 0 512' %s 2>&1", "512/512"));
	snprintf(options, sizeof(options), "qemu-io -f raw %s >/dev/null", path);
	io = popen(options, "w");
	assert_non_null(io);
	for (unsigned int i = 0;
		i < 100 && drive_lock_run(path, false, &run, err, sizeof(err)) != -EBUSY; i++) {
		close(run);
		usleep(50000);
	}
	assert_int_equal(drive_lock_run(path, false, &run, err, sizeof(err)), -EBUSY);
	assert_int_equal(host_open(&h), -EBUSY);
	refused("", -EBUSY, "in use");
	pclose(io);
	assert_int_equal(host_open(&h), 0);
	host_close(&h);
	host_free(&h);
	/* A read-only device and a reader get along, a writer doesn't. */
	snprintf(options, sizeof(options), "drive=%s,readonly=on", path);
	assert_int_equal(host_new(&h, options), 0);
	assert_int_equal(host_open(&h), 0);
	assert_true(program("qemu-io -r -f raw -c 'read 0 512' %s 2>&1", "512/512"));
	assert_true(program("qemu-io -f raw -c 'write 0 512' %s 2>&1", "lock"));
	host_close(&h);
	host_free(&h);
}

/* Whichever allocation fails, create() says so, and enabling ends in CSTS.CFS; nothing leaks. */
/* A program with an io_uring that is killed: the image is free as soon as it is gone. */
static void killed_user(int ready)
{
	static uint8_t buf[4096];
	struct drive drive, *drives[] = { &drive };
	struct aio_req req = { .drive = &drive, .op = AIO_READ, .buf = buf, .len = sizeof(buf) };
	int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct aio *aio;

	if (drive_open(&drive, path, false, 512) || aio_new(AIO_AUTO, drives, 1, 8, wake, &aio))
		_exit(1);
	aio_queue(aio, &req);
	aio_submit(aio);
	if (write(ready, "", 1) == 1)
		pause();
	_exit(1);
}

static void test_killed(void **state)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 64
	};
	int fd = open(path, O_RDWR | O_CLOEXEC), ready[2], status;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		killed_user(ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(fcntl(fd, F_OFD_GETLK, &lock), 0);
	assert_int_equal(lock.l_type, F_WRLCK);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	lock = (struct flock){
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 64
	};
	assert_int_equal(fcntl(fd, F_OFD_GETLK, &lock), 0);
	assert_int_equal(lock.l_type, F_UNLCK);
	close(ready[0]);
	close(fd);
}

static void test_no_memory(void **state)
{
	char options[160];
	struct host h;
	int rc = -1;

	snprintf(options, sizeof(options), "drive=%s,ns2=%s", path, path);
	for (unsigned long n = 1; rc; n++) {
		base_fail_nth(n);
		rc = host_new(&h, options);
		base_fail_nth(0);
		assert_true(n < 50 && (!rc || rc == -ENOMEM));
	}
	host_free(&h);
	snprintf(options, sizeof(options), "drive=%s", path);
	assert_int_equal(host_new(&h, options), 0);
	assert_int_equal(host_open(&h), 0);
	base_fail_nth(1);
	host_write(&h, NVME_REG_CC, 4, HOST_CC | NVME_CC_EN);
	base_fail_nth(0);
	assert_int_equal(host_read(&h, NVME_REG_CSTS, 4), NVME_CSTS_CFS);
	host_write(&h, NVME_REG_CC, 4, HOST_CC);
	assert_int_equal(host_read(&h, NVME_REG_CSTS, 4), 0);
	assert_true(host_enable(&h, 16));
	host_close(&h);
	host_free(&h);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bad_options),
		TEST(test_bad_images),
		TEST(test_unwritable),
		TEST(test_changed_image),
		TEST(test_two_devices),
		TEST(test_two_readers),
		TEST(test_runs),
		TEST(test_in_use_in_a_run),
		TEST(test_runs_that_read),
		TEST(test_qemu),
		TEST(test_killed),
		TEST(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
