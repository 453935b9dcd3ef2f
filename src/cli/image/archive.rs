//! `boxlab save`, `load`, `import`, `image export`, `image unpack`: images out of the store and into it.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{open, whole};
use crate::catalog::{about, after_help};
use crate::cli::context::Context;
use crate::cli::{Trace, output};
use crate::error::{Error, IoContext, Result};
use crate::image::Platform;
use crate::image::archive::{Format, Import as Wanted, Loaded};
use crate::kernel::{Mode, maps, random_hex};

/// Write images into a file
#[derive(Debug, Args)]
#[command(about = about("image save"), after_help = after_help("image save"))]
pub struct Save {
    /// Names, IDs, or the beginnings of IDs
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
    /// The file, or for oci-dir the directory [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How to write them
    #[arg(long, value_enum, default_value = "docker-archive")]
    format: SaveFormat,
    /// Also what came with them for other platforms
    #[arg(long)]
    all_platforms: bool,
}

/// `--format`: as `docker save`; an OCI layout in a file; one in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SaveFormat {
    DockerArchive,
    OciArchive,
    OciDir,
}

/// Get images out of a file
#[derive(Debug, Args)]
#[command(about = about("image load"), after_help = after_help("image load"))]
pub struct Load {
    /// An archive, the directory of an OCI layout, or - [default: standard input]
    #[arg(short, long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Of an image for several platforms, another one than this machine's: linux/arm64, ...
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<Platform>,
    /// Print nothing
    #[arg(short, long)]
    quiet: bool,
}

/// Make an image of a root filesystem
#[derive(Debug, Args)]
#[command(about = about("image import"), after_help = after_help("image import"))]
pub struct Import {
    /// A tar archive, plain or compressed, or - for standard input
    file: PathBuf,
    /// Its name
    name: Option<String>,
    /// A line of a Dockerfile: 'CMD ["sh"]', 'ENV A=1', 'WORKDIR /srv'
    #[arg(short, long, value_name = "LINE")]
    change: Vec<String>,
    /// A word about it, for the history
    #[arg(short, long)]
    message: Option<String>,
}

/// Write the root filesystem of an image as a tar archive
#[derive(Debug, Args)]
#[command(about = about("image export"), after_help = after_help("image export"))]
pub struct Export {
    /// A name, an ID, or the beginning of one
    image: String,
    /// The file [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Unpack the root filesystem of an image into a directory
#[derive(Debug, Args)]
#[command(about = about("image unpack"), after_help = after_help("image unpack"))]
pub struct Unpack {
    /// A name, an ID, or the beginning of one
    image: String,
    /// The directory: a new one, or one that is empty
    directory: PathBuf,
}

impl Save {
    /// Writes them.
    pub fn run(&self, context: &Context) -> Result<i32> {
        let store = open(context)?;
        let format = match self.format {
            SaveFormat::DockerArchive if self.all_platforms => {
                return Err(Error::usage("a docker-archive holds one platform of each image")
                    .hint("Use --format oci-archive or oci-dir."));
            }
            SaveFormat::DockerArchive => Format::DockerArchive,
            SaveFormat::OciArchive => Format::OciArchive,
            SaveFormat::OciDir => {
                let directory = self.output.as_deref().ok_or_else(|| {
                    Error::usage("the format oci-dir needs a directory to write to").hint("Name it with -o DIR.")
                })?;
                return store.save_directory(&self.images, self.all_platforms, directory).map(|()| 0);
            }
        };
        written(self.output.as_deref(), |output| store.save(&self.images, format, self.all_platforms, output).map(drop))
    }
}

impl Load {
    /// Loads all that it holds, and says what that was.
    pub fn run(&self, context: &Context) -> Result<i32> {
        let store = open(context)?;
        let platform = self.platform.clone().unwrap_or_else(Platform::this);
        let loaded = match &self.input {
            Some(path) if path.is_dir() => store.load_directory(path, &platform)?,
            Some(path) if path != Path::new("-") => store.load(opened(path)?, &platform)?,
            _ => store.load(standard_input("--input FILE")?, &platform)?,
        };
        if self.quiet {
            return Ok(0);
        }
        let line = |loaded: &Loaded| match loaded {
            Loaded::Name(name) => format!("Loaded image: {name}\n"),
            Loaded::Id(id) => format!("Loaded image ID: {id}\n"),
        };
        output::print(&loaded.iter().map(line).collect::<String>()).map(|()| 0)
    }
}

impl Import {
    /// Makes it, and prints its ID.
    pub fn run(&self, context: &Context) -> Result<i32> {
        let store = open(context)?;
        let from = self.file.display().to_string();
        let wanted =
            Wanted { name: self.name.as_deref(), changes: &self.change, message: self.message.as_deref(), from: &from };
        let id = match self.file == Path::new("-") {
            true => store.import(standard_input("a file's name")?, &wanted)?,
            false => store.import(opened(&self.file)?, &wanted)?,
        };
        output::print(&format!("{id}\n")).map(|()| 0)
    }
}

impl Export {
    /// Writes it.
    pub fn run(&self, context: &Context) -> Result<i32> {
        let store = open(context)?;
        let image = whole(context, &store, &self.image)?;
        written(self.output.as_deref(), |output| store.export(&image, output).map(drop))
    }
}

impl Unpack {
    /// Unpacks it, and says what could not be kept.
    pub fn run(&self, context: &Context) -> Result<i32> {
        let store = open(context)?;
        let image = whole(context, &store, &self.image)?;
        let k = context.kernel(Trace::Off, Mode::default())?;
        store.unpack_root(&k, &image, &self.directory)?;
        let alone = maps::needed().is_some_and(|maps| !maps.have_others());
        if alone && !context.quiet() {
            eprintln!("Everything belongs to you now: without ranges in /etc/subuid you can't give files away.");
        }
        Ok(0)
    }
}

fn opened(path: &Path) -> Result<File> {
    File::open(path).or_fail(|| format!("cannot read {}", path.display()))
}

fn standard_input(instead: &str) -> Result<io::Stdin> {
    match io::stdin().is_terminal() {
        false => Ok(io::stdin()),
        true => Err(Error::usage("standard input is a terminal, not an archive")
            .hint(format!("Give {instead}, or send the archive through a pipe."))),
    }
}

/// Writes a file whole or not at all; or to standard output.
fn written(path: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<i32> {
    let Some(path) = path.filter(|path| *path != Path::new("-")) else {
        if io::stdout().is_terminal() {
            return Err(Error::usage("an archive is not for a terminal").hint("Name a file with -o, or use a pipe."));
        }
        return write(&mut BufWriter::new(io::stdout())).map(|()| 0);
    };
    let doing = || format!("cannot write {}", path.display());
    // A device or a pipe is written to, not replaced.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        let file = File::options().write(true).open(path).or_fail(doing)?;
        return write(&mut BufWriter::new(file)).map(|()| 0);
    }
    let name = path.file_name().ok_or_else(|| Error::usage(format!("{}: that is no file's name", doing())))?;
    let beside = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), random_hex(4)?));
    let file = File::create_new(&beside).or_fail(doing)?;
    let whole = write(&mut BufWriter::with_capacity(1 << 18, &file))
        .and_then(|()| file.sync_all().and_then(|()| fs::rename(&beside, path)).or_fail(doing));
    if whole.is_err() {
        fs::remove_file(&beside).ok();
    }
    whole.map(|()| 0)
}
