//! The table itself, in the order in which it is taught.

use super::Row;

/// All of them, in the order in which they are taught.
pub const CATALOG: &[Row] = &[
    Row {
        command: "ns uts",
        about: "A hostname of its own",
        man: &["uts_namespaces(7)", "unshare(2)", "sethostname(2)"],
        shell: "unshare --uts sh -c 'hostname box; exec sh'",
        parts: &["sethostname"],
        lesson: Some("01-uts"),
    },
    Row {
        command: "ns ipc",
        about: "Message queues, semaphores and shared memory of its own",
        man: &["ipc_namespaces(7)", "svipc(7)", "msgget(2)"],
        shell: "unshare --ipc sh -c 'ipcmk -Q; ipcs -q'",
        lesson: Some("02-ipc"),
        ..NONE
    },
    Row {
        command: "ns mnt",
        about: "A mount table of its own",
        man: &["mount_namespaces(7)", "mount(2)"],
        shell: "unshare --mount sh -c 'mount -t tmpfs box /mnt; exec sh'",
        lesson: Some("03-mnt"),
        ..NONE
    },
    Row {
        command: "ns pid",
        about: "A process tree that starts at 1",
        man: &["pid_namespaces(7)", "proc(5)", "wait(2)"],
        shell: "unshare --pid --fork --mount-proc ps ax",
        parts: &["proc", "signal", "reap"],
        lesson: Some("04-pid"),
    },
    Row {
        command: "ns net",
        about: "Interfaces, addresses, routes and ports of its own",
        man: &["network_namespaces(7)", "rtnetlink(7)"],
        shell: "unshare --net sh -c 'ip link set lo up; ip address; exec sh'",
        parts: &["loopback"],
        lesson: Some("05-net"),
    },
    Row {
        command: "ns user",
        about: "Ids and capabilities that count only inside",
        man: &["user_namespaces(7)", "newuidmap(1)", "subuid(5)"],
        shell: "unshare --user --map-root-user id",
        lesson: Some("06-user"),
        ..NONE
    },
    Row {
        command: "ns cgroup",
        about: "The own cgroup as the root of all cgroups",
        man: &["cgroup_namespaces(7)", "cgroups(7)"],
        shell: "unshare --cgroup cat /proc/self/cgroup",
        lesson: Some("07-cgroup-ns"),
        ..NONE
    },
    Row {
        command: "ns time",
        about: "A boot time of its own",
        man: &["time_namespaces(7)", "clock_gettime(2)"],
        shell: "unshare --time --boottime 864000 --fork uptime --pretty",
        lesson: Some("08-time"),
        ..NONE
    },
    Row {
        command: "ns all",
        about: "All eight namespaces at once: nearly a container",
        man: &["namespaces(7)", "unshare(2)", "unshare(1)"],
        shell: "unshare --user --map-root-user --mount --uts --ipc --net --cgroup --time --pid --fork --mount-proc",
        parts: &["sethostname", "loopback", "proc"],
        lesson: Some("09-all-and-enter"),
    },
    Row {
        command: "ns enter",
        about: "Join the namespaces of a process",
        man: &["setns(2)", "pidfd_open(2)", "nsenter(1)"],
        shell: "nsenter --target PID --all",
        lesson: Some("09-all-and-enter"),
        ..NONE
    },
    Row {
        command: "ns ls",
        about: "The namespaces of this machine and who lives in them",
        man: &["namespaces(7)", "lsns(8)"],
        shell: "lsns",
        lesson: Some("09-all-and-enter"),
        ..NONE
    },
    Row {
        command: "mount bind",
        about: "A directory under a second name",
        man: &["mount(2)", "mount_namespaces(7)"],
        shell: "unshare --mount sh -c 'mount --bind SOURCE TARGET; exec sh'",
        lesson: Some("10-bind"),
        ..NONE
    },
    Row {
        command: "mount tmpfs",
        about: "Files in memory, with a limit, gone with the mount",
        man: &["tmpfs(5)", "mount(2)"],
        shell: "unshare --mount sh -c 'mount -t tmpfs -o size=1m tmpfs TARGET; exec sh'",
        lesson: Some("11-tmpfs"),
        ..NONE
    },
    Row {
        command: "mount proc",
        about: "The processes of one PID namespace as files",
        man: &["proc(5)", "pid_namespaces(7)"],
        shell: "unshare --pid --fork --mount sh -c 'mount -t proc proc /proc; ps ax'",
        lesson: Some("12-proc"),
        ..NONE
    },
    Row {
        command: "mount overlay",
        about: "Read-only layers below, a writable one above, shown as one",
        man: &["mount(2)", "mount(8)", "xattr(7)"],
        shell: "mount -t overlay -o lowerdir=LOWER,upperdir=UPPER,workdir=WORK overlay MERGED",
        lesson: Some("13-overlay"),
        ..NONE
    },
    Row {
        command: "mount propagation",
        about: "Whether a mount at one place appears at another",
        man: &["mount_namespaces(7)", "mount(2)"],
        shell: "mount --make-shared LEFT; mount --make-slave RIGHT; mount --make-private RIGHT",
        lesson: Some("14-propagation"),
        ..NONE
    },
    Row {
        command: "mount readonly",
        about: "Read-only, for one mount or a whole tree of them",
        man: &["mount(2)", "mount_setattr(2)"],
        shell: "mount --bind SOURCE TARGET; mount -o remount,bind,ro TARGET",
        lesson: Some("15-readonly"),
        ..NONE
    },
    Row {
        command: "mount pivot",
        about: "pivot_root against chroot: one can be left, the other can't",
        man: &["pivot_root(2)", "chroot(2)", "pivot_root(8)"],
        shell: "mount --bind ROOT ROOT; mount --rbind /proc ROOT/proc; cd ROOT; pivot_root . .; umount -l .; exec sh",
        lesson: Some("16-pivot"),
        ..NONE
    },
    Row {
        command: "cgroup mem",
        about: "Memory: taken back at the limit, and then a process is ended",
        man: &["cgroups(7)", "proc_pid_cgroup(5)"],
        shell: "mkdir G; echo 32M > G/memory.max; echo $$ > G/cgroup.procs; tail /dev/zero",
        parts: &["limit"],
        lesson: Some("17-memory"),
    },
    Row {
        command: "cgroup cpu",
        about: "Processor time: a quota, and waiting for the next period",
        man: &["cgroups(7)", "sched(7)"],
        shell: "echo '20000 100000' > G/cpu.max; echo $$ > G/cgroup.procs; cat G/cpu.stat",
        parts: &["limit"],
        lesson: Some("18-cpu"),
    },
    Row {
        command: "cgroup pids",
        about: "The number of processes: what stops a fork bomb",
        man: &["cgroups(7)", "fork(2)"],
        shell: "echo 8 > G/pids.max; echo $$ > G/cgroup.procs; cat G/pids.events",
        parts: &["limit"],
        lesson: Some("19-pids-limit"),
    },
    Row {
        command: "cgroup io",
        about: "The rate at a block device",
        man: &["cgroups(7)", "open(2)", "lsblk(8)"],
        shell: "echo '8:0 wbps=1048576' > G/io.max; dd if=/dev/zero of=FILE bs=64k count=16 oflag=direct",
        parts: &["limit"],
        lesson: Some("20-io"),
    },
    Row {
        command: "cgroup cpuset",
        about: "Which processors are used",
        man: &["cpuset(7)", "sched_setaffinity(2)", "taskset(1)"],
        shell: "echo 0 > G/cpuset.cpus; echo $$ > G/cgroup.procs; grep Cpus_allowed_list /proc/self/status",
        parts: &["limit"],
        lesson: Some("21-cpuset"),
    },
    Row {
        command: "cgroup freeze",
        about: "Stand still, all at once, and go on",
        man: &["cgroups(7)", "signal(7)"],
        shell: "echo 1 > G/cgroup.freeze; cat G/cgroup.events; echo 0 > G/cgroup.freeze",
        parts: &["limit"],
        lesson: Some("22-freeze"),
    },
    Row {
        command: "cgroup ls",
        about: "The trees of cgroups of this machine, and who is limited",
        man: &["cgroups(7)", "systemd-cgls(1)"],
        shell: "grep cgroup /proc/self/mountinfo; find /sys/fs/cgroup -name '*.max' | xargs grep -v max",
        lesson: Some("17-memory"),
        ..NONE
    },
    Row {
        command: "cgroup show",
        about: "What limits a process",
        man: &["cgroups(7)", "proc_pid_cgroup(5)"],
        shell: "cat /proc/self/cgroup; cat /sys/fs/cgroup/$(cut -d: -f3 /proc/self/cgroup)/memory.max",
        lesson: Some("17-memory"),
        ..NONE
    },
    Row {
        command: "security caps",
        about: "Root's power in pieces, most of them laid down",
        man: &["capabilities(7)", "capset(2)", "prctl(2)"],
        shell: "capsh --drop=cap_sys_admin,cap_net_admin -- -c 'grep Cap /proc/self/status'",
        parts: &["bounding", "capset"],
        lesson: Some("23-caps"),
    },
    Row {
        command: "security no-new-privs",
        about: "No program can give more than there is: setuid is ignored",
        man: &["prctl(2)", "execve(2)", "setpriv(1)"],
        shell: "setpriv --no-new-privs sudo id",
        lesson: Some("25-no-new-privs"),
        ..NONE
    },
    Row {
        command: "security rlimit",
        about: "What one process may use, and may never raise again",
        man: &["getrlimit(2)", "prlimit(1)"],
        shell: "prlimit --nofile=64:128 --fsize=65536:131072 sh",
        lesson: Some("26-rlimit"),
        ..NONE
    },
    Row {
        command: "security landlock",
        about: "A process takes access to files away from itself, without root",
        man: &["landlock(7)", "landlock_create_ruleset(2)", "landlock_add_rule(2)", "landlock_restrict_self(2)"],
        shell: "setpriv --landlock-access fs --landlock-rule path-beneath:execute,read-file,read-dir:/usr sh",
        parts: &["no_new_privs"],
        lesson: Some("27-landlock"),
    },
    Row {
        command: "security lsm",
        about: "AppArmor and SELinux: a label on a process, and what it denies",
        man: &["apparmor(7)", "selinux(8)", "proc_pid_attr(5)"],
        shell: "aa-exec --profile=docker-default -- sh; runcon --type=container_t sh",
        lesson: Some("28-lsm"),
        ..NONE
    },
    Row {
        command: "security seccomp",
        about: "Which system calls the kernel takes from a process",
        man: &["seccomp(2)", "bpf(4)", "syscalls(2)", "proc_pid_status(5)"],
        shell: "systemd-run --pty --property='SystemCallFilter=~unshare keyctl' sh",
        parts: &["no_new_privs"],
        lesson: Some("24-seccomp"),
    },
    Row {
        command: "security userns",
        about: "Root in a container is root on the host, unless ids are mapped",
        man: &["user_namespaces(7)", "credentials(7)"],
        shell: "unshare --user --map-users=100000,0,65536 --map-groups=100000,0,65536 --setuid 0 sh",
        lesson: Some("29-userns"),
        ..NONE
    },
    Row {
        command: "image pull",
        about: "Fetch an image from a registry, layer by layer",
        man: &["skopeo-copy(1)", "umoci-unpack(1)"],
        shell: "skopeo copy docker://NAME oci:DIR:NAME; umoci unpack --image DIR:NAME BUNDLE",
        lesson: Some("32-names-and-registries"),
        ..NONE
    },
    Row {
        command: "image host",
        about: "An image made of this machine's own programs",
        man: &["ld.so(8)", "elf(5)", "tar(1)"],
        shell: "ldd $(command -v bash); tar -c ... | sha256sum",
        lesson: Some("30-host-image"),
        ..NONE
    },
    Row {
        command: "image push",
        about: "Store an image of this machine in a registry",
        man: &["docker-push(1)", "podman-push(1)", "skopeo-copy(1)"],
        shell: "skopeo copy oci:LAYOUT:NAME docker://localhost:5000/name:tag",
        lesson: Some("32-names-and-registries"),
        ..NONE
    },
    Row {
        command: "registry serve",
        about: "Hand the images of this machine to others, as a registry does",
        man: &["skopeo-copy(1)", "docker-push(1)"],
        shell: "docker-registry serve config.yml; curl http://localhost:5000/v2/_catalog",
        lesson: Some("32-names-and-registries"),
        ..NONE
    },
    Row {
        command: "manifest inspect",
        about: "What a registry holds under a name, platform by platform",
        man: &["docker-manifest-inspect(1)", "skopeo-inspect(1)"],
        shell: "skopeo inspect --raw docker://docker.io/library/debian:latest",
        lesson: Some("32-names-and-registries"),
        ..NONE
    },
    Row {
        command: "image ls",
        about: "Which images there are",
        man: &["docker-image-ls(1)"],
        shell: "jq .manifests /var/lib/boxlab/oci/index.json",
        lesson: Some("34-store"),
        ..NONE
    },
    Row {
        command: "image inspect",
        about: "All that is known about an image",
        man: &["docker-image-inspect(1)", "skopeo-inspect(1)"],
        shell: "skopeo inspect --config oci:/var/lib/boxlab/oci:NAME",
        lesson: Some("34-store"),
        ..NONE
    },
    Row {
        command: "image history",
        about: "Which instruction made which layer",
        man: &["docker-image-history(1)"],
        shell: "skopeo inspect --config oci:/var/lib/boxlab/oci:NAME | jq .history",
        lesson: Some("33-layers"),
        ..NONE
    },
    Row {
        command: "image layers",
        about: "The layers of an image as a stack",
        man: &["tar(1)", "tar(5)"],
        shell: "zcat /var/lib/boxlab/oci/blobs/sha256/DIGEST | tar -tv",
        lesson: Some("33-layers"),
        ..NONE
    },
    Row {
        command: "image diff",
        about: "What must change in one image to get another",
        man: &["diff(1)"],
        shell: "diff --recursive --no-dereference ONE OTHER",
        lesson: Some("33-layers"),
        ..NONE
    },
    Row {
        command: "image tag",
        about: "Give an image another name",
        man: &["docker-image-tag(1)"],
        shell: "umoci tag --image /var/lib/boxlab/oci:NAME OTHER",
        lesson: Some("32-names-and-registries"),
        ..NONE
    },
    Row {
        command: "image rm",
        about: "Remove images, or names of images",
        man: &["docker-image-rm(1)"],
        shell: "umoci rm --image /var/lib/boxlab/oci:NAME; umoci gc --layout /var/lib/boxlab/oci",
        lesson: Some("34-store"),
        ..NONE
    },
    Row {
        command: "image prune",
        about: "Remove what no image and no container needs",
        man: &["docker-image-prune(1)"],
        shell: "umoci gc --layout /var/lib/boxlab/oci",
        lesson: Some("34-store"),
        ..NONE
    },
    Row {
        command: "image unpack",
        about: "Unpack the root filesystem of an image into a directory",
        man: &["tar(1)", "user_namespaces(7)", "openat2(2)"],
        shell: "umoci raw unpack --image /var/lib/boxlab/oci:NAME DIR",
        lesson: Some("33-layers"),
        ..NONE
    },
    Row {
        command: "image import",
        about: "Make an image of a root filesystem",
        man: &["docker-image-import(1)", "tar(1)"],
        shell: "tar -c -C ROOT . | docker import - NAME",
        lesson: Some("34-store"),
        ..NONE
    },
    Row {
        command: "image export",
        about: "Write the root filesystem of an image as a tar archive",
        man: &["tar(1)", "docker-export(1)"],
        shell: "docker export $(docker create NAME) > FILE",
        lesson: Some("34-store"),
        ..NONE
    },
    Row {
        command: "image save",
        about: "Write images into a file",
        man: &["docker-image-save(1)", "skopeo-copy(1)"],
        shell: "skopeo copy oci:/var/lib/boxlab/oci:NAME docker-archive:FILE:NAME",
        lesson: Some("34-store"),
        ..NONE
    },
    Row {
        command: "image load",
        about: "Get images out of a file",
        man: &["docker-image-load(1)", "skopeo-copy(1)"],
        shell: "skopeo copy docker-archive:FILE oci:/var/lib/boxlab/oci:NAME",
        lesson: Some("34-store"),
        ..NONE
    },
    Row {
        command: "run",
        about: "Run a program in a container",
        man: &["namespaces(7)", "cgroups(7)", "capabilities(7)", "mount(2)", "pivot_root(2)", "clone(2)"],
        shell: "unshare --mount --uts --ipc --net --pid --cgroup --fork chroot ROOT sh",
        parts: &[
            "devices",
            "pid",
            "uts",
            "ipc",
            "net",
            "cgroup",
            "loopback",
            "proc",
            "sys",
            "dev",
            "etc",
            "mask",
            "readonly_paths",
            "pivot_root",
            "caps",
            "seccomp",
        ],
        lesson: Some("31-run"),
    },
];

pub(super) const NONE: Row = Row { command: "", about: "", man: &[], shell: "", lesson: None, parts: &[] };
