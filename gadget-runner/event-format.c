/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

#include "gadget-runner/event-format.h"

#define DEPTH_MAXIMUM 16 /* structs in structs, by BTF */
#define NANOSECOND    UINT64_C(1000000000)
#define BAR_WIDTH     40

/* What 32-bit programs pass; on most 64-bit machines the C library says 0. */
#ifdef __O_LARGEFILE
#define LARGEFILE __O_LARGEFILE
#else
#define LARGEFILE O_LARGEFILE
#endif

/* A column's value, found and cut to the event. */
struct value {
	const struct gadget_field *field;
	const uint8_t *data; /* first byte of the field */
	size_t size;         /* bytes of it that the event has */
	uint64_t number;     /* kinds that are numbers; sign-extended */
};

/* --- numbers -------------------------------------------------------------------- */

/* Bitfields count from the least significant bit on little-endian machines and
 * from the most significant on big-endian ones, as compilers lay them out. */
static uint64_t bits_of(const uint8_t *bytes, unsigned int start, unsigned int size)
{
	uint64_t ret = 0;

	for (unsigned int i = 0; i < size; i++) {
		unsigned int at = start + i;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		ret |= (uint64_t)(bytes[at / 8] >> at % 8 & 1) << i;
#else
		ret = ret << 1 | (bytes[at / 8] >> (7 - at % 8) & 1);
#endif
	}
	return ret;
}

uint64_t event_format_number(const void *data, uint32_t bit_offset, uint32_t bit_size,
			     bool is_signed)
{
	const uint8_t *bytes = (const uint8_t *)data + bit_offset / 8;
	uint64_t ret;

	if (!bit_size || bit_size > 64)
		return 0;
	ret = bits_of(bytes, bit_offset % 8, bit_size);
	if (is_signed && bit_size < 64 && ret >> (bit_size - 1))
		ret |= ~0ULL << bit_size;
	return ret;
}

static bool is_numeric(enum gadget_kind kind)
{
	return kind == GADGET_UNSIGNED || kind == GADGET_SIGNED || kind == GADGET_BOOL ||
	       kind == GADGET_ENUM;
}

/* False when the event ends before the field. */
static bool find_value(const struct gadget_field *field, const void *data, size_t size,
		       struct value *ret)
{
	size_t start = field->bit_offset / 8;
	size_t end = ((size_t)field->bit_offset + field->bit_size + 7) / 8;

	if (start > size || (is_numeric(field->kind) && end > size))
		return false;
	*ret = (struct value){
		.field = field,
		.data = (const uint8_t *)data + start,
		.size = (end < size ? end : size) - start,
	};
	if (is_numeric(field->kind))
		ret->number = event_format_number(data, field->bit_offset, field->bit_size,
						  field->kind == GADGET_SIGNED);
	return true;
}

/* --- formats ---------------------------------------------------------------------- */

struct name {
	uint64_t value;
	const char *name;
};

static int add_flags(struct buf *buf, uint64_t flags, const struct name *names, size_t count,
		     const char *none)
{
	const char *separator = "";
	int ret = 0;

	for (size_t i = 0; i < count && !ret; i++) {
		if (!names[i].value || (flags & names[i].value) != names[i].value)
			continue;
		flags &= ~names[i].value;
		ret = buf_add_format(buf, "%s%s", separator, names[i].name);
		separator = "|";
	}
	if (!ret && flags)
		return buf_add_format(buf, "%s0x%" PRIx64, separator, flags);
	return !ret && !*separator ? buf_add_string(buf, none) : ret;
}

static int text_decimal(const struct event_format *format, const struct value *v, struct buf *buf)
{
	if (v->field->kind == GADGET_SIGNED)
		return buf_add_format(buf, "%" PRId64, (int64_t)v->number);
	return buf_add_format(buf, "%" PRIu64, v->number);
}

static int text_octal(const struct event_format *format, const struct value *v, struct buf *buf)
{
	return buf_add_format(buf, "%04" PRIo64, v->number);
}

static int text_hex(const struct event_format *format, const struct value *v, struct buf *buf)
{
	return buf_add_format(buf, "0x%" PRIx64, v->number);
}

static int text_ms(const struct event_format *format, const struct value *v, struct buf *buf)
{
	return buf_add_format(buf, "%" PRIu64 ".%03u", v->number / 1000000,
			      (unsigned int)(v->number % 1000000 / 1000));
}

