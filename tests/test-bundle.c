/* SPDX-License-Identifier: BSD-2-Clause */
/* Bundles: what is written is read back; what is damaged is refused. */
#include <fcntl.h>
#include <unistd.h>

#include <btfpack/bundle.h>
#include <btfpack/loader.h>

#include "core/buf.h"
#include "core/cleanup.h"
#include "core/digest.h"
#include "core/fs.h"
#include "runtime-loader/bundle.h"
#include "tests/synthetic.h"
#include "tests/test.h"

static struct btfpack_error err;

static void add(struct btfpack_bundle *b, uint32_t n, const struct btfpack_bundle_facts *facts)
{
	struct synthetic s;

	synthetic_make(n, &s);
	REQUIRE(btfpack_bundle_add(b, &s.kernel, &s.blob, facts, &err) == 0);
}

static struct btfpack_blob write_with(const struct btfpack_bundle *b, uint32_t flags)
{
	struct btfpack_bundle_opts opts = { .size = sizeof(opts), .flags = flags };
	struct btfpack_blob bytes = { 0 };

	REQUIRE(btfpack_bundle_write(b, &opts, &bytes, &err) == 0);
	return bytes;
}

/* The bundle of synthetic kernels 0 to @count - 1. */
static struct btfpack_blob make(uint32_t count, uint32_t flags)
{
	struct btfpack_bundle *b;
	struct btfpack_blob bytes;

	REQUIRE(btfpack_bundle_new(&b, &err) == 0);
	for (uint32_t i = 0; i < count; i++)
		add(b, i, NULL);
	bytes = write_with(b, flags);
	btfpack_bundle_free(b);
	return bytes;
}

static struct btfpack_host host_of(const struct btfpack_kernel *k)
{
	struct btfpack_host host = { 0 };

	snprintf(host.distro, sizeof(host.distro), "%s", k->distro);
	snprintf(host.release, sizeof(host.release), "%s", k->release);
	snprintf(host.arch, sizeof(host.arch), "%s", k->arch);
	snprintf(host.uname, sizeof(host.uname), "%s", k->uname);
	snprintf(host.build_id, sizeof(host.build_id), "%s", k->build_id ? k->build_id : "");
	return host;
}

/* Open @bytes for @host; NULL and the error in @err when it fails. */
static struct btfpack_loader *open_for(const struct btfpack_blob *bytes,
				       const struct btfpack_host *host)
{
	struct btfpack_loader_opts opts = { .size = sizeof(opts), .host = host };
	struct btfpack_loader *loader = NULL;

	err = (struct btfpack_error){ 0 };
	btfpack_loader_open_mem(bytes->data, bytes->size, &opts, &loader, &err);
	return loader;
}

static void check_kernel(const struct btfpack_blob *bytes, uint32_t n, bool with_build_id)
{
	struct btfpack_loader *loader;
	struct btfpack_host host;
	struct synthetic s;
	const void *data;
	size_t size;

	synthetic_make(n, &s);
	host = host_of(&s.kernel);
	if (!with_build_id)
		host.build_id[0] = '\0';
	loader = open_for(bytes, &host);
	if (!loader)
		printf("# kernel %u: %s\n", n, err.message);
	REQUIRE(loader);
	CHECK_INT(btfpack_loader_source(loader), BTFPACK_SOURCE_BUNDLE);
	CHECK_INT(btfpack_loader_match(loader),
		  with_build_id ? BTFPACK_MATCH_BUILD_ID : BTFPACK_MATCH_NAME);
	CHECK_STRING(btfpack_loader_kernel(loader)->uname, s.uname);
	CHECK(!strncmp(btfpack_loader_kernel(loader)->build_id, s.build_id, 2 * BUNDLE_BUILD_ID_SIZE));
	data = btfpack_loader_btf_data(loader, &size);
	CHECK(size == s.blob.size && !memcmp(data, s.btf, size));
	btfpack_loader_close(loader);
}

static void finds_every_kernel_of_many(void)
{
	AUTO_BLOB struct btfpack_blob bytes = make(5000, 0);

	printf("# 5000 kernels in %zu bytes, %.1f each\n", bytes.size, bytes.size / 5000.0);
	for (uint32_t n = 0; n < 5000; n += 41)
		check_kernel(&bytes, n, n % 2);
}

