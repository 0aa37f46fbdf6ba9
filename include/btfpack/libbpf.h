/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack/libbpf.h - the loader and libbpf, in one call
 *
 * For programs that use both; include <bpf/libbpf.h> before. Header only.
 *
 *	struct btfpack_loader *loader;
 *	LIBBPF_OPTS(bpf_object_open_opts, opts);
 *
 *	if (btfpack_open_opts_init(&opts, "tool.bundle", &loader, &err) < 0)
 *		return fail(err.message);
 *	skel = tool_bpf__open_opts(&opts);
 *	error = tool_bpf__load(skel);
 *	btfpack_loader_close(loader);		// not before the load
 */
#ifndef BTFPACK_LIBBPF_H
#define BTFPACK_LIBBPF_H

#include <btfpack/loader.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Open a loader on the bundle file @bundle_path and let @opts use what it found.
 * Errors as of btfpack_loader_open(), and then @opts is untouched. The caller
 * closes *@loader_ret, after bpf_object__load() has returned. */
static inline int btfpack_open_opts_init(struct bpf_object_open_opts *opts,
					 const char *bundle_path,
					 struct btfpack_loader **loader_ret,
					 struct btfpack_error *err)
{
	int error = btfpack_loader_open(bundle_path, NULL, loader_ret, err);

	if (!error)
		opts->btf_custom_path = btfpack_loader_btf_path(*loader_ret);
	return error;
}

/* The same with a bundle of @size bytes in memory. */
static inline int btfpack_open_opts_init_mem(struct bpf_object_open_opts *opts, const void *bundle,
					     size_t size, struct btfpack_loader **loader_ret,
					     struct btfpack_error *err)
{
	int error = btfpack_loader_open_mem(bundle, size, NULL, loader_ret, err);

	if (!error)
		opts->btf_custom_path = btfpack_loader_btf_path(*loader_ret);
	return error;
}

#ifdef __cplusplus
}
#endif
#endif
