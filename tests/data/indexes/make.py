#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The rpm-md samples of this folder, written by createrepo_c's own library (Debian's
python3-createrepo-c; sqliterepo_c for the databases) from names and versions of real packages.
Digests and sizes stand for those of files that nobody here has.

    make.py        in this folder; writes <sample>/... anew
"""
import bz2
import glob
import gzip
import hashlib
import lzma
import os
import shutil
import subprocess

import createrepo_c as cr

FEDORA = "releases/{}/Everything/{}/debug/tree"
AMAZON = "1e3f1c1b8f9f8d7a4e0d2b6c5a49382716f5e4d3c2b1a0918273645546372819"

# sample/directory, compression, checksum, what is beside kernels, [name, ver, rel, arch, directory]
SAMPLES = [
    ("fedora-31/" + FEDORA.format(31, "x86_64"), "gz+db", "sha256", [
        ("kernel-debuginfo", "5.3.7", "301.fc31", "x86_64", "Packages/k/"),
        ("kernel-debug-debuginfo", "5.3.7", "301.fc31", "x86_64", "Packages/k/"),
        ("kernel-debuginfo-common-x86_64", "5.3.7", "301.fc31", "x86_64", "Packages/k/"),
        ("kernel-tools-debuginfo", "5.3.7", "301.fc31", "x86_64", "Packages/k/"),
        ("zlib-debuginfo", "1.2.11", "19.fc31", "x86_64", "Packages/z/")]),
    ("fedora-31/updates/31/Everything/x86_64/debug", "gz+db", "sha256", [
        ("kernel-debuginfo", "5.8.18", "100.fc31", "x86_64", "Packages/k/")]),
    ("fedora-42/" + FEDORA.format(42, "x86_64"), "zst", "sha256", [
        ("kernel-debuginfo", "6.14.0", "63.fc42", "x86_64", "Packages/k/"),
        ("kernel-debuginfo-common-x86_64", "6.14.0", "63.fc42", "x86_64", "Packages/k/"),
        ("kernel-rt-debuginfo", "6.14.0", "63.fc42", "x86_64", "Packages/k/")]),
    ("fedora-42/" + FEDORA.format(42, "aarch64"), "zst", "sha256", [
        ("kernel-debuginfo", "6.14.0", "63.fc42", "aarch64", "Packages/k/"),
        ("kernel-16k-debuginfo", "6.14.0", "63.fc42", "aarch64", "Packages/k/")]),
    ("centos-7/7/x86_64", "gz+db", "sha256", [
        ("kernel-debuginfo", "3.10.0", "862.el7", "x86_64", ""),
        ("kernel-debuginfo", "3.10.0", "957.el7", "x86_64", ""),
        ("kernel-debuginfo", "3.10.0", "1160.119.1.el7", "x86_64", ""),
        ("kernel-debug-debuginfo", "3.10.0", "1160.119.1.el7", "x86_64", ""),
        ("kernel-debuginfo-common-x86_64", "3.10.0", "1160.119.1.el7", "x86_64", ""),
        ("nss-debuginfo", "3.44.0", "7.el7_7", "x86_64", "")]),
    ("centos-8/8/x86_64", "gz", "sha256", [
        ("kernel-debuginfo", "4.18.0", "80.11.2.el8_0", "x86_64", "Packages/"),
        ("kernel-debuginfo", "4.18.0", "348.7.1.el8_5", "x86_64", "Packages/")]),
    ("centos-9/9-stream/BaseOS/x86_64/debug/tree", "gz", "sha256", [
        ("kernel-debuginfo", "5.14.0", "503.el9", "x86_64", "Packages/"),
        ("kernel-rt-debuginfo", "5.14.0", "503.el9", "x86_64", "Packages/"),
        ("kernel-rt-debug-debuginfo", "5.14.0", "503.el9", "x86_64", "Packages/")]),
    ("rhel-8/rhel8/8/x86_64/baseos/debug", "gz", "sha256", [
        ("kernel-debuginfo", "4.18.0", "553.el8_10", "x86_64", "Packages/k/"),
        ("kernel-debuginfo", "4.18.0", "80.el8", "x86_64", "Packages/k/"),
        ("kernel-debuginfo-common-x86_64", "4.18.0", "80.el8", "x86_64", "Packages/k/")]),
    ("almalinux-8/vault/8/BaseOS/debug/x86_64", "gz", "sha256", [
        ("kernel-debuginfo", "4.18.0", "553.el8_10", "x86_64", "Packages/")]),
    ("rocky-9/9/BaseOS/aarch64/debug/tree", "gz", "sha256", [
        ("kernel-debuginfo", "5.14.0", "427.13.1.el9_4", "aarch64", "Packages/k/"),
        ("kernel-64k-debuginfo", "5.14.0", "427.13.1.el9_4", "aarch64", "Packages/k/"),
        ("kernel-64k-debug-debuginfo", "5.14.0", "427.13.1.el9_4", "aarch64", "Packages/k/")]),
    ("amzn-2018/2018.03/main/20180312/debuginfo/x86_64", "gz", "sha256", [
        ("kernel-debuginfo", "4.14.173", "106.229.amzn1", "x86_64", "Packages/"),
        ("kernel-debuginfo-common-x86_64", "4.14.173", "106.229.amzn1", "x86_64", "Packages/")]),
    ("amzn-2/2/core/2.0/x86_64/" + AMAZON, "db", "sha256", [
        ("kernel-debuginfo", "4.14.72", "73.55.amzn2", "x86_64", "../../../../../blobstore/"),
        ("kernel-debuginfo", "4.14.291", "218.527.amzn2", "x86_64", "../../../../../blobstore/"),
        ("kernel-debuginfo-common-x86_64", "4.14.72", "73.55.amzn2", "x86_64",
         "../../../../../blobstore/")]),
    ("amzn-2/2/extras/kernel-5.10/stable/x86_64/" + AMAZON, "db", "sha256", [
        ("kernel-debuginfo", "5.10.234", "225.895.amzn2", "x86_64",
         "../../../../../../blobstore/")]),
    ("amzn-2023/al2023/core/guids/" + AMAZON + "/debuginfo/x86_64", "gz", "sha256", [
        ("kernel-debuginfo", "6.1.112", "122.189.amzn2023", "x86_64",
         "../../../../../../blobstore/"),
        ("kernel6.12-debuginfo", "6.12.22", "27.96.amzn2023", "x86_64",
         "../../../../../../blobstore/"),
        ("kernel-livepatch-6.1.12-17.42-debuginfo", "1.0", "0.amzn2023", "x86_64",
         "../../../../../../blobstore/")]),
    ("sles-12.5/Updates/SLE-SERVER/12-SP5/x86_64/update_debug", "gz", "sha256", [
        ("kernel-default-debuginfo", "4.12.14", "122.37.1", "x86_64", "x86_64/"),
        ("kernel-azure-debuginfo", "4.12.14", "16.59.1", "x86_64", "x86_64/"),
        ("kernel-default-base-debuginfo", "4.12.14", "122.37.1", "x86_64", "x86_64/")]),
    ("sles-12.5/Products/SLE-SERVER/12-SP5/x86_64/product_debug", "gz", "sha256", [
        ("kernel-default-debuginfo", "4.12.14", "120.1", "x86_64", "x86_64/")]),
    ("sles-15.6/Products/SLE-Module-Basesystem/15-SP6/x86_64/product_debug", "zst", "sha256", [
        ("kernel-default-debuginfo", "6.4.0", "150600.21.2", "x86_64", "x86_64/")]),
    ("sles-15.6/Updates/SLE-Module-Basesystem/15-SP6/x86_64/update_debug", "zst", "sha256", [
        ("kernel-default-debuginfo", "6.4.0", "150600.23.47.2", "x86_64", "x86_64/"),
        ("kernel-64kb-debuginfo", "6.4.0", "150600.23.47.2", "aarch64", "aarch64/")]),
    ("opensuse-leap-15.1/debug/distribution/leap/15.1/repo/oss", "gz", "sha256", [
        ("kernel-default-debuginfo", "4.12.14", "lp151.27.3", "x86_64", "x86_64/"),
        ("kernel-vanilla-debuginfo", "4.12.14", "lp151.27.3", "x86_64", "x86_64/"),
        ("kernel-debug-debuginfo", "4.12.14", "lp151.27.3", "x86_64", "x86_64/")]),
    ("opensuse-leap-15.1/debug/update/leap/15.1/oss", "gz", "sha256", [
        ("kernel-default-debuginfo", "4.12.14", "lp151.28.36.1", "x86_64", "x86_64/")]),
    ("openEuler-20.03/openEuler-20.03-LTS/debuginfo/x86_64", "gz+db", "sha256", [
        ("kernel-debuginfo", "4.19.90", "2003.4.0.0036.oe1", "x86_64", "Packages/"),
        ("kernel-tools-debuginfo", "4.19.90", "2003.4.0.0036.oe1", "x86_64", "Packages/")]),
    ("openEuler-24.03/openEuler-24.03-LTS/debuginfo/aarch64", "xz", "sha512", [
        ("kernel-debuginfo", "6.6.0", "28.0.0.34.oe2403", "aarch64", "Packages/")]),
]

# Amazon's lists of mirrors: where a repository is today.
CDN = "https://cdn.amazonlinux.com/"
LISTS = {
    "amzn-2018/latest/main/debuginfo": CDN + "2018.03/main/20180312/debuginfo/$basearch",
    "amzn-2/2/core/latest/debuginfo/x86_64": CDN + "2/core/2.0/x86_64/" + AMAZON,
    "amzn-2/2/extras/kernel-5.10/latest/debuginfo/x86_64":
        CDN + "2/extras/kernel-5.10/stable/x86_64/" + AMAZON,
    "amzn-2023/al2023/core/mirrors/latest/debuginfo/x86_64":
        CDN + "al2023/core/guids/" + AMAZON + "/debuginfo/x86_64/",
}


def package(name, version, release, arch, directory, kind):
    p = cr.Package()
    file = f"{name}-{version}-{release}.{arch}.rpm"
    digest = hashlib.new(kind, file.encode()).hexdigest()
    p.pkgId, p.checksum_type, p.name, p.epoch = digest, kind, name, "0"
    p.version, p.release, p.arch = version, release, arch
    p.summary = "Debug information for package " + name.replace("-debuginfo", "")
    p.description = "This package provides debug information for package " + name + "."
    p.url, p.rpm_license, p.rpm_group = "https://www.kernel.org/", "GPLv2", "Development/Debug"
    p.rpm_vendor, p.rpm_buildhost, p.rpm_packager = "", "localhost", ""
    p.rpm_sourcerpm = f"kernel-{version}-{release}.src.rpm"
    p.rpm_header_start, p.rpm_header_end = 4504, 1203756
    p.time_file = p.time_build = 1571846400
    p.size_package = 300000000 + int(digest[:7], 16)
    p.size_installed, p.size_archive = 5 * p.size_package, 5 * p.size_package + 4096
    blob = digest + "/" if "blobstore" in directory else ""
    p.location_href = directory + blob + file
    return p


def compress(data, form):
    if form == "zst":
        return subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return {"gz": lambda d: gzip.compress(d, mtime=0), "xz": lzma.compress}[form](data)


def make(directory, form, kind, packages):
    repodata = directory + "/repodata"
    os.makedirs(repodata)
    writers = [cr.PrimaryXmlFile, cr.FilelistsXmlFile, cr.OtherXmlFile]
    names = ["primary", "filelists", "other"]
    packages = [package(*p, kind) for p in packages]
    repomd = cr.Repomd()
    repomd.set_revision("1571846400")
    compression = form.split("+")[0] if form != "db" else "gz"
    for writer, name in zip(writers, names):
        plain = f"{repodata}/{name}.xml"
        xml = writer(plain, cr.NO_COMPRESSION)
        xml.set_num_of_pkgs(len(packages))
        for p in packages:
            xml.add_pkg(p)
        xml.close()
        data = open(plain, "rb").read()
        os.remove(plain)
        file = f"{plain}.{compression}"
        open(file, "wb").write(compress(data, compression))
        if name != "primary" or form == "db":
            os.remove(file)
            continue
        record = cr.RepomdRecord(name, file)
        record.fill(getattr(cr, kind.upper()))
        record.checksum_open, record.checksum_open_type = hashlib.new(kind, data).hexdigest(), kind
        record.size_open, record.timestamp = len(data), 1571846400
        record.rename_file()
        repomd.set_record(record)
    if form.endswith("db"):
        add_database(repodata, repomd, form, kind, packages)
    open(repodata + "/repomd.xml", "w").write(repomd.xml_dump())


def add_database(repodata, repomd, form, kind, packages):
    path = repodata + "/primary.sqlite"
    database = cr.PrimarySqlite(path)
    for p in packages:
        database.add_pkg(p)
    database.dbinfo_update("0" * 64)
    database.close()
    open(path + ".bz2", "wb").write(bz2.compress(open(path, "rb").read()))
    os.remove(path)
    record = cr.RepomdRecord("primary_db", path + ".bz2")
    record.fill(getattr(cr, kind.upper()))
    record.db_ver, record.timestamp = 10, 1571846400
    record.rename_file()
    repomd.set_record(record)


for sample in {s[0].split("/")[0] for s in SAMPLES}:
    for entry in glob.glob(sample + "/*"):
        if os.path.isdir(entry):
            shutil.rmtree(entry)
for sample in SAMPLES:
    make(*sample)
for directory, url in LISTS.items():
    os.makedirs(directory)
    open(directory + "/mirror.list", "w").write(url + "\n")