static void lends_a_path(void)
{
	AUTO_BLOB struct btfpack_blob bytes = make(3, 0), read = { 0 };
	struct btfpack_loader *loader;
	struct btfpack_host host;
	struct synthetic s;
	char path[64];

	synthetic_make(1, &s);
	host = host_of(&s.kernel);
	loader = open_for(&bytes, &host);
	REQUIRE(loader);
	snprintf(path, sizeof(path), "%s", btfpack_loader_btf_path(loader));
	CHECK(!strncmp(path, "/proc/self/fd/", 14));
	for (int i = 0; i < 2; i++) { /* libbpf opens it anew each time: from its start */
		REQUIRE(fs_read(path, 1 << 20, &read, &err) == 0);
		CHECK(read.size == s.blob.size && !memcmp(read.data, s.btf, read.size));
		btfpack_blob_free(&read);
	}
	btfpack_loader_close(loader);
	CHECK(access(path, F_OK) < 0);
}

static void does_not_depend_on_the_order(void)
{
	struct btfpack_bundle *b;
	AUTO_BLOB struct btfpack_blob forward = make(600, 0), other = { 0 };

	REQUIRE(btfpack_bundle_new(&b, &err) == 0);
	for (uint32_t i = 0; i < 600; i++)
		add(b, i * 7 % 600, NULL); /* 7 and 600 share no factor */
	CHECK_INT(btfpack_bundle_count_kernels(b), 600);
	other = write_with(b, 0);
	CHECK(other.size == forward.size && !memcmp(other.data, forward.data, other.size));
	btfpack_blob_free(&other);
	other = write_with(b, 0);
	CHECK(other.size == forward.size && !memcmp(other.data, forward.data, other.size));
	btfpack_bundle_free(b);
}

static void works_plain_and_without_provenance(void)
{
	AUTO_BLOB struct btfpack_blob plain = make(300, BTFPACK_BUNDLE_PLAIN);
	AUTO_BLOB struct btfpack_blob bare = make(300, BTFPACK_BUNDLE_NO_PROVENANCE);
	AUTO_BLOB struct btfpack_blob full = make(300, 0);

	CHECK(bare.size < full.size && full.size < plain.size);
	for (uint32_t n = 0; n < 300; n += 37) {
		check_kernel(&plain, n, true);
		check_kernel(&bare, n, false);
	}
}

static void takes_an_empty_bundle(void)
{
	AUTO_BLOB struct btfpack_blob bytes = make(0, 0);
	struct btfpack_host host = { "debian", "12", "x86_64", "6.1.0-28-amd64", "" };

	CHECK(!open_for(&bytes, &host));
	CHECK_INT(err.code, -ENOENT);
	CHECK_CONTAINS(err.message, "no BTF for this kernel: debian 12 x86_64 6.1.0-28-amd64: not in");
}

static void holds_two_builds_of_a_name(void)
{
	struct btfpack_kernel k = { "debian", "12", "amd64", "6.1.0-28-amd64", NULL };
	struct btfpack_blob one = { (char[]){ "\x9f\xeb one" }, 6 }, two = { (char[]){ "\x9f\xeb two" }, 6 };
	AUTO_BLOB struct btfpack_blob bytes = { 0 };
	struct btfpack_bundle *b;
	struct btfpack_loader *loader;
	struct btfpack_host host;
	size_t size;

	REQUIRE(btfpack_bundle_new(&b, &err) == 0);
	k.build_id = "1111111111111111111111111111111111111111";
	CHECK_INT(btfpack_bundle_add(b, &k, &one, NULL, &err), 0);
	CHECK_INT(btfpack_bundle_add(b, &k, &one, NULL, &err), 0);
	CHECK_INT(btfpack_bundle_add(b, &k, &two, NULL, &err), -EEXIST);
	CHECK_STRING(err.message, "bundle: debian/12/x86_64/6.1.0-28-amd64 was added before with another BTF");
	k.build_id = "2222";
	CHECK_INT(btfpack_bundle_add(b, &k, &two, NULL, &err), 0);
	CHECK_INT(btfpack_bundle_count_kernels(b), 2);
	CHECK_INT(btfpack_bundle_count_blobs(b), 2);
	bytes = write_with(b, 0);
	btfpack_bundle_free(b);
	host = host_of(&k);
	loader = open_for(&bytes, &host);
	REQUIRE(loader);
	CHECK(!memcmp(btfpack_loader_btf_data(loader, &size), two.data, 6));
	btfpack_loader_close(loader);
	host.build_id[0] = '\0';
	CHECK(!open_for(&bytes, &host));
	CHECK_CONTAINS(err.message, "2 kernels of that name in the bundle differ");
}

