//! The vocabulary, word by word: an exercise for each claim, made here, that must fail
//! untouched, pass by the right way and refuse wrong ones. `exercise verify` is the judge.

use super::pack::Made;

/// One claim.
pub struct Word {
    pub name: &'static str,
    /// Above the checks: `needs`, `root`; and whatever the setup makes.
    pub head: &'static str,
    pub setup: &'static str,
    /// The keys of the one check, `c`.
    pub check: &'static str,
    pub right: &'static str,
    /// How it is refused, and by what.
    pub wrong: &'static [(&'static str, &'static str)],
}

const NONE: Word = Word { name: "", head: "", setup: "", check: "", right: "", wrong: &[] };

/// With a user namespace, everything that follows works for everybody.
macro_rules! apart {
    ($rest:literal) => {
        concat!("unshare --user --map-root-user ", $rest, " &")
    };
}

const MOUNTED: &str = apart!("--mount sh -c 'mount -t tmpfs -o size=1m,ro box m; exec sleep 700'");

pub const WORDS: &[Word] = &[
    Word {
        name: "running",
        check: "that = { running = { subject = 'box' } }",
        right: "sleep 700 &",
        wrong: &[
            ("c", "sleep 701 &"),
            ("c", "sh -c ': sleep 700; sleep 701; true' &"),
            ("c", "bash -c 'exec -a \"sleep 700\" sleep 701' &"),
        ],
        ..NONE
    },
    Word {
        name: "not-running",
        setup: "sleep 700 &",
        check: "baseline = 'start'\nthat = { not = { running = { subject = 'box' } } }",
        right: "kill $(pgrep -f -x 'sleep 700' | while read pid; do grep -qz BOXLAB_EXERCISE=$BOXLAB_EXERCISE /proc/$pid/environ && echo $pid; done)",
        wrong: &[("c", "true"), ("c", "sleep 700 &"), ("c", "rm -rf ./*")],
        ..NONE
    },
    Word {
        name: "namespace-differs",
        check: "that = { namespace = { kind = 'net', of = 'box', differs_from = 'host' } }",
        right: apart!("--net sleep 700"),
        wrong: &[("c", "sleep 700 &"), ("c", apart!("--uts sleep 700")), ("c/not-running", apart!("--net sleep 701"))],
        ..NONE
    },
    Word {
        name: "namespace-same",
        check: "that = { namespace = { kind = 'uts', of = 'box', same_as = 'other' } }",
        right: apart!("--uts sh -c 'sleep 710 & exec sleep 700'"),
        wrong: &[
            ("c", "unshare --user --map-root-user --uts sleep 710 & unshare --user --map-root-user --uts sleep 700 &"),
            ("c", "sleep 710 & unshare --user --map-root-user --uts sleep 700 &"),
            ("c/not-running", apart!("--uts sleep 700")),
        ],
        ..NONE
    },
    Word {
        name: "mount",
        setup: "mkdir m",
        check: "that = { mount = { of = 'box', at = 'm', type = 'tmpfs', source = 'box', options = ['ro', 'size=1024k'], propagation = 'private' } }",
        right: MOUNTED,
        wrong: &[
            ("c", "sleep 700 &"),
            ("c", apart!("--mount sh -c 'mount -t tmpfs -o size=1m box m; exec sleep 700'")),
            ("c", apart!("--mount sh -c 'mount --bind /usr m; exec sleep 700'")),
            ("c", apart!("--mount sh -c 'mount -t tmpfs -o size=1m,ro box m; mount --make-shared m; exec sleep 700'")),
        ],
        ..NONE
    },
    Word {
        name: "mount-writable",
        setup: "mkdir m",
        check: "that = { mount = { of = 'box', at = 'm', options = ['rw'] } }",
        right: apart!("--mount sh -c 'mount -t tmpfs box m; exec sleep 700'"),
        wrong: &[
            ("c", "sleep 700 &"),
            ("c", MOUNTED),
            ("c", apart!("--mount sh -c 'mount -t tmpfs box m; mount -o remount,bind,ro m; exec sleep 700'")),
        ],
        ..NONE
    },
    Word {
        name: "mount-absent",
        setup: "mkdir m",
        check: "that = { mount = { of = 'box', at = 'm', absent = true } }\ncontrol = { mount = { of = 'other', at = 'm' } }",
        right: apart!(
            "--mount sh -c 'mount -t tmpfs box m; sleep 710 & exec unshare --mount sh -c \"umount m; exec sleep 700\"'"
        ),
        wrong: &[
            ("c/not-running", "sleep 700 &"),
            ("c", "sleep 710 & sleep 700 &"),
            ("c", apart!("--mount sh -c 'mount -t tmpfs box m; sleep 710 & exec sleep 700'")),
        ],
        ..NONE
    },
    Word {
        name: "file",
        check: "that = { file = { path = 'a', is = 'one', mode = '0640', owner = 'me' } }",
        right: "echo one > a; chmod 640 a",
        wrong: &[
            ("c", "echo two > a; chmod 640 a"),
            ("c", "echo one > a; chmod 600 a"),
            ("c", "mkdir -m 640 a"),
            ("c", "mkfifo -m 640 a"),
        ],
        ..NONE
    },
    Word {
        name: "file-in-view",
        setup: "mkdir m; echo one > a",
        check: "that = { file = { of = 'box', path = 'm/secret', contains = 'tw' } }",
        right: apart!("--mount sh -c 'mount -t tmpfs box m; echo two > m/secret; exec sleep 700'"),
        wrong: &[
            ("c", "echo one > m/secret; sleep 700 &"),
            ("c", apart!("--mount sh -c 'mount -t tmpfs box m; ln -s ../a m/secret; exec sleep 700'")),
            ("c/not-running", "echo two > m/secret"),
        ],
        ..NONE
    },
    Word {
        name: "file-absent",
        setup: "echo one > a",
        check: "baseline = 'start'\nthat = { file = { path = 'a', absent = true } }",
        right: "rm a",
        wrong: &[("c", "true"), ("c", "rm a; ln -s nowhere a"), ("c", "rm a; mkdir a")],
        ..NONE
    },
    Word {
        name: "capabilities",
        check: "that = { capabilities = { of = 'box', set = 'bounding', has = ['CAP_CHOWN'], lacks = ['CAP_SYS_ADMIN'] } }\ncontrol = { capabilities = { of = 'box', set = 'bounding', has = ['CAP_CHOWN'] } }",
        right: apart!("setpriv --bounding-set -sys_admin sleep 700"),
        wrong: &[
            ("c", "sleep 700 &"),
            ("c", apart!("setpriv --bounding-set -all sleep 700")),
            ("c", apart!("setpriv --inh-caps -sys_admin sleep 700")),
        ],
        ..NONE
    },
    Word {
        name: "capabilities-exactly",
        check: "that = { capabilities = { of = 'box', set = 'permitted', exactly = ['CAP_CHOWN', 'CAP_KILL'] } }",
        right: apart!("setpriv --bounding-set -all,+chown,+kill sleep 700"),
        wrong: &[
            ("c", apart!("setpriv --bounding-set -all,+chown sleep 700")),
            ("c", apart!("setpriv --bounding-set -all,+chown,+kill,+fowner sleep 700")),
            ("c", apart!("sleep 700")),
        ],
        ..NONE
    },
    Word {
        name: "status",
        check: "that = { status = { of = 'box', field = 'NoNewPrivs', is = 1 } }",
        right: "setpriv --no-new-privs sleep 700 &",
        wrong: &[
            ("c", "sleep 700 &"),
            ("c", apart!("sleep 700")),
            ("c", "(setpriv --no-new-privs sleep 701 & sleep 700) &"),
        ],
        ..NONE
    },
    Word {
        name: "rlimit",
        check: "that = { rlimit = { of = 'box', name = 'nofile', hard = true, at_most = 64 } }",
        right: "ulimit -n 64; sleep 700 &",
        wrong: &[("c", "sleep 700 &"), ("c", "ulimit -Sn 64; sleep 700 &"), ("c", "ulimit -n 65; sleep 700 &")],
        ..NONE
    },
    Word {
        name: "id-map",
        check: "that = { id_map = { of = 'box', inside = 7, outside = 'me' } }",
        right: "unshare --user --map-user=7 sleep 700 &",
        wrong: &[("c", "sleep 700 &"), ("c", apart!("sleep 700")), ("c", "unshare --user sleep 700 &")],
        ..NONE
    },
    Word {
        name: "pid-inside",
        check: "that = { pid_inside = { of = 'box', is = 1 } }",
        right: apart!("--pid --fork sleep 700"),
        wrong: &[
            ("c", "sleep 700 &"),
            ("c", apart!("--pid sleep 700")),
            ("c", apart!("--pid --fork sh -c 'sleep 700; true'")),
        ],
        ..NONE
    },
    Word {
        name: "processes-seen",
        check: "that = { processes_seen = { of = 'box', at_most = 2 } }",
        right: apart!("--pid --fork --mount-proc sleep 700"),
        wrong: &[
            ("c", "sleep 700 &"),
            ("c", apart!("--pid --fork sleep 700")),
            ("c", apart!("--mount sh -c 'mount -t tmpfs none /proc; exec sleep 700'")),
        ],
        ..NONE
    },
    Word {
        name: "reaches",
        check: "that = { all = [{ namespace = { kind = 'net', of = 'box', differs_from = 'host' } }, { reaches = { of = 'box', address = '127.0.0.1' } }] }",
        right: apart!("--net sh -c 'ip link set lo up; exec sleep 700'"),
        wrong: &[
            ("c", apart!("--net sleep 700")),
            ("c", "sleep 700 &"),
            ("c", apart!("--net sh -c 'ip link set lo up; ip link set lo down; exec sleep 700'")),
        ],
        ..NONE
    },
    Word {
        name: "answer",
        setup: "sleep 700 &",
        check: "that = { all = [{ answer = { file = 'pid', is_pid_of = 'box' } }, { answer = { file = 'ns', is_namespace = { kind = 'uts', of = 'box' } } }, { answer = { file = 'kernel', is_output_of = ['uname', '-r'] } }, { answer = { file = 'word', is = 'yes' } }] }",
        right: "pid=$(pgrep -f -x 'sleep 700' | while read pid; do grep -qz BOXLAB_EXERCISE=$BOXLAB_EXERCISE /proc/$pid/environ && echo $pid; done); echo $pid > pid; stat -L -c %i /proc/$pid/ns/uts > ns; uname -r > kernel; echo yes > word",
        wrong: &[("c", "echo 1 > pid"), ("c", "touch pid ns kernel word"), ("c", "mkdir pid")],
        ..NONE
    },
    Word {
        name: "output",
        check: "that = { all = [{ output = { run = ['cat', 'a'], has_line = 'two' } }, { output = { run = ['cat', 'a'], contains = 'ree' } }, { output = { run = ['wc', '-l', 'a'], is = '3 a' } }] }",
        right: "printf 'one\\ntwo\\nthree\\n' > a",
        wrong: &[("c", "true"), ("c", "echo 'two three' > a"), ("c", "printf 'two\\nthree\\n' > a")],
        ..NONE
    },
    Word {
        name: "output-of-a-script",
        check: "that = { output = { run = ['./a'], is = 'done' } }",
        right: "printf '#!/bin/sh\\necho done\\n' > a; chmod +x a",
        wrong: &[
            ("c", "true"),
            ("c", "echo 'echo done' > a"),
            ("c", "printf '#!/bin/sh\\necho no\\n' > a; chmod +x a"),
        ],
        ..NONE
    },
    Word {
        name: "output-fails",
        setup: "touch a",
        check: "baseline = 'start'\nthat = { output = { run = ['test', '-e', 'a'], fails = true } }",
        right: "rm a",
        wrong: &[("c", "true"), ("c", "echo a > a"), ("c", "rm a; mkdir a")],
        ..NONE
    },
    Word {
        name: "any",
        check: "that = { any = [{ file = { path = 'a', exists = true } }, { file = { path = 'b', is = 'x' } }] }",
        right: "echo x > b",
        wrong: &[("c", "true"), ("c", "echo y > b"), ("c", "touch c")],
        ..NONE
    },
    Word {
        name: "limit-pids",
        head: "needs = ['cgroup pids']",
        check: "that = { limit = { of = 'box', resource = 'pids', at_most = 20 } }",
        right: "boxlab -q cgroup pids -- sleep 700 &",
        wrong: &[
            ("c", "sleep 700 &"),
            ("c", "ulimit -u 20; sleep 700 &"),
            ("c/not-running", "boxlab -q cgroup pids -- true"),
        ],
        ..NONE
    },
    Word {
        name: "limit-cpu",
        head: "needs = ['cgroup cpu']",
        check: "that = { limit = { of = 'box', resource = 'cpu', at_most = 0.5 } }",
        right: "boxlab -q cgroup cpu --seconds 0.1 -- sleep 700 &",
        wrong: &[("c", "sleep 700 &"), ("c", "nice sleep 700 &"), ("c/not-running", "sleep 701 &")],
        ..NONE
    },
    Word {
        name: "frozen",
        head: "root = true\nneeds = ['cgroup freeze']",
        check: "that = { frozen = { of = 'box' } }",
        right: "sleep 700 & sleep 0.2; tree=/sys/fs/cgroup; [ -d $tree/freezer ] && tree=$tree/freezer; group=$tree/boxlab-exercise-$BOXLAB_EXERCISE; mkdir $group; echo $! > $group/cgroup.procs; if [ -e $group/freezer.state ]; then echo FROZEN > $group/freezer.state; else echo 1 > $group/cgroup.freeze; fi",
        wrong: &[("c", "sleep 700 &"), ("c", "sleep 700 & sleep 0.2; kill -STOP $!"), ("c/not-running", "sleep 701 &")],
        ..NONE
    },
    Word {
        name: "event-anywhere",
        head: "root = true\nneeds = ['cgroup mem']",
        check: "that = { event = { name = 'oom_kill' } }\nhappened = true",
        right: "tree=/sys/fs/cgroup; [ -d $tree/memory ] && tree=$tree/memory; group=$tree/boxlab-exercise-$BOXLAB_EXERCISE-small; mkdir $group; echo 8M > $group/memory.max 2>/dev/null || echo 8M > $group/memory.limit_in_bytes; (echo $BASHPID > $group/cgroup.procs; exec tail /dev/zero)",
        wrong: &[
            ("c", "true"),
            ("c", "sh -c 'kill -9 $$'"),
            (
                "c",
                "tree=/sys/fs/cgroup; [ -d $tree/memory ] && tree=$tree/memory; mkdir $tree/boxlab-exercise-$BOXLAB_EXERCISE",
            ),
        ],
        ..NONE
    },
];

impl Word {
    /// The exercise for it.
    pub fn made(&self) -> Made {
        let toml = format!(
            "title = 'x'\nminutes = 1\n{}\nhints = ['x']\n\
             [[subjects]]\nname = 'box'\nargv = ['sleep', '700']\n\
             [[subjects]]\nname = 'other'\nargv = ['sleep', '710']\n\
             [[checks]]\nid = 'c'\nsays = 'Found {{found}}, expected {{expected}}.'\n{}\n",
            self.head, self.check
        );
        Made { name: self.name, toml, setup: self.setup, solution: self.right, wrong: self.wrong.to_vec() }
    }
}
