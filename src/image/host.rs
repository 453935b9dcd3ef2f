//! The host image, in four steps.
//!
//! 1. Find the programs, and all that they need (`recipe.rs`).
//! 2. Pack these files into a layer (`layer.rs`).
//! 3. Describe it: a configuration says how to run it, a manifest lists both (`describe.rs`).
//! 4. Give it the name `host`.
//!
//! The same programs give the same digest, on any day and in any store. A
//! record of all files looked at tells later whether to do it again. It does *not*
//! remove the image that it replaces: a container may still use that.
//! See the OCI image specification, config.md and manifest.md.

use std::env;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use oci_spec::image::{Descriptor, MediaType};
use serde::{Deserialize, Serialize};

pub use super::base::DEFAULT_PROGRAMS;
use super::durable::write_whole;
use super::layer::{self, Node, Tree};
use super::recipe::{Contents, gather};
pub use super::recipe::{Notes, Unresolved};
use super::scratch::Scratch;
use super::sources::Sources;
use super::store::{Progress, Store};
use super::unpack::{Ids, Options};
use super::{Image, base, describe, digest};
use crate::error::{Error, IoContext, Result};
use crate::kernel::{euid, remove_tree};

/// The name that is reserved for the host image.
pub const NAME: &str = "host";
/// Raise it whenever the same programs would give another image.
const FORMAT: u32 = 1;
/// The layer is written in pieces of this size.
const PIECE: usize = 256 * 1024;

/// Which programs are wanted besides [`DEFAULT_PROGRAMS`].
#[derive(Debug, Clone, Copy)]
pub enum Programs<'a> {
    /// Those named when the image was last made; none at first.
    Remembered,
    /// These: names, or paths.
    Named(&'a [String]),
}

/// The host image, and how it came about.
#[derive(Debug)]
pub struct HostImage {
    /// The image; its layer is unpacked.
    pub image: Image,
    /// Whether it was made just now.
    pub made: Made,
    /// What is not in it.
    pub notes: Notes,
}

/// Whether there was something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// No program has changed.
    Reused,
    /// It was made just now.
    Built {
        /// Entries of the layer: files, directories and symlinks.
        files: usize,
        /// The size of the layer.
        bytes: u64,
        /// How long it took.
        took: Duration,
    },
}

/// What the image was made of: ROOT/host.json.
#[derive(Serialize, Deserialize)]
struct Record {
    format: u32,
    /// The digest of the manifest.
    manifest: String,
    programs: Vec<String>,
    search: Vec<PathBuf>,
    notes: Notes,
    sources: Sources,
}

/// The host image, made if it is missing or if a program has changed.
pub fn ensure(store: &Store, programs: Programs<'_>, report: &mut dyn FnMut(Progress)) -> Result<HostImage> {
    ensure_from(store, programs, search_path(), report)
}

/// The same, with programs from the directories of `search`.
fn ensure_from(
    store: &Store,
    programs: Programs<'_>,
    search: Vec<PathBuf>,
    report: &mut dyn FnMut(Progress),
) -> Result<HostImage> {
    if let Some(host) = reuse(store, programs, &search) {
        return Ok(host);
    }
    let _store = store.share()?;
    let _claim = store.claim(&digest::of(NAME.as_bytes()), &mut || ())?;
    // While this one waited for the claim, another may have made it.
    match reuse(store, programs, &search) {
        Some(host) => Ok(host),
        None => make(store, programs, search, report).map_err(|error| store.explain(error)),
    }
}

/// $PATH, then the standard directories. Relative ones would depend on where one stands.
fn search_path() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut search = Vec::new();
    for directory in env::split_paths(&path).chain(base::STANDARD_PATH.map(PathBuf::from)) {
        if directory.is_absolute() && !search.contains(&directory) {
            search.push(directory);
        }
    }
    search
}

fn record_path(store: &Store) -> PathBuf {
    store.root().join("host.json")
}

/// `None` also for a record that can't be read: making the image anew mends it.
fn read_record(store: &Store) -> Option<Record> {
    let bytes = fs::read(record_path(store)).ok()?;
    serde_json::from_slice(&bytes).ok().filter(|record: &Record| record.format == FORMAT)
}