static void keeps_what_is_asked_of_build_ids(void)
{
	struct btfpack_bundle_opts opts = { .size = sizeof(opts), .build_id_size = 20 };
	AUTO_BLOB struct btfpack_blob few = make(50, 0), all = { 0 };
	struct btfpack_loader *loader;
	struct btfpack_host host = { 0 };
	struct btfpack_bundle *b;
	struct synthetic s;

	REQUIRE(btfpack_bundle_new(&b, &err) == 0);
	for (uint32_t i = 0; i < 50; i++)
		add(b, i, NULL);
	REQUIRE(btfpack_bundle_write(b, &opts, &all, &err) == 0);
	synthetic_make(7, &s);
	strcpy(host.build_id, s.build_id);
	loader = open_for(&all, &host); /* without a uname */
	REQUIRE(loader);
	CHECK_STRING(btfpack_loader_kernel(loader)->build_id, s.build_id);
	btfpack_loader_close(loader);
	CHECK(!open_for(&few, &host));
	CHECK_INT(err.code, -ENOENT);
	opts.build_id_size = 21;
	CHECK_INT(btfpack_bundle_write(b, &opts, &all, &err), -EINVAL);
	btfpack_bundle_free(b);
}

/* Two builds that begin alike: as much of them is kept as it takes. */
static void tells_builds_that_begin_alike(void)
{
	struct btfpack_kernel k = { "debian", "12", "amd64", "6.1.0-28-amd64", NULL };
	struct btfpack_blob one = { (char[]){ "\x9f\xeb one" }, 6 }, two = { (char[]){ "\x9f\xeb two" }, 6 };
	AUTO_BLOB struct btfpack_blob bytes = { 0 };
	struct btfpack_bundle *b;
	struct btfpack_loader *loader;
	struct btfpack_host host;
	size_t size;

	REQUIRE(btfpack_bundle_new(&b, &err) == 0);
	k.build_id = "1122334455aa";
	CHECK_INT(btfpack_bundle_add(b, &k, &one, NULL, &err), 0);
	k.build_id = "1122334455bb";
	CHECK_INT(btfpack_bundle_add(b, &k, &two, NULL, &err), 0);
	bytes = write_with(b, 0);
	btfpack_bundle_free(b);
	host = host_of(&k);
	loader = open_for(&bytes, &host);
	REQUIRE(loader);
	CHECK_STRING(btfpack_loader_kernel(loader)->build_id, k.build_id);
	CHECK(!memcmp(btfpack_loader_btf_data(loader, &size), two.data, 6));
	btfpack_loader_close(loader);
}

