//! Where the dynamic loader finds the libraries of a program.
//!
//! It does what ld.so does, on paper: for each name that the program needs, and
//! then for each that those libraries need, breadth first, it searches
//!
//! 1. DT_RPATH of the asking file and of whoever loaded it, unless the asking file has a DT_RUNPATH;
//! 2. DT_RUNPATH of the asking file alone;
//! 3. /etc/ld.so.cache;
//! 4. the default directories,
//!
//! and takes the first file of the right class and machine. musl's loader has
//! simpler rules: both kinds of path are inherited, and there is no cache.
//! LD_LIBRARY_PATH comes between 1 and 2 in ld.so, but *not* here: it belongs to
//! the shell that happens to run boxlab, and an image must not depend on that.
//! Libraries that a program opens by itself, later (dlopen(3)), are in no header.
//! See ld.so(8), elf(5); try `LD_DEBUG=libs ls`.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::elf::{self, Elf, Kind};
use super::ld_cache::{self, LdCache};
use super::sources::Sources;

/// The loader of this machine: its cache, and the headers read so far.
pub struct Loader {
    cache: Option<LdCache>,
    headers: HashMap<PathBuf, Option<Rc<Elf>>>,
}

/// All that a program needs to start.
#[derive(Debug, Default, PartialEq)]
pub struct Closure {
    /// The dynamic loader itself and the libraries, in the order of loading.
    pub libraries: Vec<PathBuf>,
    /// A name that was found nowhere, and the file that asked for it.
    pub missing: Vec<(OsString, PathBuf)>,
}

/// A file that the loader has mapped.
struct Object {
    path: PathBuf,
    elf: Rc<Elf>,
    /// The name that was asked for.
    name: OsString,
    /// Who asked; `None` for the program itself.
    loaded_by: Option<usize>,
}

impl Object {
    fn new(path: PathBuf, elf: Rc<Elf>, name: OsString, loaded_by: Option<usize>) -> Self {
        Self { path, elf, name, loaded_by }
    }

    fn answers_to(&self, name: &OsStr) -> bool {
        self.name == name || self.elf.soname.as_deref() == Some(name)
    }
}

impl Loader {
    /// Reads the machine's cache, where it has one.
    pub fn new(sources: &mut Sources) -> Self {
        sources.look(Path::new(ld_cache::PATH));
        let bytes = fs::read(ld_cache::PATH).unwrap_or_default();
        Self { cache: LdCache::parse(&bytes), headers: HashMap::new() }
    }

    /// The machine's cache, cut down to the libraries that `keep` wants.
    pub fn cache_of(&self, keep: impl Fn(&Path) -> bool) -> Option<Vec<u8>> {
        Some(self.cache.as_ref()?.only(keep))
    }

    // ANCHOR: closure
    /// Everything that `program` (a path without symlinks) needs.
    pub fn closure(&mut self, program: &Path, sources: &mut Sources) -> Closure {
        let mut closure = Closure::default();
        let Some(elf) = self.header(program) else {
            return closure;
        };
        let interpreter = elf.interpreter.clone();
        let mut objects = vec![Object::new(program.to_owned(), elf, OsString::new(), None)];
        if let Some(path) = interpreter {
            let name = path.file_name().unwrap_or_default().to_owned();
            match self.header(&path) {
                Some(elf) => objects.push(Object::new(path, elf, name, Some(0))),
                None => closure.missing.push((path.into(), program.to_owned())),
            }
        }
        self.load(&mut objects, &mut closure, sources);
        let libraries = objects.into_iter().skip(1);
        closure.libraries.extend(libraries.map(|object| object.path));
        closure
    }

    /// A library that a program opens by name at run time, as /bin/sh would find it.
    pub fn find_for_shell(&mut self, name: &str, sources: &mut Sources) -> Option<PathBuf> {
        let path = PathBuf::from("/bin/sh");
        let elf = self.header(&path)?;
        let shell = Object::new(path, elf, OsString::new(), None);
        Some(self.search(name.as_ref(), 0, &[shell], sources)?.0)
    }

