# SPDX-License-Identifier: BSD-2-Clause
# As mirror.sh, which is sourced before, for rpm-md: prepare_rpm_mirror makes $mirror, a
# tree in the layout of Rocky Linux 9 and of SLES 15.3, by rpmbuild and createrepo_c,
# repomd.xml signed with the key that $keyring holds; and Oracle's directory of files.

ROCKY=rocky/9/BaseOS/x86_64/debug/tree
SLES=suse/Products/SLE-Module-Basesystem/15-SP3/x86_64/product_debug
RPM_UNAME=5.14.0-70.13.1.el9_0.x86_64

# rpm_of DIR NAME VERSION RELEASE [PAYLOAD] [ARCH]: of the directory ./tree, in DIR
rpm_of() {
  mkdir -p "$1" tree
  cat > package.spec << END
%define debug_package %{nil}
%define __os_install_post %{nil}
%define _build_id_links none
%define _binary_payload ${5:-w1.xzdio}
Name: $2
Version: $3
Release: $4
Summary: t
License: t
%description
t
%install
cp -a $PWD/tree/. %{buildroot}/
%files
/*
END
  [ -n "$(ls -A tree)" ] || sed -i '/^\/\*$/d' package.spec
  rpmbuild -bb --quiet --target "${6:-x86_64}" --define "_topdir $PWD/rpmbuild" \
    --define "_rpmdir $PWD/built" --define "_buildhost localhost" package.spec \
    > rpmbuild.log 2>&1 || { cat rpmbuild.log; return 1; }
  mv built/*/*.rpm "$1/"
  rm -rf tree rpmbuild built
}

# kernel_rpm DIR FLAVOUR VERSION RELEASE UNAME [PAYLOAD]: the way of Red Hat
kernel_rpm() {
  mkdir -p "tree/usr/lib/debug/lib/modules/$5"
  cp "$test_scratch/vmlinux" "tree/usr/lib/debug/lib/modules/$5/vmlinux"
  rpm_of "$1" "kernel${2:+-$2}-debuginfo" "$3" "$4" "${6:-w1.xzdio}"
}

# rpm_index DIR [OPTION...]: repodata of what lies there, signed
rpm_index() {
  local dir=$1
  shift
  rm -rf "$dir/repodata"
  createrepo_c --quiet --no-database "$@" "$dir" > createrepo.log 2>&1 || { cat createrepo.log; return 1; }
  rpm_sign "$dir"
}

rpm_sign() {
  rm -f "$1/repodata/repomd.xml.asc"
  gpg --batch --quiet -u "${2:-good@example.org}" --digest-algo SHA256 --armor --detach-sign \
    -o "$1/repodata/repomd.xml.asc" "$1/repodata/repomd.xml"
}

make_rpm_mirror() {
  printf 'struct task { int pid; char name[16]; } init = { 1, "init" };\n' > tiny.c
  head -c 200000 /dev/urandom > noise
  printf '.section .note.GNU-stack,""\n.section .noise,"a"\n.incbin "noise"\n' > noise.s
  gcc -g -nostdlib -static -Wl,-e,0 -Wl,--build-id -o "$test_scratch/vmlinux" tiny.c noise.s
  mkdir -m 700 "$GNUPGHOME"
  local who r=$mirror/$ROCKY s=$mirror/$SLES
  for who in good other; do
    gpg --batch --quiet --passphrase '' --quick-gen-key $who@example.org ed25519 sign never
  done 2> /dev/null
  gpg --batch --quiet --export good@example.org > "$keyring"

  kernel_rpm "$r/Packages/k" "" 5.14.0 70.13.1.el9_0 $RPM_UNAME
  kernel_rpm "$r/Packages/k" "" 5.14.0 162.6.1.el9_1 5.14.0-162.6.1.el9_1.x86_64 w1.zstdio
  kernel_rpm "$r/Packages/k" rt 5.14.0 362.8.1.el9_3 5.14.0-362.8.1.el9_3.x86_64+rt w1.gzdio
  kernel_rpm "$r/Packages/k" debug 5.14.0 362.8.1.el9_3 5.14.0-362.8.1.el9_3.x86_64+debug
  mkdir tree; rpm_of "$r/Packages/k" kernel-debuginfo-common-x86_64 5.14.0 70.13.1.el9_0
  mkdir tree; rpm_of "$r/Packages/b" bash-debuginfo 5.1 4.el9
  rpm_index "$r"

  mkdir -p tree/usr/lib/debug/boot
  cp "$test_scratch/vmlinux" tree/usr/lib/debug/boot/vmlinux-5.3.18-57-default.debug
  rpm_of "$s/x86_64" kernel-default-debuginfo 5.3.18 57.3 w1.bzdio
  mkdir tree; rpm_of "$s/x86_64" kernel-default-base-debuginfo 5.3.18 57.3.18.2.1
  rpm_index "$s" --general-compress-type=xz

  local o=$mirror/oracle/ol8/debuginfo
  kernel_rpm "$o" "" 4.18.0 80.11.2.el8_0 4.18.0-80.11.2.el8_0.x86_64
  kernel_rpm "$o" uek 5.4.17 2011.0.7.el8uek 5.4.17-2011.0.7.el8uek.x86_64
  mkdir tree; rpm_of "$o" kernel-uek-debug-debuginfo 5.4.17 2011.0.7.el8uek
  mkdir tree; rpm_of "$o" kernel-uek-debuginfo 5.4.17 2011.0.7.el8uek w1.xzdio aarch64
  mkdir tree; rpm_of "$o" libstdc++-debuginfo 8.3.1 5.el8
}

prepare_rpm_mirror() {
  need gpg gpgv rpmbuild createrepo_c python3 gcc xz zstd bzip2
  (set -e; mkdir "$test_scratch/make"; cd "$test_scratch/make"; make_rpm_mirror) ||
    { echo "Bail out! cannot make the mirror"; exit 1; }
}