static void refuses_unfit_kernels(void)
{
	static const struct btfpack_kernel bad[] = {
		{ "", "12", "x86_64", "6.1", NULL },	   { "debian", NULL, "x86_64", "6.1", NULL },
		{ "debian", "1/2", "x86_64", "6.1", NULL }, { "debian", "12", "x 86", "6.1", NULL },
		{ "debian", "12", "x86_64", "6\n1", NULL }, { "debian", "12", "x86_64", "\xc3\xa9", NULL },
		{ "debian", "12", "x86_64", "6.1", "xyz" }, { "debian", "12", "x86_64", "6.1", "abc" },
	};
	struct btfpack_blob btf = { (char[]){ "\x9f\xeb" }, 2 };
	struct btfpack_bundle_facts facts = { .digest = "12" };
	struct btfpack_kernel k = { "debian", "12", "x86_64", "6.1", NULL };
	struct btfpack_bundle *b;
	char longest[300];

	REQUIRE(btfpack_bundle_new(&b, &err) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(btfpack_bundle_add(b, &bad[i], &btf, NULL, &err), -EINVAL);
	CHECK_INT(btfpack_bundle_add(b, &k, &btf, &facts, &err), -EINVAL);
	memset(longest, 'u', sizeof(longest));
	longest[255 - strlen("debian/12/x86_64/") + 1] = '\0';
	k.uname = longest;
	CHECK_INT(btfpack_bundle_add(b, &k, &btf, NULL, &err), -EINVAL);
	longest[strlen(longest) - 1] = '\0';
	CHECK_INT(btfpack_bundle_add(b, &k, &btf, NULL, &err), 0);
	btfpack_bundle_free(b);
}

static void check_program(const struct btfpack_loader *loader, size_t index, const char *object,
			  const char *program, enum btfpack_loads loads, const char *reason)
{
	const struct btfpack_program *p = btfpack_loader_program(loader, index);

	REQUIRE(p);
	CHECK_STRING(p->object, object);
	CHECK_STRING(p->program, program);
	CHECK_INT(p->loads, loads);
	CHECK_STRING(p->reason, reason);
}

static struct btfpack_loader *open_synthetic(const struct btfpack_blob *bytes, uint32_t n)
{
	struct btfpack_loader *loader;
	struct btfpack_host host;
	struct synthetic s;

	synthetic_make(n, &s);
	host = host_of(&s.kernel);
	loader = open_for(bytes, &host);
	REQUIRE(loader);
	return loader;
}

static void carries_verdicts(void)
{
	static const struct btfpack_bundle_verdict some[] = {
		{ 0, BTFPACK_VERDICT_LOADS_WITHOUT, NULL },
		{ 2, BTFPACK_VERDICT_UNSURE, "no function f\nin it" },
		{ 3, BTFPACK_VERDICT_REJECTED, "the kernel has no struct w" },
	};
	static const struct btfpack_bundle_verdict bad[] = {
		{ 1, BTFPACK_VERDICT_REJECTED, "" },
		{ 1, BTFPACK_VERDICT_REJECTED, "twice" },
		{ 4, BTFPACK_VERDICT_REJECTED, "no such program" },
		{ 0, BTFPACK_VERDICT_LOADS, "" },
	};
	static const char *const names[][2] = { { "a.o", "p" }, { "a.o", "q" }, { "b.o", "p" },
						{ "b.o", "r" } };
	struct btfpack_bundle_facts judged = { .is_judged = true };
	struct btfpack_bundle_facts found = { NULL, NULL, true, some, ARRAY_SIZE(some) };
	AUTO_BLOB struct btfpack_blob bytes = { 0 };
	struct btfpack_bundle *b;
	struct btfpack_loader *loader;
	struct synthetic s;
	uint32_t number;

	REQUIRE(btfpack_bundle_new(&b, &err) == 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(names); i++) {
		REQUIRE(btfpack_bundle_add_program(b, names[i][0], names[i][1], &number, &err) == 0);
		CHECK_INT(number, i);
	}
	CHECK_INT(btfpack_bundle_add_program(b, "", "p", &number, &err), -EINVAL);
	CHECK_INT(btfpack_bundle_add_program(b, "a\nb", "p", &number, &err), -EINVAL);
	synthetic_make(9, &s);
	for (size_t i = 0; i < 3; i++) {
		struct btfpack_bundle_facts facts = { NULL, NULL, true, bad + i, i ? 1 : 2 };

		CHECK_INT(btfpack_bundle_add(b, &s.kernel, &s.blob, &facts, &err),
			  i == 1 ? 0 : -EINVAL);
		synthetic_make(10 + i, &s);
	}
	add(b, 0, NULL);
	add(b, 1, &judged);
	add(b, 2, &found);
	add(b, 3, &found);
	CHECK_INT(btfpack_bundle_add_program(b, "c.o", "late", &number, &err), -EINVAL);
	bytes = write_with(b, 0);
	btfpack_bundle_free(b);
	loader = open_synthetic(&bytes, 0); /* nobody judged it */
	CHECK_INT(btfpack_loader_count_programs(loader), 0);
	CHECK(!btfpack_loader_program(loader, 0) && !btfpack_loader_verdict(loader));
	btfpack_loader_close(loader);
	loader = open_synthetic(&bytes, 1); /* all load */
	CHECK_INT(btfpack_loader_count_programs(loader), 4);
	check_program(loader, 0, "a.o", "p", BTFPACK_LOADS, "");
	check_program(loader, 3, "b.o", "r", BTFPACK_LOADS, "");
	CHECK(!btfpack_loader_verdict(loader));
	btfpack_loader_close(loader);
	for (uint32_t n = 2; n < 4; n++) {
		loader = open_synthetic(&bytes, n);
		check_program(loader, 0, "a.o", "p", BTFPACK_LOADS_WITHOUT, "");
		check_program(loader, 1, "a.o", "q", BTFPACK_LOADS, "");
		check_program(loader, 2, "b.o", "p", BTFPACK_LOADS_UNSURE, "no function f in it");
		check_program(loader, 3, "b.o", "r", BTFPACK_LOADS_NOT, "the kernel has no struct w");
		CHECK(!btfpack_loader_program(loader, 4));
		CHECK_STRING(btfpack_loader_verdict(loader),
			     "r (b.o): the kernel has no struct w");
		btfpack_loader_close(loader);
	}
	CHECK_STRING(btfpack_loads_name(BTFPACK_LOADS_NOT), "rejected");
}

/* Verdicts that contradict themselves, under a right checksum. */
static void refuses_bad_verdicts(void)
{
	/* One reason; remarks "0X", "1?" of it; one verdict: of both. Beginning with the
	 * length of the remarks. */
	static const char good[] = "\2\0X\0\1?\0\2\0\0";
	static const struct {
		const char *what, *bytes;
	} rows[] = {
		{ "no such letter", "\2\0Y\0\1?\0\2\0\0" },
		{ "no such program", "\2\0X\0\7?\0\2\0\0" },
		{ "no such reason", "\2\0X\3\1?\0\2\0\0" },
		{ "a program twice", "\2\0X\0\0?\0\2\0\0" },
		{ "no such remark", "\2\0X\0\1?\0\2\0\1" },
		{ "more remarks than there are", "\2\0X\0\1?\0\3\0\0" },
		{ "remarks that do not end", "\177\0X\0\1?\0\2\0\0" },
		{ "a number that does not end", "\2\0X\0\1?\0\2\0\377" },
	};
	static const struct btfpack_bundle_verdict some[] = {
		{ 0, BTFPACK_VERDICT_REJECTED, "REASON" },
		{ 1, BTFPACK_VERDICT_UNSURE, "REASON" },
	};
	struct btfpack_bundle_facts found = { NULL, NULL, true, some, 2 };
	AUTO_BLOB struct btfpack_blob bytes = { 0 };
	struct btfpack_loader *loader;
	struct btfpack_bundle *b;
	struct synthetic s;
	struct btfpack_host host;
	uint32_t number;
	char *at;

	REQUIRE(btfpack_bundle_new(&b, &err) == 0);
	REQUIRE(btfpack_bundle_add_program(b, "a.o", "p", &number, &err) == 0);
	REQUIRE(btfpack_bundle_add_program(b, "a.o", "q", &number, &err) == 0);
	add(b, 0, &found);
	bytes = write_with(b, BTFPACK_BUNDLE_PLAIN);
	btfpack_bundle_free(b);
	at = memmem(bytes.data, bytes.size, "\1REASON", 8);
	REQUIRE(at);
	at += 8;
	REQUIRE(!memcmp(at, good, sizeof(good) - 1));
	synthetic_make(0, &s);
	host = host_of(&s.kernel);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memcpy(at, rows[i].bytes, sizeof(good) - 1);
		bundle_put_u64((uint8_t *)bytes.data + BUNDLE_AT_CHECKSUM,
			       bundle_checksum(bytes.data, bytes.size));
		loader = open_for(&bytes, &host);
		if (loader)
			printf("# accepted: %s\n", rows[i].what);
		CHECK(!loader);
		btfpack_loader_close(loader);
		CHECK_INT(err.code, -EBADMSG);
		CHECK_STRING(err.message, "bundle: damaged bundle: a verdict");
	}
}

