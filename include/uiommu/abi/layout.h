/* SPDX-License-Identifier: MIT */
/*
 * Compile-time checks of binary layouts, for the headers of this folder.
 *
 * Both macros take a struct's tag without the keyword, so that they read the same in C and in C++.
 */
#ifndef UIOMMU_ABI_LAYOUT_H
#define UIOMMU_ABI_LAYOUT_H

#include <assert.h>
#include <stddef.h>

#ifdef __cplusplus
#define UIOMMU_ABI_TYPE(tag)		 tag
#define UIOMMU_ABI_FIELD_SIZE(tag, name) sizeof(tag::name)
#else
#define UIOMMU_ABI_TYPE(tag)		 struct tag
#define UIOMMU_ABI_FIELD_SIZE(tag, name) sizeof(((struct tag *)0)->name)
#endif

/* struct @tag has @len bytes. */
#define UIOMMU_ABI_SIZE(tag, len)                                                                  \
	static_assert(sizeof(UIOMMU_ABI_TYPE(tag)) == (len), #tag " has another size")

/* Field @name of struct @tag begins at byte @off and has @len bytes. */
#define UIOMMU_ABI_FIELD(tag, name, off, len)                                                      \
	static_assert(offsetof(UIOMMU_ABI_TYPE(tag), name) == (off) &&                             \
			      UIOMMU_ABI_FIELD_SIZE(tag, name) == (len),                           \
		#tag "." #name " is elsewhere")

#endif