static int text_us(const struct event_format *format, const struct value *v, struct buf *buf)
{
	return buf_add_format(buf, "%" PRIu64 ".%03u", v->number / 1000,
			      (unsigned int)(v->number % 1000));
}

static int text_error(const struct event_format *format, const struct value *v, struct buf *buf)
{
	int64_t number = (int64_t)v->number;
	const char *name = number < 0 && number > -4096 ? strerrorname_np(-number) : NULL;

	return name ? buf_add_string(buf, name) : text_decimal(format, v, buf);
}

static int text_signal(const struct event_format *format, const struct value *v, struct buf *buf)
{
	const char *name = v->number < 65 ? sigabbrev_np(v->number) : NULL;

	if (name)
		return buf_add_format(buf, "SIG%s", name);
	return text_decimal(format, v, buf);
}

static int text_capability(const struct event_format *format, const struct value *v,
			   struct buf *buf)
{
	static const char *const names[] = {
		"CHOWN",
		"DAC_OVERRIDE",
		"DAC_READ_SEARCH",
		"FOWNER",
		"FSETID",
		"KILL",
		"SETGID",
		"SETUID",
		"SETPCAP",
		"LINUX_IMMUTABLE",
		"NET_BIND_SERVICE",
		"NET_BROADCAST",
		"NET_ADMIN",
		"NET_RAW",
		"IPC_LOCK",
		"IPC_OWNER",
		"SYS_MODULE",
		"SYS_RAWIO",
		"SYS_CHROOT",
		"SYS_PTRACE",
		"SYS_PACCT",
		"SYS_ADMIN",
		"SYS_BOOT",
		"SYS_NICE",
		"SYS_RESOURCE",
		"SYS_TIME",
		"SYS_TTY_CONFIG",
		"MKNOD",
		"LEASE",
		"AUDIT_WRITE",
		"AUDIT_CONTROL",
		"SETFCAP",
		"MAC_OVERRIDE",
		"MAC_ADMIN",
		"SYSLOG",
		"WAKE_ALARM",
		"BLOCK_SUSPEND",
		"AUDIT_READ",
		"PERFMON",
		"BPF",
		"CHECKPOINT_RESTORE",
	};

	if (v->number >= ARRAY_SIZE(names))
		return text_decimal(format, v, buf);
	return buf_add_format(buf, "CAP_%s", names[v->number]);
}

static int text_tcp_state(const struct event_format *format, const struct value *v, struct buf *buf)
{
	static const char *const names[] = {
		NULL,        "ESTABLISHED", "SYN_SENT",     "SYN_RECV",   "FIN_WAIT1",
		"FIN_WAIT2", "TIME_WAIT",   "CLOSE",        "CLOSE_WAIT", "LAST_ACK",
		"LISTEN",    "CLOSING",     "NEW_SYN_RECV",
	};

	if (!v->number || v->number >= ARRAY_SIZE(names))
		return text_decimal(format, v, buf);
	return buf_add_string(buf, names[v->number]);
}