/* The digest of all digests, of which the bundle has the first bytes. */
static void check_whole_digest(const char *text, const struct btfpack_bundle_facts *known)
{
	AUTO_BUF struct buf full = BUF_INIT(1 << 16);
	char hex[DIGEST_HEX_SIZE];
	struct btfpack_id id;

	for (const char *name = "az"; *name; name++)
		buf_add_format(&full, "object ab%062d %c.bpf.o\n", 0, *name);
	buf_add_format(&full, "kernel %s linux-image-%%-100%%%%-dbg 6.1.1-1\n", known->digest);
	buf_add_string(&full, "kernel - linux-image-2-dbg\nkernel - -\n");
	for (uint32_t n = 0; n < 1; n++) { /* all three have one blob */
		struct synthetic s;

		synthetic_make(n, &s);
		REQUIRE(digest_bytes(s.blob.data, s.blob.size, &id) == 0);
		digest_format(&id, hex);
		buf_add_format(&full, "blob %s\n", hex);
	}
	REQUIRE(digest_bytes(full.data, full.size, &id) == 0);
	digest_format(&id, hex);
	CHECK_CONTAINS(text, hex);
}

static void carries_provenance(void)
{
	struct btfpack_bundle_facts known = {
		.digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	};
	struct btfpack_bundle_facts named = { .package = "linux-image-2-dbg" };
	AUTO_BLOB struct btfpack_blob bytes = { 0 };
	struct btfpack_id id = { { 0xab } };
	struct synthetic first;
	char package[128];
	struct btfpack_bundle *b;
	struct bundle_bytes text;
	struct bundle bundle;

	synthetic_make(0, &first);
	snprintf(package, sizeof(package), "linux-image-%s-100%%-dbg 6.1.1-1", first.uname);
	known.package = package;
	REQUIRE(btfpack_bundle_new(&b, &err) == 0);
	CHECK_INT(btfpack_bundle_add_object(b, "z.bpf.o", &id, &err), 0);
	CHECK_INT(btfpack_bundle_add_object(b, "a.bpf.o", &id, &err), 0);
	CHECK_INT(btfpack_bundle_add_object(b, "new\nline", &id, &err), -EINVAL);
	add(b, 0, &known);
	add(b, 1, &named);
	add(b, 2, NULL);
	bytes = write_with(b, 0);
	btfpack_bundle_free(b);
	REQUIRE(bundle_init(&bundle, bytes.data, bytes.size, "b", &err) == 0);
	REQUIRE(bundle_get_section(&bundle, BUNDLE_PROVENANCE, &text, &err) == 0);
	{
		AUTO_FREE char *copy = strndup((const char *)text.data, text.size);

		CHECK_CONTAINS(copy, "btfpack " BTFPACK_VERSION "\ndigest ");
		CHECK_CONTAINS(copy, "\nobject ab000000 a.bpf.o\nobject ab000000 z.bpf.o\n");
		CHECK_CONTAINS(copy, "\nkernel 01234567 linux-image-%-100%%-dbg 6.1.1-1\n");
		CHECK_CONTAINS(copy, "\nkernel - linux-image-2-dbg\n");
		CHECK_CONTAINS(copy, "\nkernel - -\n");
		check_whole_digest(copy, &known);
	}
	bundle_bytes_deinit(&text);
}

