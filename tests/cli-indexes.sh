#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The index of every distribution, trimmed (tests/data/indexes), from loopback: which kernels it
# has, what `uname -r` says there, and in which order they came out.
. "$(dirname "$0")/lib.sh"
. "$TESTS/mirror.sh"

# lists SAMPLE DISTRO RELEASE MIRROR [OPTION...] < "arch uname version" lines
lists() {
  local sample=$1 distro=$2 release=$3 base=$4
  shift 4
  sed "s/^/$distro $release /" > expected
  mkdir site
  cp -r "$TESTS/data/indexes/$sample" site/at
  serve
  find site -name mirror.list -exec sed -i "s,https://cdn.amazonlinux.com,$url/at," {} +
  expect_status 0 "$BTFPACK" list --distro "$distro" --release "$release" --mirror "$url/at$base" \
    --cache cache --retries 0 --allow-unsigned "$@"
  awk '{print $3, $4, $5}' out > got
  sed "s/^$distro $release //" expected | diff - got
  # Again, from the excerpt that was kept.
  cp out first
  expect_status 0 "$BTFPACK" list --distro "$distro" --release "$release" --mirror "$url/at$base" \
    --cache cache --retries 0 --allow-unsigned "$@"
  cmp first out
}

debian_12() { lists debian-12 debian 12 /debian --arch amd64 << 'END'
x86_64 6.1.0-50-amd64 6.1.176-1
x86_64 6.1.0-47-cloud-amd64 6.1.170-3
x86_64 6.1.0-47-rt-amd64 6.1.170-3
END
  expect_status 0 "$BTFPACK" list --distro debian --release 12 --mirror "$url/at/debian" \
    --cache cache --allow-unsigned --arch s390x
  awk '{print $3, $4, $5}' out | grep -qx "s390x 6.1.0-50-s390x 6.1.176-1"
  expect_status 0 "$BTFPACK" list --distro debian --release 12 --mirror "$url/at/debian" \
    --cache cache --allow-unsigned --arch i386
  awk '{print $3, $4, $5, $NF}' out | grep -qx "i686 6.1.0-54-686-pae 6.1.190-1 bookworm-security"
}
ubuntu() { lists ubuntu-18.04 ubuntu 18.04 "" << 'END'
aarch64 4.15.0-1138-raspi2 4.15.0-1138.146
aarch64 4.15.0-1170-snapdragon 4.15.0-1170.180
x86_64 4.15.0-1163-aws 4.15.0-1163.176
x86_64 5.4.0-1103-azure 5.4.0-1103.109~18.04.1
x86_64 4.15.0-213-generic 4.15.0-213.224
x86_64 4.15.0-20-generic 4.15.0-20.21
x86_64 5.3.0-1045-gke 5.3.0-1045.48
x86_64 4.15.0-1142-kvm 4.15.0-1142.147
x86_64 4.15.0-20-lowlatency 4.15.0-20.21
END
}
raspbian() { lists raspbian-12 raspbian 12 "" << 'END'
aarch64 6.6.51+rpt-rpi-2712 1:6.6.51-1+rpt3
aarch64 6.6.51+rpt-rpi-v8 1:6.6.51-1+rpt3
END
}
kali() { lists kali-rolling kali rolling "" << 'END'
x86_64 6.11.2-amd64 6.11.2-1kali1
x86_64 6.11.2-cloud-amd64 6.11.2-1kali1
END
}
fedora_31() { lists fedora-31 fedora 31 "" --arch x86_64 << 'END'
x86_64 5.8.18-100.fc31.x86_64 5.8.18-100.fc31
x86_64 5.3.7-301.fc31.x86_64 5.3.7-301.fc31
END
}
fedora_42() {
  lists fedora-42 fedora 42 "" --arch x86_64 << 'END'
x86_64 6.14.0-63.fc42.x86_64 6.14.0-63.fc42
x86_64 6.14.0-63.fc42.x86_64+rt 6.14.0-63.fc42
END
  expect_status 0 "$BTFPACK" list --distro fedora --release 42 --arch arm64 --mirror "$url/at" \
    --cache cache --allow-unsigned
  awk '{print $4}' out | diff - <(printf '6.14.0-63.fc42.aarch64%s\n' +16k "")
}
centos_7() { lists centos-7 centos 7 "" --arch x86_64 << 'END'
x86_64 3.10.0-1160.119.1.el7.x86_64 3.10.0-1160.119.1.el7
x86_64 3.10.0-957.el7.x86_64 3.10.0-957.el7
END
}
centos_8() { lists centos-8 centos 8 "" --arch x86_64 << 'END'
x86_64 4.18.0-348.7.1.el8_5.x86_64 4.18.0-348.7.1.el8_5
x86_64 4.18.0-80.11.2.el8_0.x86_64 4.18.0-80.11.2.el8_0
END
}
centos_9() { lists centos-9 centos stream9 "" --arch x86_64 << 'END'
x86_64 5.14.0-503.el9.x86_64 5.14.0-503.el9
x86_64 5.14.0-503.el9.x86_64+rt 5.14.0-503.el9
END
}
rhel() { lists rhel-8 rhel 8 "" --arch x86_64 << 'END'
x86_64 4.18.0-553.el8_10.x86_64 4.18.0-553.el8_10
x86_64 4.18.0-80.el8.x86_64 4.18.0-80.el8
END
}
almalinux() { lists almalinux-8 almalinux 8 "" --arch x86_64 << 'END'
x86_64 4.18.0-553.el8_10.x86_64 4.18.0-553.el8_10
END
}
rocky() { lists rocky-9 rocky 9 "" --arch aarch64 << 'END'
aarch64 5.14.0-427.13.1.el9_4.aarch64+64k 5.14.0-427.13.1.el9_4
aarch64 5.14.0-427.13.1.el9_4.aarch64 5.14.0-427.13.1.el9_4
END
}
oracle() { lists ol-8 ol 8 "" << 'END'
aarch64 5.4.17-2011.0.7.el8uek.aarch64 5.4.17-2011.0.7.el8uek
x86_64 4.18.0-553.el8_10.x86_64 4.18.0-553.el8_10
x86_64 4.18.0-80.11.2.el8_0.x86_64 4.18.0-80.11.2.el8_0
x86_64 5.15.0-3.60.5.1.el8uek.x86_64 5.15.0-3.60.5.1.el8uek
x86_64 5.4.17-2136.301.1.2.el8uek.x86_64 5.4.17-2136.301.1.2.el8uek
END
}
amazon_1() { lists amzn-2018 amzn 2018 "" --arch x86_64 << 'END'
x86_64 4.14.173-106.229.amzn1.x86_64 4.14.173-106.229.amzn1
END
}
# Its index is a database alone, its packages lie beside the repositories, kernels in extras.
amazon_2() {
  lists amzn-2 amzn 2 "" --arch x86_64 << 'END'
x86_64 5.10.234-225.895.amzn2.x86_64 5.10.234-225.895.amzn2
x86_64 4.14.291-218.527.amzn2.x86_64 4.14.291-218.527.amzn2
x86_64 4.14.72-73.55.amzn2.x86_64 4.14.72-73.55.amzn2
END
  expect_status 0 "$BTFPACK" list --distro amzn --release 2 --arch x86_64 --mirror "$url/at" \
    --cache cache --allow-unsigned --json
  [ "$(grep -cE "\"url\": ?\"$url/at/blobstore/[0-9a-f]{64}/kernel-debuginfo-" out)" = 3 ]
}
amazon_2023() { lists amzn-2023 amzn 2023 "" --arch x86_64 << 'END'
x86_64 6.12.22-27.96.amzn2023.x86_64 6.12.22-27.96.amzn2023
x86_64 6.1.112-122.189.amzn2023.x86_64 6.1.112-122.189.amzn2023
END
}
sles_12() { lists sles-12.5 sles 12.5 "" --arch x86_64 << 'END'
x86_64 4.12.14-16.59-azure 4.12.14-16.59.1
x86_64 4.12.14-122.37-default 4.12.14-122.37.1
x86_64 4.12.14-120-default 4.12.14-120.1
END
}
sles_15() { lists sles-15.6 sles 15.6 "" --arch x86_64 << 'END'
x86_64 6.4.0-150600.23.47-default 6.4.0-150600.23.47.2
x86_64 6.4.0-150600.21-default 6.4.0-150600.21.2
END
}
leap() { lists opensuse-leap-15.1 opensuse-leap 15.1 "" --arch x86_64 << 'END'
x86_64 4.12.14-lp151.28.36-default 4.12.14-lp151.28.36.1
x86_64 4.12.14-lp151.27-default 4.12.14-lp151.27.3
x86_64 4.12.14-lp151.27-vanilla 4.12.14-lp151.27.3
END
}
openeuler_20() { lists openEuler-20.03 openEuler 20.03 "" --arch x86_64 << 'END'
x86_64 4.19.90-2003.4.0.0036.oe1.x86_64 4.19.90-2003.4.0.0036.oe1
END
}
openeuler_24() { lists openEuler-24.03 openEuler 24.03 "" --arch aarch64 << 'END'
aarch64 6.6.0-28.0.0.34.oe2403.aarch64 6.6.0-28.0.0.34.oe2403
END
}

need python3
run "Debian 12" debian_12
run "Ubuntu 18.04, ddebs" ubuntu
run "Raspberry Pi OS 12" raspbian
run "Kali" kali
run "Fedora 31, archived" fedora_31
run "Fedora 42" fedora_42
run "CentOS 7" centos_7
run "CentOS 8" centos_8
run "CentOS Stream 9" centos_9
run "RHEL 8" rhel
run "AlmaLinux 8" almalinux
run "Rocky 9" rocky
run "Oracle 8, a listing" oracle
run "Amazon 1" amazon_1
run "Amazon 2, databases and extras" amazon_2
run "Amazon 2023" amazon_2023
run "SLES 12.5" sles_12
run "SLES 15.6" sles_15
run "openSUSE Leap 15.1" leap
run "openEuler 20.03" openeuler_20
run "openEuler 24.03" openeuler_24
finish