static int text_open_flags(const struct event_format *format, const struct value *v,
			   struct buf *buf)
{
	static const char *const access[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE" };
	/* O_SYNC and O_TMPFILE hold the bits of O_DSYNC and O_DIRECTORY: they go first. */
	static const struct name names[] = {
		{ O_CREAT, "O_CREAT" },       { O_EXCL, "O_EXCL" },
		{ O_NOCTTY, "O_NOCTTY" },     { O_TRUNC, "O_TRUNC" },
		{ O_APPEND, "O_APPEND" },     { O_NONBLOCK, "O_NONBLOCK" },
		{ O_SYNC, "O_SYNC" },         { O_DSYNC, "O_DSYNC" },
		{ O_ASYNC, "O_ASYNC" },       { O_DIRECT, "O_DIRECT" },
		{ O_TMPFILE, "O_TMPFILE" },   { O_DIRECTORY, "O_DIRECTORY" },
		{ O_NOFOLLOW, "O_NOFOLLOW" }, { O_NOATIME, "O_NOATIME" },
		{ O_CLOEXEC, "O_CLOEXEC" },   { O_PATH, "O_PATH" },
		{ LARGEFILE, "O_LARGEFILE" },
	};
	uint64_t flags = v->number & ~(uint64_t)O_ACCMODE;
	int ret = buf_add_string(buf, access[v->number & O_ACCMODE]);

	if (!flags || ret)
		return ret;
	ret = buf_add_string(buf, "|");
	return ret ? ret : add_flags(buf, flags, names, ARRAY_SIZE(names), "");
}

static int text_mount_flags(const struct event_format *format, const struct value *v,
			    struct buf *buf)
{
	static const struct name names[] = {
		{ MS_RDONLY, "MS_RDONLY" },
		{ MS_NOSUID, "MS_NOSUID" },
		{ MS_NODEV, "MS_NODEV" },
		{ MS_NOEXEC, "MS_NOEXEC" },
		{ MS_SYNCHRONOUS, "MS_SYNCHRONOUS" },
		{ MS_REMOUNT, "MS_REMOUNT" },
		{ MS_MANDLOCK, "MS_MANDLOCK" },
		{ MS_DIRSYNC, "MS_DIRSYNC" },
		{ MS_NOATIME, "MS_NOATIME" },
		{ MS_NODIRATIME, "MS_NODIRATIME" },
		{ MS_BIND, "MS_BIND" },
		{ MS_MOVE, "MS_MOVE" },
		{ MS_REC, "MS_REC" },
		{ MS_SILENT, "MS_SILENT" },
		{ MS_POSIXACL, "MS_POSIXACL" },
		{ MS_UNBINDABLE, "MS_UNBINDABLE" },
		{ MS_PRIVATE, "MS_PRIVATE" },
		{ MS_SLAVE, "MS_SLAVE" },
		{ MS_SHARED, "MS_SHARED" },
		{ MS_RELATIME, "MS_RELATIME" },
		{ MS_KERNMOUNT, "MS_KERNMOUNT" },
		{ MS_I_VERSION, "MS_I_VERSION" },
		{ MS_STRICTATIME, "MS_STRICTATIME" },
		{ MS_LAZYTIME, "MS_LAZYTIME" },
	};

	return add_flags(buf, v->number, names, ARRAY_SIZE(names), "0");
}

/* The kernel's own dev_t: 12 bits of major, 20 of minor. */
static int text_dev(const struct event_format *format, const struct value *v, struct buf *buf)
{
	return buf_add_format(buf, "%" PRIu64 ":%" PRIu64, v->number >> 20, v->number & 0xfffff);
}

static int text_ip(const struct event_format *format, const struct value *v, struct buf *buf)
{
	char text[INET6_ADDRSTRLEN];
	uint16_t family;

	if (v->size < 18)
		return 0;
	memcpy(&family, v->data + 16, sizeof(family));
	if ((family != AF_INET && family != AF_INET6) ||
	    !inet_ntop(family, v->data, text, sizeof(text)))
		return buf_add_format(buf, "family %u", family);
	return buf_add_string(buf, text);
}

/* The names of an enum's values that are set in @v, each after @before. */
static int add_set(const struct event_format *format, const struct value *v, const char *before,
		   const char *between, const char *after, struct buf *buf)
{
	const struct btf_view *btf = &format->spec->btf;
	const struct btf_type *t = btf_view_type(btf, v->field->type_id);
	const char *separator = "";
	int ret = 0;

	if (btf_type_kind(t) != BTF_KIND_ENUM) /* of 64 bits */
		return buf_add_format(buf, "%s0x%" PRIx64 "%s", before, v->number, after);
	for (unsigned int i = 0; i < btf_type_vlen(t) && !ret; i++) {
		uint32_t bit = btf_type_enums(t)[i].val;

		if (!bit || (v->number & bit) != bit)
			continue;
		ret = buf_add_format(buf, "%s%s%s%s", separator, before,
				     btf_view_string(btf, btf_type_enums(t)[i].name_off), after);
		separator = between;
	}
	return ret;
}

static int text_set(const struct event_format *format, const struct value *v, struct buf *buf)
{
	return v->number ? add_set(format, v, "", "|", "", buf) : buf_add_string(buf, "-");
}

static int json_set(const struct event_format *format, const struct value *v, struct buf *buf)
{
	int ret = buf_add_string(buf, "[");

	if (!ret)
		ret = add_set(format, v, "\"", ",", "\"", buf);
	return ret ? ret : buf_add_string(buf, "]");
}

/* One argument, in quotes and with escapes where it would not be clear without. */
static int add_argument(const struct event_format *format, const char *text, size_t length,
			struct buf *buf)
{
	int ret = format->quote ? buf_add_string(buf, "\"") : 0;