/* --- damage ------------------------------------------------------------------------------------- */

static void refuses_every_flipped_byte(void)
{
	AUTO_BLOB struct btfpack_blob bytes = make(12000, BTFPACK_BUNDLE_PLAIN);
	uint8_t *data = bytes.data;
	size_t accepted = 0;
	struct bundle b;

	REQUIRE(bundle_init(&b, data, bytes.size, "b", &err) == 0);
	CHECK(bytes.size > 60000 && bytes.size < 200000);
	for (size_t i = 0; i < bytes.size; i++) {
		uint8_t was = data[i];

		data[i] = i % 2 ? (uint8_t)~was : was ^ 1U << i / 2 % 8;
		accepted += bundle_init(&b, data, bytes.size, "b", &err) != -EBADMSG;
		data[i] = was;
	}
	CHECK_INT(accepted, 0);
	REQUIRE(bundle_init(&b, data, bytes.size, "b", &err) == 0);
}

static void refuses_every_truncation(void)
{
	AUTO_BLOB struct btfpack_blob bytes = make(120, 0);
	size_t accepted = 0;
	struct bundle b;

	for (size_t size = 0; size < bytes.size; size++)
		accepted += bundle_init(&b, bytes.data, size, "b", &err) != -EBADMSG;
	CHECK_INT(accepted, 0);
	bytes.data = realloc(bytes.data, bytes.size + 1);
	((uint8_t *)bytes.data)[bytes.size] = 0;
	CHECK_INT(bundle_init(&b, bytes.data, bytes.size + 1, "b", &err), -EBADMSG);
}