    /// Breadth first: all that the program needs, then all that those need, and so on.
    fn load(&mut self, objects: &mut Vec<Object>, closure: &mut Closure, sources: &mut Sources) {
        let mut asking = 0;
        while asking < objects.len() {
            for name in objects[asking].elf.needed.clone() {
                if objects.iter().any(|object| object.answers_to(&name)) {
                    continue;
                }
                match self.search(&name, asking, objects, sources) {
                    Some((path, elf)) => {
                        objects.push(Object::new(path, elf, name, Some(asking)));
                    }
                    None => closure.missing.push((name, objects[asking].path.clone())),
                }
            }
            asking += 1;
        }
    }

    /// The first file that fits, as `objects[asking]` would get it.
    fn search(
        &mut self,
        name: &OsStr,
        asking: usize,
        objects: &[Object],
        sources: &mut Sources,
    ) -> Option<(PathBuf, Rc<Elf>)> {
        let kind = objects[0].elf.kind;
        let candidates = self.candidates(name, asking, objects);
        candidates.into_iter().find_map(|path| {
            sources.look(&path)?;
            let elf = self.header(&path).filter(|elf| elf.kind == kind)?;
            Some((path, elf))
        })
    }
    // ANCHOR_END: closure

    /// Where to look, in this order. A name with a slash is a path already.
    fn candidates(&self, name: &OsStr, asking: usize, objects: &[Object]) -> Vec<PathBuf> {
        let (program, asker) = (&objects[0].elf, &objects[asking]);
        if name.as_bytes().contains(&b'/') {
            return expand(name, asker);
        }
        let in_each = |directories: Vec<PathBuf>| directories.into_iter().map(|one| one.join(name));
        let mut candidates = Vec::new();
        if is_musl(program) {
            candidates.extend(in_each(inherited(asking, objects, true)));
        } else {
            candidates.extend(in_each(search_paths(asking, objects)));
            candidates.extend(self.cached(name, asker));
        }
        if !asker.elf.no_default_directories {
            candidates.extend(in_each(default_directories(program)));
        }
        candidates
    }

    /// What the cache has for `name`. A file that forbids the default directories
    /// (`ld -z nodefaultlib`) does not get it from there through the cache either.
    fn cached(&self, name: &OsStr, asker: &Object) -> Vec<PathBuf> {
        let entries = self.cache.iter().flat_map(|cache| cache.lookup(name));
        let forbidden = match asker.elf.no_default_directories {
            true => default_directories(&asker.elf),
            false => Vec::new(),
        };
        let allowed = |path: &PathBuf| !forbidden.iter().any(|one| path.parent() == Some(one));
        entries.map(|entry| entry.path.clone()).filter(allowed).collect()
    }

    /// The header of a file, read once.
    fn header(&mut self, path: &Path) -> Option<Rc<Elf>> {
        if let Some(known) = self.headers.get(path) {
            return known.clone();
        }
        let read = File::open(path).and_then(|file| elf::read(&file));
        let header = read.ok().flatten().map(Rc::new);
        self.headers.insert(path.to_owned(), header.clone());
        header
    }
}

/// Steps 1 and 2 of glibc: RPATH of the chain of loaders, or else the asker's own RUNPATH.
fn search_paths(asking: usize, objects: &[Object]) -> Vec<PathBuf> {
    let asker = &objects[asking];
    match &asker.elf.runpath {
        Some(runpath) => split(runpath, asker),
        None => inherited(asking, objects, false),
    }
}

/// The paths of the asker, then of who loaded it, up to the program.
fn inherited(asking: usize, objects: &[Object], is_musl: bool) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    let mut next = Some(asking);
    while let Some(object) = next.map(|index| &objects[index]) {
        let path = match (&object.elf.runpath, &object.elf.rpath) {
            (Some(runpath), _) => is_musl.then_some(runpath),
            (None, rpath) => rpath.as_ref(),
        };
        directories.extend(path.into_iter().flat_map(|path| split(path, object)));
        next = object.loaded_by;
    }
    directories
}

