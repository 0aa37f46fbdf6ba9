/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive-index/schema.h"
#include "core/cleanup.h"

/*
 * `sum` is row_sum() of the other columns in the order they stand here (db.h).
 * Rows refer to each other by digest, not by row number, so that a row's sum says
 * all there is to say about it.
 *
 * A pack's `size` is how much of the file is ours: a writer appends, syncs, and
 * only then commits the new size. What lies beyond is left from a writer that
 * was interrupted, and the next one cuts it off. AUTOINCREMENT: the number of a
 * pack that was collected never comes back, so that a reader who still has the
 * old file open cannot mistake it.
 *
 * A content without entries is unreachable; its record is dropped when the pack
 * is next rewritten. `base` is the content that this one's codec needs first, and
 * `depth` how many there are in a row.
 *
 * build_id and set_name are '' for "not known" and "full BTF", since NULLs would
 * be distinct in the key.
 */
static const char version_1[] =
	"CREATE TABLE pack ("
	"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
	"	size INTEGER NOT NULL,"
	"	sum INTEGER NOT NULL"
	") STRICT;"
	"CREATE TABLE content ("
	"	digest BLOB PRIMARY KEY CHECK (length(digest) = 32),"
	"	raw_size INTEGER NOT NULL,"
	"	stored_size INTEGER NOT NULL,"
	"	codec INTEGER NOT NULL,"
	"	base BLOB REFERENCES content (digest),"
	"	depth INTEGER NOT NULL,"
	"	pack INTEGER NOT NULL REFERENCES pack (id),"
	"	offset INTEGER NOT NULL,"
	"	sum INTEGER NOT NULL,"
	"	UNIQUE (pack, offset)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX content_by_base ON content (base) WHERE base IS NOT NULL;"
	"CREATE TABLE entry ("
	"	distro TEXT NOT NULL,"
	"	release TEXT NOT NULL,"
	"	arch TEXT NOT NULL,"
	"	uname TEXT NOT NULL,"
	"	build_id TEXT NOT NULL,"
	"	set_name TEXT NOT NULL,"
	"	content BLOB NOT NULL REFERENCES content (digest),"
	"	added INTEGER NOT NULL,"
	"	changed INTEGER NOT NULL,"
	"	package TEXT,"
	"	package_version TEXT,"
	"	package_sha256 TEXT,"
	"	source TEXT,"
	"	suite TEXT,"
	"	converter TEXT,"
	"	sum INTEGER NOT NULL,"
	"	PRIMARY KEY (distro, release, arch, uname, build_id, set_name)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX entry_by_content ON entry (content);"
	"CREATE INDEX entry_by_build_id ON entry (build_id) WHERE build_id != '';"
	"CREATE INDEX entry_by_package ON entry (package, package_version)"
	"	WHERE package IS NOT NULL;"
	"CREATE INDEX entry_by_package_sha256 ON entry (package_sha256)"
	"	WHERE package_sha256 IS NOT NULL;"
	"CREATE TABLE failure ("
	"	distro TEXT NOT NULL,"
	"	release TEXT NOT NULL,"
	"	arch TEXT NOT NULL,"
	"	uname TEXT NOT NULL,"
	"	build_id TEXT NOT NULL,"
	"	package TEXT NOT NULL,"
	"	package_version TEXT NOT NULL,"
	"	package_sha256 TEXT,"
	"	source TEXT,"
	"	suite TEXT,"
	"	converter TEXT,"
	"	code INTEGER NOT NULL,"
	"	reason TEXT NOT NULL,"
	"	attempts INTEGER NOT NULL,"
	"	first INTEGER NOT NULL,"
	"	last INTEGER NOT NULL,"
	"	sum INTEGER NOT NULL,"
	"	PRIMARY KEY (distro, release, arch, package, package_version)"
	") STRICT, WITHOUT ROWID;";

/*
 * The modules of a kernel whose full BTF is `base`: all in one content, modules-joined.h,
 * of which base_types and base_strings tell where what the base has ends. NULL: it has
 * none. Such a row goes with the entry that it belongs to.
 */
static const char version_2[] =
	"CREATE TABLE modules ("
	"	distro TEXT NOT NULL,"
	"	release TEXT NOT NULL,"
	"	arch TEXT NOT NULL,"
	"	uname TEXT NOT NULL,"
	"	build_id TEXT NOT NULL,"
	"	base BLOB NOT NULL CHECK (length(base) = 32),"
	"	base_types INTEGER NOT NULL,"
	"	base_strings INTEGER NOT NULL,"
	"	content BLOB REFERENCES content (digest),"
	"	count INTEGER NOT NULL,"
	"	failed INTEGER NOT NULL,"
	"	changed INTEGER NOT NULL,"
	"	sum INTEGER NOT NULL,"
	"	PRIMARY KEY (distro, release, arch, uname, build_id)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX modules_by_content ON modules (content) WHERE content IS NOT NULL;";

/* Which names modules have, module-names.h, by their content; `base` is the content whose
 * row comes first. Modules that were stored before have no row. */
static const char version_3[] =
	"CREATE TABLE module_names ("
	"	content BLOB PRIMARY KEY CHECK (length(content) = 32),"
	"	base BLOB,"
	"	names BLOB NOT NULL,"
	"	sum INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;";

const char *const schema_migrations[] = {
	version_1,
	version_2,
	version_3,
};
const int schema_version = ARRAY_SIZE(schema_migrations);
