/* SPDX-License-Identifier: BSD-2-Clause */
/* The supplementary file into which dwz moves what several files share. */
#ifndef BTFGEN_DWZ_FILE_H
#define BTFGEN_DWZ_FILE_H

#include "btfgen/elf-image.h"

/*
 * If @image says that it has one (.gnu_debugaltlink, or .debug_sup of DWARF 5),
 * open it into @ret: @dwz_path when that is not NULL, else by the name in the
 * link, from the image's own directory, and by its build-id under
 * /usr/lib/debug/.build-id. Returns 1 when opened, 0 when @image has none;
 * -ENOENT when it is not to be found, -EBADMSG when it is another than meant.
 * *@path_ret is what @ret->path points to: free() it after elf_image_deinit().
 */
int dwz_file_open(struct elf_image *image, const char *dwz_path, struct elf_image *ret,
		  char **path_ret, struct btfpack_error *err);

#endif