/// The image that is there, if it is what would be made now.
fn reuse(store: &Store, programs: Programs<'_>, search: &[PathBuf]) -> Option<HostImage> {
    let record = read_record(store)?;
    let same_programs = match programs {
        Programs::Remembered => true,
        Programs::Named(names) => names.iter().map(absolute).eq(record.programs.iter().cloned()),
    };
    if !same_programs || record.search != search || !record.sources.unchanged() {
        return None;
    }
    let image = store.find(NAME).ok()??;
    let is_whole = image.manifest_digest == record.manifest && image.is_unpacked();
    is_whole.then_some(HostImage { image, made: Made::Reused, notes: record.notes })
}

/// A program given as a path must mean the same from another directory.
fn absolute(program: &String) -> String {
    let path = program.contains('/').then(|| std::path::absolute(program).ok()).flatten();
    path.and_then(|path| path.into_os_string().into_string().ok()).unwrap_or(program.clone())
}

/// The four steps.
fn make(
    store: &Store,
    programs: Programs<'_>,
    search: Vec<PathBuf>,
    report: &mut dyn FnMut(Progress),
) -> Result<HostImage> {
    let start = Instant::now();
    let named = match programs {
        Programs::Named(names) => names.iter().map(absolute).collect(),
        Programs::Remembered => read_record(store).map(|record| record.programs).unwrap_or_default(),
    };
    let scratch = store.scratch()?;
    let strict = matches!(programs, Programs::Named(_));
    let contents = gather(&named, strict, search.clone(), report)?;
    let (blob, layer) = pack(&contents.tree, &scratch, report)?;
    let manifest = save(store, &scratch, &contents, &blob, layer, report)?;
    let record = Record {
        format: FORMAT,
        manifest: manifest.digest().to_string(),
        programs: named,
        search,
        notes: contents.notes,
        sources: contents.sources,
    };
    store.tag(&scratch, manifest, NAME, None)?;
    write_record(store, &scratch, &record)?;
    // What a killed boxlab left behind. If that fails, `boxlab cleanup` will tell.
    let remove = |path: &Path| remove_tree(path).or_fail(|| format!("cannot remove {}", path.display()));
    store.remove_leftovers(&remove).ok();
    finish(store, record.notes, contents.tree.len(), start)
}

fn finish(store: &Store, notes: Notes, files: usize, start: Instant) -> Result<HostImage> {
    let image = store.find(NAME)?.ok_or_else(|| Error::new("cannot find the host image, which was just made"))?;
    let made = Made::Built { files, bytes: image.size(), took: start.elapsed() };
    Ok(HostImage { image, made, notes })
}

/// Step 2: the layer, in the work directory.
fn pack(tree: &Tree, scratch: &Scratch, report: &mut dyn FnMut(Progress)) -> Result<(PathBuf, Descriptor)> {
    let blob = scratch.path().join("layer.tar");
    let doing = || format!("cannot write {}", blob.display());
    let total = tree.values().map(Node::size).sum();
    let file = BufWriter::with_capacity(PIECE, File::create(&blob).or_fail(doing)?);
    let mut progress = |bytes| report(Progress::Packed { bytes, total });
    let (mut file, digest, size) = layer::pack(tree, file, &mut progress)?;
    file.flush().or_fail(doing)?;
    Ok((blob, Descriptor::new(MediaType::ImageLayer, size, digest)))
}

/// Step 3: the layer goes to its place, packed and unpacked; then the documents that
/// name it: nothing in the store ever names what is not there.
fn save(
    store: &Store,
    scratch: &Scratch,
    contents: &Contents,
    blob: &Path,
    layer: Descriptor,
    report: &mut dyn FnMut(Progress),
) -> Result<Descriptor> {
    let digest = layer.digest().clone();
    // The chain ID of one layer is its diff ID.
    if !store.layer(&digest).is_dir() {
        let file = File::open(blob).or_fail(|| format!("cannot read {}", blob.display()))?;
        let (unpacked, _) = store.unpack_into(file, layer.size(), &digest, scratch, &options(), report)?;
        scratch.sync(report)?;
        store.adopt_layer(&unpacked, &store.lasting(&digest))?;
    } else {
        scratch.sync(report)?;
    }
    store.layout.create(scratch.path())?;
    store.layout.adopt(blob, &digest)?;
    let config = describe::configuration(contents, &digest)?;
    let config = store.layout.write(scratch.path(), MediaType::ImageConfig, &config)?;
    let manifest = describe::manifest(config, vec![layer])?;
    store.layout.write(scratch.path(), MediaType::ImageManifest, &manifest)
}