	for (size_t i = 0; i < length && !ret; i++) {
		unsigned char c = text[i];

		if (c < ' ' || c == 0x7f)
			ret = buf_add_format(buf,
					     c == '\n'   ? "\\n"
					     : c == '\t' ? "\\t"
							 : "\\x%02x",
					     c);
		else if (format->quote && (c == '"' || c == '\\'))
			ret = buf_add_format(buf, "\\%c", c);
		else
			ret = buf_add(buf, &c, 1);
	}
	return !ret && format->quote ? buf_add_string(buf, "\"") : ret;
}

/* The next NUL-terminated string of @v, or what is left of a cut one. A u32 goes
 * before the first, saying how many bytes they take. */
static bool next_argument(const struct value *v, size_t *pos, const char **text, size_t *length)
{
	uint32_t size;

	if (v->size < sizeof(size))
		return false;
	memcpy(&size, v->data, sizeof(size));
	if (size > v->size - sizeof(size))
		size = v->size - sizeof(size);
	if (*pos >= size)
		return false;
	*text = (const char *)v->data + sizeof(size) + *pos;
	*length = strnlen(*text, size - *pos);
	*pos += *length + 1;
	return true;
}

static int text_args(const struct event_format *format, const struct value *v, struct buf *buf)
{
	size_t pos = 0, length;
	const char *text;
	unsigned int count = 0;
	int ret = 0;

	while (!ret && next_argument(v, &pos, &text, &length)) {
		if (count)
			ret = buf_add_string(buf, " ");
		if (!ret && format->max_args && count == format->max_args)
			return buf_add_string(buf, "...");
		if (!ret)
			ret = add_argument(format, text, length, buf);
		count++;
	}
	return ret;
}

static int json_args(const struct event_format *format, const struct value *v, struct buf *buf)
{
	size_t pos = 0, length;
	const char *text;
	unsigned int count = 0;
	int ret = buf_add_string(buf, "[");

	while (!ret && next_argument(v, &pos, &text, &length)) {
		if (format->max_args && count == format->max_args)
			break;
		if (count++)
			ret = buf_add_string(buf, ",");
		if (!ret)
			ret = event_format_json_string(text, length, buf);
	}
	return ret ? ret : buf_add_string(buf, "]");
}

static uint64_t time_of_day(const struct event_format *format, uint64_t monotonic)
{
	return monotonic + format->clock_offset;
}

static int text_time(const struct event_format *format, const struct value *v, struct buf *buf)
{
	time_t seconds = time_of_day(format, v->number) / NANOSECOND;
	char text[32];
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%H:%M:%S", &tm))
		return text_decimal(format, v, buf);
	return buf_add_string(buf, text);
}

static int json_time(const struct event_format *format, const struct value *v, struct buf *buf)
{
	uint64_t now = time_of_day(format, v->number);
	time_t seconds = now / NANOSECOND;
	char text[64];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		return text_decimal(format, v, buf);
	return buf_add_format(buf, "\"%s.%06uZ\"", text, (unsigned int)(now % NANOSECOND / 1000));
}

typedef int (*write_fn)(const struct event_format *format, const struct value *v, struct buf *buf);

struct format {
	const char *name;
	write_fn text;
	write_fn json; /* NULL: the text, in quotes when @is_word */
	bool is_word;
	unsigned int width; /* of the column */
};

static const struct format formats[] = {
	{ "time", text_time, json_time, true, 9 },
	{ "ms", text_ms, NULL, false, 9 },
	{ "us", text_us, NULL, false, 12 },
	{ "error", text_error, text_decimal, false, 7 },
	{ "signal", text_signal, NULL, true, 9 },
	{ "capability", text_capability, NULL, true, 20 },
	{ "ip", text_ip, NULL, true, 16 },
	{ "tcp-state", text_tcp_state, NULL, true, 12 },
	{ "open-flags", text_open_flags, NULL, true, 24 },
	{ "mount-flags", text_mount_flags, NULL, true, 24 },
	{ "octal", text_octal, NULL, true, 5 },
	{ "hex", text_hex, NULL, true, 18 },
	{ "dev", text_dev, NULL, true, 8 },
	{ "args", text_args, json_args, true, 40 },
	{ "set", text_set, json_set, true, 16 },
	{ "uid", text_decimal, text_decimal, false, 6 },
	{ "cgroup", text_decimal, text_decimal, false, 8 },
	{ "mntns", text_decimal, text_decimal, false, 10 },
};

/* What a format can be asked about: a gadget may be wrong, too. */
static bool is_applicable(const struct format *format, enum gadget_kind kind)
{
	if (format->text == text_ip || format->text == text_args)
		return kind == GADGET_OTHER;
	return format->text == text_set ? kind == GADGET_ENUM : is_numeric(kind);
}

/* NULL: by the type. */
static const struct format *find_format(const struct gadget_field *field)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].name, field->format))
			return is_applicable(&formats[i], field->kind) ? &formats[i] : NULL;
	return NULL;
}

