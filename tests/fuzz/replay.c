/* SPDX-License-Identifier: MIT */
/* Gives every file of a corpus to a fuzz target, once: what was found stays found. One TAP line per
 * file. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Return: bytes, or -errno. */
static ssize_t input_load(const char *path, uint8_t *buf)
{
	FILE *file = fopen(path, "rb");
	size_t len;
	int failed;

	if (!file)
		return -errno;
	len = fread(buf, 1, INPUT_MAX, file);
	failed = ferror(file);
	fclose(file);
	return failed ? -EIO : (ssize_t)len;
}

static int replay(const char *folder, const char *name, unsigned int number)
{
	uint8_t *buf = malloc(INPUT_MAX), *exact = NULL;
	char path[4096];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	len = buf ? input_load(path, buf) : -ENOMEM;
	/* Of the input's own size, so that the address sanitizer sees where it ends. */
	if (len >= 0)
		exact = malloc(len ? (size_t)len : 1);
	if (exact) {
		memcpy(exact, buf, (size_t)len);
		LLVMFuzzerTestOneInput(exact, (size_t)len);
	}
	printf("%s %u - %s\n", exact ? "ok" : "not ok", number, name);
	free(exact);
	free(buf);
	return exact ? 0 : -1;
}

int main(int argc, char **argv)
{
	unsigned int number = 0;
	struct dirent *entry;
	int failures = 0;
	DIR *dir;

	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return EXIT_FAILURE;
	}
	dir = opendir(argv[1]);
	if (!dir) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return EXIT_FAILURE;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.' && replay(argv[1], entry->d_name, ++number))
			failures++;
	}
	closedir(dir);
	printf("1..%u\n", number);
	return failures || !number ? EXIT_FAILURE : EXIT_SUCCESS;
}