/// The directories of one RPATH or RUNPATH. An empty or relative one means the
/// current directory of whoever starts the program: nothing that could be copied.
fn split(path: &OsStr, object: &Object) -> Vec<PathBuf> {
    let parts = path.as_bytes().split(|byte| *byte == b':');
    parts.flat_map(|part| expand(OsStr::from_bytes(part), object)).collect()
}

/// Replaces $ORIGIN, $LIB and $PLATFORM (ld.so(8), "Dynamic string tokens"). What
/// $LIB is was decided when the loader was compiled; each known answer is tried.
fn expand(text: &OsStr, object: &Object) -> Vec<PathBuf> {
    let origin = object.path.parent().unwrap_or(Path::new("/")).as_os_str();
    let machine = Machine::of(object.elf.kind);
    let text = replace(text.as_bytes(), "ORIGIN", origin.as_bytes());
    let text = replace(&text, "PLATFORM", machine.platform.as_bytes());
    let mut expanded: Vec<PathBuf> = Vec::new();
    for library in [format!("lib/{}", machine.triplet), "lib64".into(), "lib".into()] {
        let path = OsString::from_vec(replace(&text, "LIB", library.as_bytes())).into();
        if !expanded.contains(&path) && path.is_absolute() {
            expanded.push(path);
        }
    }
    expanded
}

/// Replaces `$NAME` and `${NAME}`.
fn replace(text: &[u8], name: &str, value: &[u8]) -> Vec<u8> {
    let (plain, braced) = (format!("${name}"), format!("${{{name}}}"));
    let mut replaced = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.first() {
        let token = [&braced, &plain].into_iter().find(|token| rest.starts_with(token.as_bytes()));
        match token {
            Some(token) => {
                replaced.extend_from_slice(value);
                rest = &rest[token.len()..];
            }
            None => {
                replaced.push(*first);
                rest = &rest[1..];
            }
        }
    }
    replaced
}

fn is_musl(program: &Elf) -> bool {
    let name = program.interpreter.as_ref().and_then(|path| path.file_name());
    name.is_some_and(|name| name.as_bytes().starts_with(b"ld-musl-"))
}

/// Where libraries lie by convention. Each distribution compiles its own choice of
/// these into its loader; as class and machine of every file are compared, searching
/// all of them finds no wrong one.
fn default_directories(program: &Elf) -> Vec<PathBuf> {
    if is_musl(program) {
        return musl_directories(program);
    }
    let triplet = Machine::of(program.kind).triplet;
    let multiarch = ["/lib", "/usr/lib"].map(|directory| Path::new(directory).join(triplet));
    let plain = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(PathBuf::from);
    multiarch.into_iter().chain(plain).collect()
}

/// musl reads them from a file named after its loader, separated by newlines or colons.
fn musl_directories(program: &Elf) -> Vec<PathBuf> {
    let path = musl_path_file(program).and_then(|path| fs::read_to_string(path).ok());
    let path = path.unwrap_or_else(|| "/lib:/usr/local/lib:/usr/lib".into());
    path.split(['\n', ':']).filter(|part| !part.is_empty()).map(PathBuf::from).collect()
}

/// `/etc/ld-musl-x86_64.path` for the loader `/lib/ld-musl-x86_64.so.1`.
pub fn musl_path_file(program: &Elf) -> Option<PathBuf> {
    let name = program.interpreter.as_ref()?.file_name()?.to_str()?;
    let stem = name.starts_with("ld-musl-").then(|| name.split('.').next())??;
    Some(format!("/etc/{stem}.path").into())
}

/// How directories are called after a machine.
struct Machine {
    /// Debian's multiarch name.
    triplet: &'static str,
    /// AT_PLATFORM, see getauxval(3).
    platform: &'static str,
}