bool event_format_exists(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].name, name))
			return true;
	return false;
}

/* --- JSON ----------------------------------------------------------------------------- */

/* Bytes of the UTF-8 sequence at @text; 0 when it is none. */
static size_t utf8_length(const unsigned char *text, size_t left)
{
	size_t length = *text < 0x80   ? 1
			: *text < 0xc2 ? 0
			: *text < 0xe0 ? 2
			: *text < 0xf0 ? 3
			: *text < 0xf5 ? 4
				       : 0;

	if (length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, beyond U+10FFFF. */
	if ((*text == 0xe0 && text[1] < 0xa0) || (*text == 0xed && text[1] > 0x9f) ||
	    (*text == 0xf0 && text[1] < 0x90) || (*text == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

int event_format_json_string(const char *text, size_t length, struct buf *ret)
{
	int error = buf_add_string(ret, "\"");

	for (size_t i = 0; i < length && !error;) {
		const unsigned char *c = (const unsigned char *)text + i;
		size_t size = utf8_length(c, length - i);

		if (!size)
			error = buf_add_string(ret, "\\ufffd");
		else if (*c < ' ')
			error = buf_add_format(ret, "\\u%04x", *c);
		else if (*c == '"' || *c == '\\')
			error = buf_add_format(ret, "\\%c", *c);
		else
			error = buf_add(ret, c, size);
		i += size ? size : 1;
	}
	return error ? error : buf_add_string(ret, "\"");
}

static int hex_bytes(const uint8_t *data, size_t size, struct buf *ret)
{
	int error = 0;

	for (size_t i = 0; i < size && !error; i++)
		error = buf_add_format(ret, "%02x", data[i]);
	return error;
}

static const char *enum_name(const struct btf_view *btf, const struct btf_type *t, uint64_t number)
{
	for (unsigned int i = 0; i < btf_type_vlen(t); i++) {
		if (btf_type_kind(t) == BTF_KIND_ENUM &&
		    (uint32_t)btf_type_enums(t)[i].val == (uint32_t)number)
			return btf_view_string(btf, btf_type_enums(t)[i].name_off);
		if (btf_type_kind(t) == BTF_KIND_ENUM64 &&
		    btf_type_enums64(t)[i].val_lo32 == (uint32_t)number &&
		    btf_type_enums64(t)[i].val_hi32 == number >> 32)
			return btf_view_string(btf, btf_type_enums64(t)[i].name_off);
	}
	return NULL;
}

/* What a value by BTF is written from. */
struct walk {
	const struct btf_view *btf;
	const uint8_t *data;
	size_t size;
};

static int walk_value(const struct walk *w, uint32_t type_id, uint64_t bit_offset,
		      uint32_t bit_width, int depth, struct buf *ret);

static int walk_members(const struct walk *w, const struct btf_type *t, uint64_t bit_offset,
			int depth, struct buf *ret)
{
	int error = buf_add_string(ret, "{");
	const char *separator = "";

	for (unsigned int i = 0; i < btf_type_vlen(t) && !error; i++) {
		const struct btf_member *member = &btf_type_members(t)[i];
		const char *name = btf_view_string(w->btf, member->name_off);

		error = buf_add_string(ret, separator);
		if (!error)
			error = event_format_json_string(name, strlen(name), ret);
		if (!error)
			error = buf_add_string(ret, ":");
		if (!error)
			error = walk_value(w, member->type,
					   bit_offset + btf_member_bit_offset(t, member),
					   btf_member_bit_width(t, member), depth + 1, ret);
		separator = ",";
	}
	return error ? error : buf_add_string(ret, "}");
}

static int walk_array(const struct walk *w, const struct btf_type *t, uint64_t bit_offset,
		      int depth, struct buf *ret)
{
	const struct btf_type *item =
		btf_view_type(w->btf, btf_view_skip_typedefs(w->btf, btf_type_array(t)->type));
	uint32_t count = btf_type_array(t)->nelems;
	uint64_t size, start = bit_offset / 8;
	int error;

	if (btf_view_size(w->btf, btf_type_array(t)->type, sizeof(void *), &size) < 0 ||
	    start > w->size || (count && size > (w->size - start) / count))
		return buf_add_string(ret, "null");
	if (btf_type_kind(item) == BTF_KIND_INT && size == 1) {
		const char *text = (const char *)w->data + start;

		if (!strcmp(btf_view_name(w->btf, item), "char"))
			return event_format_json_string(text, strnlen(text, count), ret);
		error = buf_add_string(ret, "\"");
		if (!error)
			error = hex_bytes(w->data + start, count, ret);
		return error ? error : buf_add_string(ret, "\"");
	}
	error = buf_add_string(ret, "[");
	for (uint32_t i = 0; i < count && !error; i++) {
		error = buf_add_string(ret, i ? "," : "");
		if (!error)
			error = walk_value(w, btf_type_array(t)->type, bit_offset + 8 * size * i, 0,
					   depth + 1, ret);
	}
	return error ? error : buf_add_string(ret, "]");
}

static int walk_number(const struct walk *w, const struct btf_type *t, uint64_t number,
		       struct buf *ret)
{
	const char *name;

	switch (btf_type_kind(t)) {
	case BTF_KIND_INT:
		if (BTF_INT_ENCODING(btf_type_int_encoding(t)) & BTF_INT_BOOL)
			return buf_add_string(ret, number ? "true" : "false");
		if (BTF_INT_ENCODING(btf_type_int_encoding(t)) & BTF_INT_SIGNED)
			return buf_add_format(ret, "%" PRId64, (int64_t)number);
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		name = enum_name(w->btf, t, number);
		if (name)
			return event_format_json_string(name, strlen(name), ret);
		break;
	case BTF_KIND_PTR:
		return buf_add_format(ret, "\"0x%" PRIx64 "\"", number);
	}
	return buf_add_format(ret, "%" PRIu64, number);
}

static int walk_value(const struct walk *w, uint32_t type_id, uint64_t bit_offset,
		      uint32_t bit_width, int depth, struct buf *ret)
{
	const struct btf_type *t = btf_view_type(w->btf, btf_view_skip_typedefs(w->btf, type_id));
	unsigned int kind = btf_type_kind(t);
	bool is_signed =
		kind == BTF_KIND_INT && BTF_INT_ENCODING(btf_type_int_encoding(t)) & BTF_INT_SIGNED;
	uint64_t size;

	if (depth > DEPTH_MAXIMUM)
		return buf_add_string(ret, "null");
	if (btf_kind_is_composite(kind))
		return walk_members(w, t, bit_offset, depth, ret);
	if (kind == BTF_KIND_ARRAY)
		return walk_array(w, t, bit_offset, depth, ret);
	if (kind != BTF_KIND_INT && kind != BTF_KIND_PTR && !btf_kind_is_enum(kind))
		return buf_add_string(ret, "null");
	if (!bit_width) {
		if (btf_view_size(w->btf, btf_view_skip_typedefs(w->btf, type_id), sizeof(void *),
				  &size) < 0 ||
		    size > 8)
			return buf_add_string(ret, "null");
		bit_width = size * 8;
	}
	if (bit_width > 64 || bit_offset / 8 > w->size ||
	    (bit_offset + bit_width + 7) / 8 > w->size)
		return buf_add_string(ret, "null");
	return walk_number(
		w, t,
		event_format_number(w->data + bit_offset / 8, bit_offset % 8, bit_width, is_signed),
		ret);
}

int event_format_json_value(const struct btf_view *btf, uint32_t type_id, const void *data,
			    size_t size, struct buf *ret)
{
	struct walk w = { .btf = btf, .data = data, .size = size };

	return walk_value(&w, type_id, 0, 0, 0, ret);
}

static int json_by_type(const struct event_format *format, const struct value *v, struct buf *ret)
{
	const struct btf_view *btf = &format->spec->btf;

	switch (v->field->kind) {
	case GADGET_STRING:
		return event_format_json_string((const char *)v->data,
						strnlen((const char *)v->data, v->size), ret);
	case GADGET_BYTES:
	case GADGET_OTHER:
		return event_format_json_value(btf, v->field->type_id, v->data, v->size, ret);
	default:
		return walk_number(&(struct walk){ .btf = btf },
				   btf_view_type(btf, v->field->type_id), v->number, ret);
	}
}

static int json_field(const struct event_format *format, const struct value *v, struct buf *ret)
{
	const struct format *f = find_format(v->field);
	int error;

	if (!f)
		return json_by_type(format, v, ret);
	if (f->json)
		return f->json(format, v, ret);
	error = f->is_word ? buf_add_string(ret, "\"") : 0;
	if (!error)
		error = f->text(format, v, ret);
	return !error && f->is_word ? buf_add_string(ret, "\"") : error;
}

static int json_fields(const struct event_format *format, const struct gadget_fields *fields,
		       const bool *shown, const void *data, size_t size, struct buf *ret)
{
	const char *separator = "";
	int error = 0;

	for (size_t i = 0; i < fields->count && !error; i++) {
		struct value v;

		if ((shown && !shown[i]) || !find_value(&fields->items[i], data, size, &v))
			continue;
		error = buf_add_string(ret, separator);
		if (!error)
			error = event_format_json_string(v.field->name, strlen(v.field->name), ret);
		if (!error)
			error = buf_add_string(ret, ":");
		if (!error)
			error = json_field(format, &v, ret);
		separator = ",";
	}
	return error;
}

int event_format_json(const struct event_format *format, const void *data, size_t size,
		      struct buf *ret)
{
	const struct gadget_fields *columns = &format->spec->columns;
	int error = buf_add_string(ret, "{");

	if (!error && columns->count) {
		error = json_fields(format, columns, NULL, data, size, ret);
	} else if (!error) { /* nobody told what it is: the bytes */
		error = buf_add_string(ret, "\"data\":\"");
		if (!error)
			error = hex_bytes(data, size, ret);
		if (!error)
			error = buf_add_string(ret, "\"");
	}
	return error ? error : buf_add_string(ret, "}");
}

/* --- tables --------------------------------------------------------------------------- */

static int text_by_type(const struct event_format *format, const struct value *v, struct buf *ret)
{
	const struct btf_view *btf = &format->spec->btf;
	const struct btf_type *t = btf_view_type(btf, v->field->type_id);
	const char *name;

	switch (v->field->kind) {
	case GADGET_BOOL:
		return buf_add_string(ret, v->number ? "yes" : "no");
	case GADGET_ENUM:
		name = enum_name(btf, t, v->number);
		return name ? buf_add_string(ret, name) : text_decimal(format, v, ret);
	case GADGET_STRING:
		return add_argument(&(struct event_format){ 0 }, (const char *)v->data,
				    strnlen((const char *)v->data, v->size), ret);
	case GADGET_BYTES:
		return hex_bytes(v->data, v->size, ret);
	case GADGET_OTHER:
		return event_format_json_value(btf, v->field->type_id, v->data, v->size, ret);
	default:
		return btf_type_kind(t) == BTF_KIND_PTR ? text_hex(format, v, ret)
							: text_decimal(format, v, ret);
	}
}

static int text_field(const struct event_format *format, const struct value *v, struct buf *ret)
{
	const struct format *f = find_format(v->field);

	return f ? f->text(format, v, ret) : text_by_type(format, v, ret);
}

int event_format_json_key(const struct event_format *format, const void *key, struct buf *ret)
{
	const struct gadget_fields *keys = &format->spec->keys;

	return json_fields(format, keys, format->keys_shown, key, keys->size, ret);
}

int event_format_text_key(const struct event_format *format, const void *key, struct buf *ret)
{
	const struct gadget_fields *keys = &format->spec->keys;
	const char *separator = "";
	int error = 0;

	for (size_t i = 0; i < keys->count && !error; i++) {
		struct value v;

		if ((format->keys_shown && !format->keys_shown[i]) ||
		    !find_value(&keys->items[i], key, keys->size, &v))
			continue;
		error = buf_add_format(ret, "%s%s = ", separator, v.field->name);
		if (!error)
			error = text_field(format, &v, ret);
		separator = ", ";
	}
	return error;
}

static unsigned int column_width(const struct gadget_field *field)
{
	const struct format *f = find_format(field);
	unsigned int width = strlen(field->name);
	unsigned int natural = f                                                  ? f->width
			       : field->kind == GADGET_STRING                     ? 16
			       : is_numeric(field->kind) && field->bit_size <= 16 ? 6
			       : is_numeric(field->kind) && field->bit_size <= 32 ? 7
										  : 12;

	if (field->width)
		return field->width;
	return width > natural ? width : natural;
}

static bool is_shown(const struct event_format *format, size_t column)
{
	const struct gadget_field *field = &format->spec->columns.items[column];

	/* The time has options of its own. */
	return strcmp(field->format, "time") && (!format->shown || format->shown[column]);
}

static size_t last_shown(const struct event_format *format)
{
	size_t ret = SIZE_MAX;

	for (size_t i = 0; i < format->spec->columns.count; i++)
		if (is_shown(format, i))
			ret = i;
	return ret;
}

/* Fill up with spaces what was added since @start; always one at least. */
static int pad(struct buf *buf, size_t start, unsigned int width)
{
	size_t length = buf->size - start;

	return buf_add_format(buf, "%*s", length < width ? (int)(width - length) + 1 : 1, "");
}

int event_format_header(const struct event_format *format, struct buf *ret)
{
	const struct gadget_fields *columns = &format->spec->columns;
	size_t last = last_shown(format);
	int error = 0;

	if (format->show_time)
		error = buf_add_format(ret, "%-9s ", "TIME");
	if (!error && format->show_timestamp)
		error = buf_add_format(ret, "%-12s ", "SECONDS");
	if (!error && !columns->count)
		return buf_add_string(ret, "DATA");
	for (size_t i = 0; i < columns->count && !error; i++) {
		size_t start = ret->size;

		if (!is_shown(format, i))
			continue;
		error = buf_add_string(ret, columns->items[i].name);
		for (size_t at = start; at < ret->size; at++)
			ret->data[at] = toupper(ret->data[at]);
		if (!error && i != last)
			error = pad(ret, start, column_width(&columns->items[i]));
	}
	return error;
}

/* The event's own time, or now for those without. */
static uint64_t event_time(const struct event_format *format, const void *data, size_t size)
{
	struct timespec now;
	struct value v;

	for (size_t i = 0; i < format->spec->columns.count; i++)
		if (!strcmp(format->spec->columns.items[i].format, "time") &&
		    find_value(&format->spec->columns.items[i], data, size, &v))
			return v.number;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NANOSECOND + now.tv_nsec;
}

static int add_times(const struct event_format *format, const void *data, size_t size,
		     struct buf *ret)
{
	size_t start = ret->size;
	struct value v = { 0 };
	int error = 0;

	if (!format->show_time && !format->show_timestamp)
		return 0;
	v.number = event_time(format, data, size);
	if (format->show_time) {
		error = text_time(format, &v, ret);
		if (!error)
			error = pad(ret, start, 9);
	}
	start = ret->size;
	if (!error && format->show_timestamp) {
		uint64_t since = v.number > format->start ? v.number - format->start : 0;

		error = buf_add_format(ret, "%" PRIu64 ".%06u", since / NANOSECOND,
				       (unsigned int)(since % NANOSECOND / 1000));
		if (!error)
			error = pad(ret, start, 12);
	}
	return error;
}

int event_format_row(const struct event_format *format, const void *data, size_t size,
		     struct buf *ret)
{
	const struct gadget_fields *columns = &format->spec->columns;
	size_t last = last_shown(format);
	int error = add_times(format, data, size, ret);

	if (!error && !columns->count)
		return hex_bytes(data, size, ret);
	for (size_t i = 0; i < columns->count && !error; i++) {
		size_t start = ret->size;
		struct value v;

		if (!is_shown(format, i))
			continue;
		if (find_value(&columns->items[i], data, size, &v))
			error = text_field(format, &v, ret);
		if (!error && i != last)
			error = pad(ret, start, column_width(&columns->items[i]));
	}
	return error;
}

/* --- histograms ------------------------------------------------------------------------ */

int event_format_histogram(const uint64_t *slots, size_t count, const char *unit, struct buf *ret)
{
	static const char stars[] = "****************************************";
	uint64_t most = 0;
	size_t end = 0;
	int error;

	for (size_t i = 0; i < count; i++) {
		if (slots[i])
			end = i + 1;
		if (slots[i] > most)
			most = slots[i];
	}
	error = buf_add_format(ret, "%20s : %-8s distribution\n", *unit ? unit : "value", "count");
	for (size_t i = 0; i < end && !error; i++) {
		uint64_t low = i ? 1ULL << i : 0, high = (i < 63 ? 1ULL << (i + 1) : 0) - 1;
		int length = slots[i] * (double)BAR_WIDTH / most;

		error = buf_add_format(ret,
				       "%9" PRIu64 " -> %-7" PRIu64 " : %-8" PRIu64 " |%.*s%*s|\n",
				       low, high, slots[i], length, stars, BAR_WIDTH - length, "");
	}
	return error;
}