/* Change bytes and put the checksum right: what a broken writer might make. Must
 * not crash; is mostly refused, or gives some BTF. */
static void survives_damage_under_a_right_checksum(void)
{
	AUTO_BLOB struct btfpack_blob bytes = make(40, BTFPACK_BUNDLE_PLAIN);
	struct btfpack_host host = { "debian", "10", "x86_64", "4.0.0-12-amd64", "" };
	uint8_t *data = bytes.data;
	uint32_t state = 1;

	for (int round = 0; round < 20000; round++) {
		size_t at = 8 + synthetic_random(&state) % (round % 2 ? 1500 : 200);
		uint8_t was = data[at];

		data[at] = synthetic_random(&state);
		bundle_put_u64(data + BUNDLE_AT_CHECKSUM, bundle_checksum(data, bytes.size));
		btfpack_loader_close(open_for(&bytes, &host));
		data[at] = was;
	}
}

static void patch(struct btfpack_blob *bytes, size_t at, uint32_t value)
{
	bundle_put_u32((uint8_t *)bytes->data + at, value);
	bundle_put_u64((uint8_t *)bytes->data + BUNDLE_AT_CHECKSUM,
		       bundle_checksum(bytes->data, bytes->size));
}

static void knows_versions_and_sections(void)
{
	AUTO_BLOB struct btfpack_blob bytes = make(10, 0);
	size_t last = BUNDLE_AT_SECTIONS + BUNDLE_DIGESTS * BUNDLE_SECTION_SIZE;
	struct bundle b;

	REQUIRE(bundle_get_u32((uint8_t *)bytes.data + last) == BUNDLE_PROVENANCE);
	patch(&bytes, last, BUNDLE_IGNORABLE + 7);
	CHECK_INT(bundle_init(&b, bytes.data, bytes.size, "b", &err), 0);
	patch(&bytes, last, BUNDLE_SECTION_END);
	CHECK_INT(bundle_init(&b, bytes.data, bytes.size, "b", &err), -EOPNOTSUPP);
	patch(&bytes, last, BUNDLE_KEYS);
	CHECK_INT(bundle_init(&b, bytes.data, bytes.size, "b", &err), -EBADMSG);
	patch(&bytes, last, BUNDLE_PROVENANCE);
	patch(&bytes, BUNDLE_AT_VERSION, BUNDLE_VERSION + 1);
	CHECK_INT(bundle_init(&b, bytes.data, bytes.size, "b", &err), -EOPNOTSUPP);
	CHECK_CONTAINS(err.message, "made by a later btfpack");
	for (uint32_t version = 1; version < BUNDLE_VERSION; version++) {
		patch(&bytes, BUNDLE_AT_VERSION, version);
		CHECK_INT(bundle_init(&b, bytes.data, bytes.size, "b", &err), -EOPNOTSUPP);
		CHECK_CONTAINS(err.message, "made by an earlier btfpack; make it again with `btfpack bundle`");
	}
}

/* --- the loader's steps ------------------------------------------------------------------------- */

