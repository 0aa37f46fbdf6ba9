/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/cleanup.h"
#include "fetcher/repo.h"

/* --- Debian ------------------------------------------------------------------------------------ */

#define DEBIAN_PREFIX "linux-image-"
#define DEBIAN_SUFFIX "-dbg"

/* Skip digits; NULL if there are none. */
static const char *skip_number(const char *p)
{
	if (!p || !isdigit((unsigned char)*p))
		return NULL;
	while (isdigit((unsigned char)*p))
		p++;
	return p;
}

static const char *skip_dot(const char *p)
{
	return p && *p == '.' ? p + 1 : NULL;
}

/* The flavours of i386 that begin with a number: no ABI number. */
static bool is_i386_flavour(const char *p)
{
	static const char *const numbers[] = { "486", "586", "686" };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!strncmp(p, numbers[i], 3) && (p[3] == '-' || !p[3]))
			return true;
	return false;
}

/* "56-", "0.deb11.52-": the ABI number of kernels before 6.11, which follows their
 * version; not "4kc-malta", a flavour. */
static const char *skip_abi(const char *p)
{
	const char *end = skip_number(p);

	if (!end || is_i386_flavour(p) || (*end != '.' && *end != '-'))
		return p;
	end += strcspn(end, "-");
	return *end ? end + 1 : p;
}

/*
 * linux-image-<version>[-<abi>]-<flavour>-dbg. A kernel's version has three numbers
 * (6.1.0, 6.12.117+deb13); what has fewer (6.12-amd64, amd64) is a package without
 * content that depends on the newest.
 */
static bool recognize_debian(const char *package, struct kernel_name *ret)
{
	const char *uname = package + strlen(DEBIAN_PREFIX), *flavour;
	size_t length = strlen(package);
	int uname_length;

	if (length <= strlen(DEBIAN_PREFIX) + strlen(DEBIAN_SUFFIX) ||
	    strncmp(package, DEBIAN_PREFIX, strlen(DEBIAN_PREFIX)) ||
	    strcmp(package + length - strlen(DEBIAN_SUFFIX), DEBIAN_SUFFIX))
		return false;
	flavour = skip_number(skip_dot(skip_number(skip_dot(skip_number(uname)))));
	if (!flavour)
		return false;
	flavour += strcspn(flavour, "-");
	flavour = skip_abi(flavour + 1);
	uname_length = (int)(package + length - strlen(DEBIAN_SUFFIX) - uname);
	length = (size_t)(uname + uname_length > flavour ? uname + uname_length - flavour : 0);
	if (!length || length >= sizeof(ret->flavour) || uname_length >= (int)sizeof(ret->uname))
		return false;
	snprintf(ret->uname, sizeof(ret->uname), "%.*s", uname_length, uname);
	snprintf(ret->flavour, sizeof(ret->flavour), "%.*s", (int)length, flavour);
	return true;
}

enum { DEBIAN_MAIN, DEBIAN_SECURITY };

static const struct distro_suite debian_stable[] = {
	{ "", DEBIAN_MAIN, SUITE_REQUIRED },
	{ "-updates", DEBIAN_MAIN, SUITE_EXPECTED },
	{ "-security", DEBIAN_SECURITY, SUITE_EXPECTED },
	{ "-backports", DEBIAN_MAIN, SUITE_OPTIONAL },
	{ 0 },
};

static const struct distro_suite debian_moving[] = {
	{ "", DEBIAN_MAIN, SUITE_REQUIRED },
	{ 0 },
};

static const struct distro_release debian_releases[] = {
	{ "11", "bullseye", NULL, false, debian_stable },
	{ "12", "bookworm", NULL, false, debian_stable },
	{ "13", "trixie", NULL, false, debian_stable },
	{ "sid", "sid", "unstable", true, debian_moving },
	{ 0 },
};

static const struct distro debian = {
	.name = "debian",
	.ops = &repo_apt,
	.keyring = "/usr/share/keyrings/debian-archive-keyring.gpg",
	.bases = {
		[DEBIAN_MAIN] = { "http://ftp.debian.org/debian", "" },
		[DEBIAN_SECURITY] = { "http://security.debian.org/debian-security", "-security" },
	},
	.releases = debian_releases,
	.recognize = recognize_debian,
};

/* --- all
 * ------------------------------------------------------------------------------------------ */

const struct distro *const distros[] = { &debian, NULL };

const struct distro *distro_find(const char *name)
{
	for (size_t i = 0; distros[i]; i++)
		if (!strcmp(distros[i]->name, name))
			return distros[i];
	return NULL;
}

const struct distro_release *distro_find_release(const struct distro *distro, const char *name)
{
	for (const struct distro_release *r = distro->releases; r->name; r++)
		if (!strcmp(r->name, name) || !strcasecmp(r->codename, name) ||
		    (r->alias && !strcasecmp(r->alias, name)))
			return r;
	return NULL;
}
