/* SPDX-License-Identifier: BSD-2-Clause */
#include <byteswap.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <string.h>

#include "btfgen/btf-file.h"
#include "core/cleanup.h"
#include "core/fs.h"

#define BTF_FILE_MAXIMUM ((size_t)1 << 30)

static void cleanup_elf(Elf **elf)
{
	elf_end(*elf);
}

static int copy_section(Elf_Scn *scn, const char *path, struct btfpack_blob *ret,
			struct btfpack_error *err)
{
	Elf_Data *data = elf_rawdata(scn, NULL);

	if (!data || !data->d_buf)
		return btfpack_error_set(err, -EBADMSG, "%s: cannot read the .BTF section: %s",
					 path, data ? "it is empty" : elf_errmsg(-1));
	if (data->d_size > BTF_FILE_MAXIMUM)
		return btfpack_error_set(err, -EFBIG,
					 "%s: .BTF section larger than the limit of %zu bytes",
					 path, BTF_FILE_MAXIMUM);
	ret->data = malloc(data->d_size);
	if (!ret->data)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	memcpy(ret->data, data->d_buf, data->d_size);
	ret->size = data->d_size;
	return 0;
}

static int load_elf(int fd, const char *path, bool is_split, struct btfpack_blob *ret,
		    struct btfpack_error *err)
{
	CLEANUP(cleanup_elf) Elf *elf = NULL;
	Elf_Scn *scn = NULL, *found = NULL;
	size_t names;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getshdrstrndx(elf, &names) < 0)
		return btfpack_error_set(err, -EBADMSG, "%s: damaged ELF file: %s", path,
					 elf_errmsg(-1));
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		const char *name;

		if (!gelf_getshdr(scn, &shdr))
			continue;
		name = elf_strptr(elf, names, shdr.sh_name);
		if (name && is_split && !strcmp(name, ".BTF.base"))
			return btfpack_error_set(err, -EOPNOTSUPP,
						 "%s: its BTF stands on a base of its own "
						 "(.BTF.base), not on the kernel's",
						 path);
		if (name && !found && !strcmp(name, ".BTF") && shdr.sh_type != SHT_NOBITS)
			found = scn;
	}
	if (found)
		return copy_section(found, path, ret, err);
	return btfpack_error_set(err, -EOPNOTSUPP,
				 "%s: ELF file without a .BTF section; `btfpack convert` makes BTF "
				 "from its DWARF",
				 path);
}

static int load(const char *path, bool is_split, struct btfpack_blob *ret,
		struct btfpack_error *err)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint16_t magic;
	char start[4];
	ssize_t got;

	if (fd < 0) {
		int code = errno;

		return btfpack_error_set(err, -code, "%s: cannot open: %s", path, strerror(code));
	}
	got = pread(fd, start, sizeof(start), 0);
	if (got < 0 && errno == ESPIPE) /* a pipe: raw BTF only */
		return fs_read(path, BTF_FILE_MAXIMUM, ret, err);
	if (got < 0) {
		int code = errno;

		return btfpack_error_set(err, -code, "%s: cannot read: %s", path, strerror(code));
	}
	if (got == sizeof(start) && !memcmp(start, ELFMAG, SELFMAG))
		return load_elf(fd, path, is_split, ret, err);
	memcpy(&magic, start, sizeof(magic));
	if (got == sizeof(start) && (magic == BTF_MAGIC || magic == bswap_16(BTF_MAGIC)))
		return fs_read(path, BTF_FILE_MAXIMUM, ret, err);
	return btfpack_error_set(err, -EBADMSG, "%s: neither BTF nor ELF", path);
}

int btf_file_load(const char *path, struct btfpack_blob *ret, struct btfpack_error *err)
{
	return load(path, false, ret, err);
}

int btf_file_load_split(const char *path, struct btfpack_blob *ret, struct btfpack_error *err)
{
	return load(path, true, ret, err);
}