impl Machine {
    fn of(kind: Kind) -> Self {
        let (triplet, platform) = match (kind.machine, kind.is_64_bit) {
            (3, _) => ("i386-linux-gnu", "i686"),
            (21, _) => ("powerpc64le-linux-gnu", "power8"),
            (22, _) => ("s390x-linux-gnu", "z10"),
            (40, _) => ("arm-linux-gnueabihf", "v7l"),
            (62, true) => ("x86_64-linux-gnu", "x86_64"),
            (62, false) => ("x86_64-linux-gnux32", "x86_64"),
            (183, _) => ("aarch64-linux-gnu", "aarch64"),
            (243, _) => ("riscv64-linux-gnu", "riscv64"),
            (258, _) => ("loongarch64-linux-gnu", "loongarch64"),
            _ => ("", ""),
        };
        Self { triplet, platform }
    }
}

#[cfg(test)]
mod tests {
    use super::{Closure, Elf, Loader, Object, Sources, expand, replace, search_paths};
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::rc::Rc;

    fn closure(program: &Path) -> Closure {
        let mut sources = Sources::default();
        Loader::new(&mut sources).closure(program, &mut sources)
    }

    /// The paths that ldd prints: the real loader's own answer.
    fn ldd(program: &Path) -> BTreeSet<PathBuf> {
        let output = Command::new("ldd").arg(program).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let words = text.split_whitespace().filter(|word| word.starts_with('/'));
        words.map(PathBuf::from).collect()
    }

    #[test]
    fn finds_what_the_real_loader_finds() {
        let names = "bash ls ps awk mount ip strace gzip tar find vi nft gdb git curl perl";
        let directories = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(Path::new);
        let mut compared = 0;
        for name in names.split(' ') {
            let found = directories.iter().find_map(|one| one.join(name).canonicalize().ok());
            let Some(program) = found else { continue };
            let closure = closure(&program);
            assert_eq!(closure.missing, [], "{name}");
            let ours: BTreeSet<PathBuf> = closure.libraries.into_iter().collect();
            assert_eq!(ours, ldd(&program), "{name}");
            compared += 1;
        }
        assert!(compared >= 10, "only {compared} programs to compare with ldd");
    }

    #[test]
    fn what_is_found_nowhere_is_said_and_by_whom() {
        let directory = tempfile::tempdir().unwrap();
        let shell = std::fs::read("/bin/sh").unwrap();
        // Same length, another name: a program whose libc does not exist.
        let place = shell.windows(10).position(|text| text == b"libc.so.6\0").unwrap();
        let mut changed = shell.clone();
        changed[place..place + 9].copy_from_slice(b"libQ.so.6");
        let program = directory.path().join("sh");
        std::fs::write(&program, changed).unwrap();
        assert_eq!(closure(&program).missing, [("libQ.so.6".into(), program.clone())]);
    }

    #[test]
    fn tokens_are_replaced() {
        let object = object("/opt/app/bin/app", Some("$ORIGIN/../lib"), None, None);
        let one = expand("${ORIGIN}/x".as_ref(), &object);
        assert_eq!(one, [PathBuf::from("/opt/app/bin/x")]);
        let several = expand("/opt/$LIB".as_ref(), &object);
        assert!(several.contains(&PathBuf::from("/opt/lib64")));
        assert!(expand("relative".as_ref(), &object).is_empty());
        assert_eq!(replace(b"$$LIB", "LIB", b"l"), b"$l");
    }

    fn object(path: &str, rpath: Option<&str>, runpath: Option<&str>, by: Option<usize>) -> Object {
        let elf = Elf { rpath: rpath.map(Into::into), runpath: runpath.map(Into::into), ..Elf::default() };
        Object::new(path.into(), Rc::new(elf), "".into(), by)
    }

    #[test]
    fn rpath_is_inherited_and_runpath_is_not() {
        let objects = [
            object("/bin/program", Some("/program"), None, None),
            object("/lib/one", None, None, Some(0)),
            object("/lib/two", Some("/ignored"), Some("/two"), Some(1)),
            object("/lib/three", Some("/three"), None, Some(2)),
        ];
        let paths = |asking| search_paths(asking, &objects);
        assert_eq!(paths(1), [PathBuf::from("/program")]);
        assert_eq!(paths(2), [PathBuf::from("/two")]);
        assert_eq!(paths(3), [PathBuf::from("/three"), PathBuf::from("/program")]);
    }
}