/// All files of the host image are root's, whoever that is.
fn options() -> Options {
    Options { ids: if euid() == 0 { Ids::All } else { Ids::One }, ..Options::default() }
}

/// The record comes last: without it the image is made anew.
fn write_record(store: &Store, scratch: &Scratch, record: &Record) -> Result<()> {
    // A path that is not UTF-8 can't be recorded; then the image is made anew each time.
    let bytes = serde_json::to_vec(record).unwrap_or_default();
    write_whole(scratch.path(), &record_path(store), &bytes)
}

#[cfg(test)]
mod tests {
    use super::{HostImage, Made, NAME, Programs, Store, ensure_from, search_path};
    use crate::error::Result;
    use crate::image::loader::Loader;
    use crate::image::sources::Sources;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};

    /// A store and a directory with one program.
    struct Place {
        directory: tempfile::TempDir,
        store: Store,
    }

    impl Place {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let store = Store::open(&directory.path().join("store")).unwrap();
            let place = Self { directory, store };
            place.program("mine", "#!/bin/sh\n");
            place
        }

        fn program(&self, name: &str, text: &str) -> String {
            let path = self.directory.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path.to_str().unwrap().to_owned()
        }

        /// Of the default programs only sh and env are found here: a small, quick image.
        fn ensure(&self, programs: Programs<'_>) -> Result<HostImage> {
            let search = vec![self.directory.path().to_owned()];
            ensure_from(&self.store, programs, search, &mut |_| {})
        }

        fn named(&self, names: &[&str]) -> Result<HostImage> {
            let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
            self.ensure(Programs::Named(&names))
        }
    }

    fn is_reused(host: &HostImage) -> bool {
        host.made == Made::Reused
    }

    #[test]
    fn it_is_made_once_and_again_after_a_change() {
        let place = Place::new();
        assert!(!is_reused(&place.named(&["mine"]).unwrap()));
        let first = place.named(&["mine"]).unwrap();
        assert!(is_reused(&first));
        assert!(is_reused(&place.ensure(Programs::Remembered).unwrap()));

        let mine = place.program("mine", "#!/bin/sh\necho changed\n");
        let second = place.ensure(Programs::Remembered).unwrap();
        assert!(!is_reused(&second));
        assert_ne!(first.image.id, second.image.id);
        let inside = second.image.layers()[0].join(mine.trim_start_matches('/'));
        assert!(fs::read_to_string(inside).unwrap().contains("changed"));
        // What used the old one may go on.
        assert!(first.image.is_unpacked() && second.image.is_unpacked());
    }

    #[test]
    fn a_program_of_the_list_that_comes_later_counts() {
        let place = Place::new();
        let first = place.named(&[]).unwrap();
        assert!(first.notes.missing.contains(&"strace".to_owned()));
        place.program("unrelated", "");
        assert!(is_reused(&place.named(&[]).unwrap()));
        place.program("strace", "#!/bin/sh\n");
        let second = place.named(&[]).unwrap();
        assert!(!is_reused(&second) && !second.notes.missing.contains(&"strace".to_owned()));
        let search = place.directory.path().to_str().unwrap();
        let config = second.image.config.config().clone().unwrap();
        assert!(config.env().clone().unwrap()[0].contains(search));
    }

    #[test]
    fn a_program_given_by_its_path_is_found_by_its_name() {
        let place = Place::new();
        let directory = place.directory.path().join("elsewhere");
        fs::create_dir(&directory).unwrap();
        let greet = place.program("elsewhere/greet", "#!/bin/sh\n");
        let host = place.named(&[&greet]).unwrap();
        let config = host.image.config.config().clone().unwrap();
        let path = config.env().clone().unwrap()[0].clone();
        assert!(path.ends_with(&directory.display().to_string()), "{path}");
    }

    #[test]
    fn the_same_programs_give_the_same_digest_in_any_store() {
        let place = Place::new();
        let first = place.named(&["mine"]).unwrap();
        let other = Store::open(&place.directory.path().join("other")).unwrap();
        let search = vec![place.directory.path().to_owned()];
        let names = ["mine".to_owned()];
        let second = ensure_from(&other, Programs::Named(&names), search, &mut |_| {}).unwrap();
        assert!(!is_reused(&second));
        assert_eq!(first.image.manifest_digest, second.image.manifest_digest);
    }

    #[test]
    fn what_was_asked_for_must_be_there() {
        let place = Place::new();
        let error = place.named(&["nosuch"]).unwrap_err();
        assert!(error.to_string().contains("there is no such program"), "{error}");
        assert!(error.failure().hint.as_ref().unwrap().contains("Install it"));
        place.program("broken", "#!/no/such/shell\n");
        let error = place.named(&["broken"]).unwrap_err();
        assert!(error.to_string().contains("needs /no/such/shell"), "{error}");
        // One that goes away later is only missed.
        place.named(&["mine"]).unwrap();
        fs::remove_file(place.directory.path().join("mine")).unwrap();
        let host = place.ensure(Programs::Remembered).unwrap();
        assert!(host.notes.missing.contains(&"mine".to_owned()));
    }

    #[test]
    fn damage_is_mended_and_nothing_is_left_behind() {
        let place = Place::new();
        let first = place.named(&[]).unwrap();
        let manifest = first.image.manifest_digest.strip_prefix("sha256:").unwrap();
        let blob = place.store.root().join("oci/blobs/sha256").join(manifest);
        fs::write(&blob, "damaged").unwrap();
        assert!(place.store.find(NAME).is_err());
        assert!(!is_reused(&place.named(&[]).unwrap()));
        assert!(is_reused(&place.named(&[]).unwrap()));
        fs::remove_dir_all(&first.image.layers()[0]).unwrap();
        place.store.unpack(&first.image, &super::options(), &mut |_| {}).unwrap();
        assert!(is_reused(&place.named(&[]).unwrap()));
        let work = fs::read_dir(place.store.root().join("tmp")).unwrap();
        assert_eq!(work.count(), 0);
    }

    #[test]
    fn many_at_once_make_it_once() {
        let place = Place::new();
        let made: Vec<bool> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| place.named(&[]))).collect();
            let results = threads.into_iter().map(|thread| thread.join().unwrap());
            results.map(|host| !is_reused(&host.unwrap())).collect()
        });
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
    }

    /// The real image: whatever a program in it needs is in it, too.
    #[test]
    fn every_library_of_every_program_is_in_the_image() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(place.path()).unwrap();
        let host = ensure_from(&store, Programs::Named(&[]), search_path(), &mut |_| {}).unwrap();
        assert_eq!(host.notes.unresolved, []);
        let root = &host.image.layers()[0];
        let mut sources = Sources::default();
        let mut loader = Loader::new(&mut sources);
        let mut programs = 0;
        for program in files(root) {
            let on_host = Path::new("/").join(program.strip_prefix(root).unwrap());
            for library in loader.closure(&on_host, &mut sources).libraries {
                assert!(exists_inside(root, &library), "{on_host:?} needs {library:?}");
                programs += 1;
            }
        }
        assert!(programs > 100);
    }

    fn files(directory: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
        let below = entries.map(|entry| match entry.file_type().unwrap() {
            kind if kind.is_dir() => files(&entry.path()),
            kind if kind.is_file() => vec![entry.path()],
            _ => Vec::new(),
        });
        below.flatten().collect()
    }

    /// Whether a path leads to a file for a process whose root is `root`.
    fn exists_inside(root: &Path, path: &Path) -> bool {
        use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
        let how = OpenHow::new().flags(OFlag::O_PATH).resolve(ResolveFlag::RESOLVE_IN_ROOT);
        openat2(fs::File::open(root).unwrap(), path, how).is_ok()
    }
}
