/* SPDX-License-Identifier: MIT */
/*
 * Explanations of refusals.
 *
 * Whoever serves a request may lend a `struct uiommu_why` for its duration (why_begin, why_end).
 * The check that fails says which rule refused the request and which object stood in the way.
 * Without a loan nothing is formatted, so that a probing client pays nothing. The loan belongs to
 * the request: the thread only remembers where it is.
 */
#ifndef UIOMMU_BASE_REFUSE_H
#define UIOMMU_BASE_REFUSE_H

#include <uiommu/why.h>

/** why_begin() - lend @why (may be NULL) to this thread's request; returns the loan it replaces */
struct uiommu_why *why_begin(struct uiommu_why *why);
/** why_end() - give the loan back; @outer is what why_begin() returned */
void why_end(struct uiommu_why *outer);

/** why_asked() - what the request is, in its own terms; keeps the first of nested requests */
void why_asked(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * refuse() - the failing check of a request
 * @err:  positive errno
 * @rule: which rule refused it, a sentence without a full stop
 * @fmt:  which object stood in the way, or NULL
 *
 * The first refusal of a request is kept: it is the innermost. Return: -@err.
 */
int refuse(int err, const char *rule, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/** why_forget() - the request goes on after a refusal (it tried something else): drop what was said
 */
void why_forget(void);

#endif