static void takes_files_in_order(void)
{
	struct btfpack_loader_opts opts = { .size = sizeof(opts), .root = "/nonexistent" };
	char dir[] = "/tmp/btfpack-test-bundle.XXXXXX", path[64], story[2048], command[80];
	struct btfpack_loader *loader = NULL;
	size_t size;

	opts.explain = story;
	opts.explain_size = sizeof(story);
	REQUIRE(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/file.btf", dir);
	REQUIRE(fs_write(path, "\x9f\xeb\x01\x00", 4, NULL) == 0);
	setenv("BTFPACK_BTF", path, 1);
	REQUIRE(btfpack_loader_open(NULL, NULL, &loader, &err) == 0);
	CHECK_INT(btfpack_loader_source(loader), BTFPACK_SOURCE_FILE);
	CHECK_STRING(btfpack_loader_btf_path(loader), path);
	CHECK(btfpack_loader_btf_data(loader, &size) && size == 4);
	CHECK_CONTAINS(btfpack_loader_reason(loader), "BTFPACK_BTF names");
	btfpack_loader_close(loader);
	setenv("BTFPACK_BTF", "/nonexistent", 1);
	CHECK_INT(btfpack_loader_open(NULL, &opts, &loader, &err), -ENOENT);
	CHECK_CONTAINS(err.message, "/nonexistent: cannot open");
	opts.btf_file = path; /* comes before the environment */
	REQUIRE(btfpack_loader_open(NULL, &opts, &loader, &err) == 0);
	btfpack_loader_close(loader);
	opts.btf_file = NULL;
	opts.flags = BTFPACK_LOADER_IGNORE_ENV;
	CHECK_INT(btfpack_loader_open(NULL, &opts, &loader, &err), -ENOENT);
	CHECK_CONTAINS(err.message, "no bundle was given");
	CHECK_CONTAINS(story, "/nonexistent/sys/kernel/btf/vmlinux: No such file");
	REQUIRE(fs_write(path, "not BTF", 7, NULL) == 0);
	opts.btf_file = path;
	CHECK_INT(btfpack_loader_open(NULL, &opts, &loader, &err), -EBADMSG);
	CHECK_CONTAINS(err.message, "not BTF");
	opts.btf_file = NULL;
	CHECK_INT(btfpack_loader_open(dir, &opts, &loader, &err), -EBADMSG);
	CHECK_INT(btfpack_loader_open(path, &opts, &loader, &err), -EBADMSG);
	CHECK_CONTAINS(err.message, "not a btfpack bundle");
	unsetenv("BTFPACK_BTF");
	snprintf(command, sizeof(command), "rm -r %s", dir);
	CHECK(system(command) == 0);
}

static void checks_options(void)
{
	struct {
		struct btfpack_loader_opts opts;
		char future[8];
	} later = { .opts = { .size = sizeof(later), .flags = BTFPACK_LOADER_IGNORE_ENV,
			      .root = "/nonexistent" } };
	struct btfpack_loader *loader;

	CHECK_INT(btfpack_loader_open(NULL, &later.opts, &loader, &err), -ENOENT);
	later.future[0] = 1;
	CHECK_INT(btfpack_loader_open(NULL, &later.opts, &loader, &err), -EINVAL);
	later.opts.size = sizeof(later.opts);
	later.opts.flags = 1U << 31;
	CHECK_INT(btfpack_loader_open(NULL, &later.opts, &loader, &err), -EINVAL);
	later.opts.size = 0;
	CHECK_INT(btfpack_loader_open(NULL, &later.opts, &loader, &err), -EINVAL);
	btfpack_loader_close(NULL);
}

TEST_MAIN({ "finds every kernel of 5,000", finds_every_kernel_of_many },
	  { "lends a path that lives until close", lends_a_path },
	  { "writes the same bytes whatever the order", does_not_depend_on_the_order },
	  { "works uncompressed and without provenance", works_plain_and_without_provenance },
	  { "takes an empty bundle", takes_an_empty_bundle },
	  { "holds two builds of one name", holds_two_builds_of_a_name },
	  { "keeps as much of build-ids as asked", keeps_what_is_asked_of_build_ids },
	  { "tells apart builds that begin alike", tells_builds_that_begin_alike },
	  { "refuses kernels that cannot be keys", refuses_unfit_kernels },
	  { "carries verdicts", carries_verdicts },
	  { "refuses bad verdicts", refuses_bad_verdicts },
	  { "carries provenance", carries_provenance },
	  { "refuses every flipped byte", refuses_every_flipped_byte },
	  { "refuses every truncation", refuses_every_truncation },
	  { "survives damage under a right checksum", survives_damage_under_a_right_checksum },
	  { "knows versions and section types", knows_versions_and_sections },
	  { "takes files in the order it says", takes_files_in_order },
	  { "checks its options", checks_options })
