/* SPDX-License-Identifier: MIT */
/* Making files below a directory, from paths like "sys/bus/pci"; parents are made as needed. After
 * a failure nothing more is made. */
#ifndef UIOMMU_SYSTEM_TREE_FILES_H
#define UIOMMU_SYSTEM_TREE_FILES_H

#include <stddef.h>

#define TREE_PATH 256

struct tree_files {
	int root, machine; /* directories */
	int err;	   /* first failure, -errno */
	char *msg;	   /* SYS_ERR_LEN bytes */
};

int tree_files_open(struct tree_files *t, const char *root, const char *machine, char *msg);
void tree_files_close(struct tree_files *t);

void tree_dir(struct tree_files *t, const char *path);
void tree_bytes(struct tree_files *t, const char *path, const void *data, size_t len);
/* A text file DIR/NAME. */
void tree_attr(struct tree_files *t, const char *dir, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* A link at @path to @to, both of the tree: relative, as short as possible. */
void tree_link(struct tree_files *t, const char *path, const char *to);
/* Adds links to what the machine has in this directory of the tree. */
void tree_union(struct tree_files *t, const char *path);

#endif
