#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# The first process of the guest of tests/vm/check-ssh: a small machine with BusyBox,
# a network, and an ssh server. It says @ready on the console and lives until told.
/bin/busybox mkdir -p /proc /sys /dev /run /tmp /var/tmp /etc/dropbear /home/user
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin:/usr/sbin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
mount -t tracefs tracefs /sys/kernel/tracing
chmod 700 /root /root/.ssh /home/user /home/user/.ssh
chown -R 0:0 /root
chown -R 1000:1000 /home/user
cat > /bin/leftovers << 'END'
#!/bin/sh
ls -d /dev/shm/btfrun.* /run/btfrun.* /tmp/btfrun.* /var/tmp/btfrun.* "$HOME"/btfrun.* 2> /dev/null
ps -o pid,stat,args | grep '/btfrun\|btfrun-on' | grep -v grep
cat /sys/kernel/tracing/kprobe_events
END
chmod 755 /bin/leftovers
insmod /e1000.ko
ifconfig lo 127.0.0.1 up
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
dropbearkey -t ed25519 -f /etc/dropbear/key > /dev/null 2>&1
dropbear -E -s -r /etc/dropbear/key -p 22
echo
echo @ready
while :; do sleep 1000; done
