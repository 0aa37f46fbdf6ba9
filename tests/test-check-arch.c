/* SPDX-License-Identifier: BSD-2-Clause */
/* Which kernels an object is made for, and what version a kernel says it is. */
#include "tests/test.h"

#include "btfgen/check-arch.h"
#include "btfgen/kernel-version.h"
#include "tests/btf-help.h"

/* BTF with one struct of @count members of eight bytes, called by one letter each; in
 * @nested an anonymous struct is around them. */
static struct btfpack_blob registers(const char *name, const char *letters, bool nested, bool other)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	struct btf_member members[26], all;
	struct btfpack_blob blob = { 0 };
	uint32_t id, number, count = (uint32_t)strlen(letters);

	REQUIRE(btf_build_new(NULL, &b) == 0);
	number = help_int(b, "long unsigned int", 8, 0);
	for (uint32_t i = 0; i < count; i++)
		members[i] = help_member(b, (char[]){ letters[i], 0 }, number, i * 64);
	id = help_struct(b, BTF_KIND_STRUCT, nested ? "" : name, count * 8, count, members);
	all = help_member(b, "", id, 0);
	if (nested)
		help_struct(b, BTF_KIND_STRUCT, name, count * 8, 1, &all);
	REQUIRE(btf_build_finish(b, other, &blob) == 0);
	return blob;
}

static enum check_arch judge(const struct btfpack_blob *object_blob,
			     const struct btfpack_blob *kernel_blob)
{
	struct bpf_object object = { .has_btf = true };
	AUTO_BTF_VIEW struct btf_view kernel = { 0 };
	enum check_arch answer;

	REQUIRE(btf_view_init(&object.btf, object_blob->data, object_blob->size, NULL, "o", NULL) ==
		0);
	REQUIRE(btf_view_init(&kernel, kernel_blob->data, kernel_blob->size, NULL, "k", NULL) == 0);
	object.other_order = object.btf.other_order;
	answer = check_arch(&object, &kernel);
	btf_view_deinit(&object.btf);
	return answer;
}

static void knows_registers(void)
{
	static const struct {
		const char *object_name, *object, *kernel_name, *kernel;
		bool nested;
		enum check_arch answer;
	} cases[] = {
		{ "pt_regs", "abcdefghijkl", "pt_regs", "abcdefghijkl", false, CHECK_ARCH_FITS },
		{ "pt_regs", "abcdefghijkl", "pt_regs", "abcdefghijkl", true, CHECK_ARCH_FITS },
		/* Other names for most, as user space has for x86. */
		{ "pt_regs", "abcdEFGHIJKL", "pt_regs", "abcdefghijkl", false, CHECK_ARCH_FITS },
		/* The same names elsewhere: i386. */
		{ "pt_regs", "abcdefghijkl", "pt_regs", "lkjihgabcdef", false,
		  CHECK_ARCH_REGISTERS },
		{ "pt_regs", "abcdefghijkl", "pt_regs", "z", false, CHECK_ARCH_REGISTERS },
		/* Few members: for CO-RE, which finds them wherever they are. */
		{ "pt_regs", "k", "pt_regs", "abcdefghijkl", true, CHECK_ARCH_FITS },
		{ "pt_regs", "kba", "pt_regs", "abcdefghijkl", false, CHECK_ARCH_FITS },
		{ "pt_regs", "z", "pt_regs", "abcdefghijkl", false, CHECK_ARCH_REGISTERS },
		{ "user_pt_regs", "z", "user_pt_regs", "abc", false, CHECK_ARCH_REGISTERS },
		/* Nothing to compare. */
		{ "user_pt_regs", "abc", "pt_regs", "xyz", false, CHECK_ARCH_FITS },
		{ "other", "abc", "pt_regs", "xyz", false, CHECK_ARCH_FITS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		AUTO_BLOB struct btfpack_blob object =
			registers(cases[i].object_name, cases[i].object, false, false);
		AUTO_BLOB struct btfpack_blob kernel =
			registers(cases[i].kernel_name, cases[i].kernel, cases[i].nested, false);

		CHECK_INT(judge(&object, &kernel), cases[i].answer);
	}
}

static void knows_byte_order(void)
{
	AUTO_BLOB struct btfpack_blob native = registers("pt_regs", "abc", false, false);
	AUTO_BLOB struct btfpack_blob other = registers("pt_regs", "abc", false, true);

	CHECK_INT(judge(&native, &other), CHECK_ARCH_ORDER);
	CHECK_INT(judge(&other, &native), CHECK_ARCH_ORDER);
	CHECK_INT(judge(&other, &other), CHECK_ARCH_FITS);
}

static void reads_versions(void)
{
	static const struct {
		const char *uname;
		uint32_t low, high; /* 0: none */
	} cases[] = {
		{ "6.12.48+deb13-amd64", 0x060c30, 0x060c30 },
		{ "7.2.13+deb14-cloud-amd64", 0x07020d, 0x07020d },
		{ "6.1.0-28-cloud-amd64", 0x060100, 0x0601ff },
		{ "5.15.0-91-generic", 0x050f00, 0x050fff },
		{ "5.4.0-1103-aws", 0x050400, 0x0504ff },
		{ "4.18.0-305.el8.x86_64", 0x041200, 0x041200 },
		{ "5.14.21-150400.24.100-default", 0x050e15, 0x050e15 },
		{ "6.4.0-150600.23.25-default", 0x060400, 0x060400 },
		{ "5.10.220-209.869.amzn2.x86_64", 0x050adc, 0x050adc },
		{ "4.9.337", 0x0409ff, 0x0409ff },
		{ "6.12.0", 0x060c00, 0x060c00 },
		{ "999.1.1", 0xff0101, 0xff0101 },
		{ "4294967296.1.1", 0xff0101, 0xff0101 },
		{ "6.1", 0, 0 },
		{ "6.1.", 0, 0 },
		{ "6..1", 0, 0 },
		{ "linux", 0, 0 },
		{ "", 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kernel_version version = { 0 };

		CHECK(kernel_version_parse(cases[i].uname, &version) == (cases[i].low != 0));
		CHECK_INT(version.low, cases[i].low);
		CHECK_INT(version.high, cases[i].high);
	}
}

TEST_MAIN({ "knows another architecture by its registers", knows_registers },
	  { "knows another byte order", knows_byte_order },
	  { "reads versions off names", reads_versions })
