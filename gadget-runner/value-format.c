/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>

#include "gadget-runner/btf-json.h"
#include "gadget-runner/value-format.h"

#define NANOSECOND UINT64_C(1000000000)

/* What 32-bit programs pass; on most 64-bit machines the C library says 0. */
#ifdef __O_LARGEFILE
#define LARGEFILE __O_LARGEFILE
#else
#define LARGEFILE O_LARGEFILE
#endif

static bool is_numeric(enum gadget_kind kind)
{
	return kind == GADGET_UNSIGNED || kind == GADGET_SIGNED || kind == GADGET_BOOL ||
	       kind == GADGET_ENUM;
}

bool value_find(const struct gadget_field *field, const void *data, size_t size, struct value *ret)
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
		ret->number = btf_json_bits(data, field->bit_offset, field->bit_size,
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
			ret = btf_json_string(text, length, buf);
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

bool value_format_exists(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].name, name))
			return true;
	return false;
}

static int json_by_type(const struct event_format *format, const struct value *v, struct buf *ret)
{
	const struct btf_view *btf = &format->spec->btf;

	switch (v->field->kind) {
	case GADGET_STRING:
		return btf_json_string((const char *)v->data,
				       strnlen((const char *)v->data, v->size), ret);
	case GADGET_BYTES:
	case GADGET_OTHER:
		return btf_json_value(btf, v->field->type_id, v->data, v->size, ret);
	default:
		return btf_json_number(btf, btf_view_type(btf, v->field->type_id), v->number, ret);
	}
}

int value_add_json(const struct event_format *format, const struct value *v, struct buf *ret)
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

static int text_by_type(const struct event_format *format, const struct value *v, struct buf *ret)
{
	const struct btf_view *btf = &format->spec->btf;
	const struct btf_type *t = btf_view_type(btf, v->field->type_id);
	const char *name;

	switch (v->field->kind) {
	case GADGET_BOOL:
		return buf_add_string(ret, v->number ? "yes" : "no");
	case GADGET_ENUM:
		name = btf_json_enum_name(btf, t, v->number);
		return name ? buf_add_string(ret, name) : text_decimal(format, v, ret);
	case GADGET_STRING:
		return add_argument(&(struct event_format){ 0 }, (const char *)v->data,
				    strnlen((const char *)v->data, v->size), ret);
	case GADGET_BYTES:
		return btf_json_hex(v->data, v->size, ret);
	case GADGET_OTHER:
		return btf_json_value(btf, v->field->type_id, v->data, v->size, ret);
	default:
		return btf_type_kind(t) == BTF_KIND_PTR ? text_hex(format, v, ret)
							: text_decimal(format, v, ret);
	}
}

int value_add_text(const struct event_format *format, const struct value *v, struct buf *ret)
{
	const struct format *f = find_format(v->field);

	return f ? f->text(format, v, ret) : text_by_type(format, v, ret);
}

int value_add_time(const struct event_format *format, uint64_t time, struct buf *ret)
{
	return text_time(format, &(struct value){ .number = time }, ret);
}

unsigned int value_width(const struct gadget_field *field)
{
	const struct format *f = find_format(field);

	if (f)
		return f->width;
	if (field->kind == GADGET_STRING)
		return 16;
	if (!is_numeric(field->kind) || field->bit_size > 32)
		return 12;
	return field->bit_size <= 16 ? 6 : 7;
}
