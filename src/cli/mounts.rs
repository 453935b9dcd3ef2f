//! `-v`, `--mount` and `--tmpfs`, as Docker spells them.

use std::path::{Component, Path, PathBuf};

use super::size;
use crate::container::spec::{Mount, What};
use crate::error::{Error, IoContext, Result};

/// All mounts that the user asks for, the least deep first, so that none covers another.
pub fn parse(volumes: &[String], mounts: &[String], tmpfs: &[String]) -> Result<Vec<Mount>> {
    let volumes = volumes.iter().map(|text| volume(text));
    let mounts = mounts.iter().map(|text| mount(text));
    let tmpfs = tmpfs.iter().map(|text| memory(text));
    let mut all: Vec<Mount> = volumes.chain(mounts).chain(tmpfs).collect::<Result<_>>()?;
    all.sort_by_key(|mount| mount.target.components().count());
    for pair in all.windows(2) {
        if pair[0].target == pair[1].target {
            return Err(Error::usage(format!("two mounts at {}", pair[0].target.display())));
        }
    }
    Ok(all)
}

/// `SOURCE:TARGET[:OPTIONS]`; a missing source directory will be made, as Docker does.
fn volume(text: &str) -> Result<Mount> {
    let fields: Vec<&str> = text.split(':').collect();
    let (source, place, options) = match fields[..] {
        [source, place] => (source, place, ""),
        [source, place, options] => (source, place, options),
        _ => {
            return Err(Error::usage(format!("'{text}' is no volume")).hint("Write SOURCE:TARGET or SOURCE:TARGET:ro."));
        }
    };
    let mut read_only = false;
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => read_only = true,
            "rw" => read_only = false,
            other => {
                return Err(
                    Error::usage(format!("'{text}' has an option that is not known: '{other}'")).hint("Known: ro, rw.")
                );
            }
        }
    }
    if !source.contains('/') {
        return Err(Error::usage(format!("'{source}' would be a named volume, which boxlab does not have yet"))
            .hint("Name a directory by its path: ./data:/data"));
    }
    let path = Path::new(source);
    let source = if path.exists() {
        existing(path)?
    } else {
        std::path::absolute(path).or_fail(|| format!("cannot use {source}"))?
    };
    Ok(Mount { what: What::Bind(source), target: target(place)?, read_only })
}

/// `type=bind,src=...,dst=...[,readonly]` or `type=tmpfs,dst=...[,tmpfs-size=...][,tmpfs-mode=...]`.
fn mount(text: &str) -> Result<Mount> {
    let (mut kind, mut source, mut place, mut read_only) = ("volume", None, None, false);
    let mut options = Vec::new();
    for field in text.split(',') {
        let (key, value) = field.split_once('=').unwrap_or((field, "true"));
        match key {
            "type" => kind = value,
            "src" | "source" => source = Some(value),
            "dst" | "destination" | "target" => place = Some(value),
            "readonly" | "ro" => read_only = matches!(value, "true" | "1"),
            "tmpfs-size" => options.push(format!("size={}", size::parse(value).map_err(Error::usage)?)),
            "tmpfs-mode" => options.push(format!("mode={value}")),
            other => {
                return Err(Error::usage(format!("'{text}' has a key that is not known: '{other}'"))
                    .hint("Known: type, src, dst, readonly, tmpfs-size, tmpfs-mode."));
            }
        }
    }
    let place = place.ok_or_else(|| Error::usage(format!("'{text}' names no target")).hint("Add dst=/path/inside."))?;
    let what = match (kind, source) {
        ("bind", Some(source)) => What::Bind(existing(Path::new(source))?),
        ("bind", None) => {
            return Err(Error::usage(format!("'{text}' names no source")).hint("Add src=/path/on/the/host."));
        }
        ("tmpfs", _) => What::Tmpfs(with_default_mode(options)),
        (other, _) => {
            return Err(
                Error::usage(format!("'{text}' has a type that is not known: '{other}'")).hint("Known: bind, tmpfs.")
            );
        }
    };
    Ok(Mount { what, target: target(place)?, read_only })
}

/// `TARGET[:OPTIONS]`, options as in tmpfs(5).
fn memory(text: &str) -> Result<Mount> {
    let (place, options) = text.split_once(':').unwrap_or((text, ""));
    let mut read_only = false;
    let mut kept = Vec::new();
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => read_only = true,
            "rw" | "noexec" | "nosuid" | "nodev" => {}
            other if ["size=", "mode=", "uid=", "gid=", "nr_inodes="].iter().any(|known| other.starts_with(known)) => {
                kept.push(other.to_owned());
            }
            other => {
                return Err(Error::usage(format!("'{text}' has an option that is not known: '{other}'"))
                    .hint("Known: size=, mode=, uid=, gid=, nr_inodes=, ro, rw."));
            }
        }
    }
    Ok(Mount { what: What::Tmpfs(with_default_mode(kept)), target: target(place)?, read_only })
}

/// Docker's tmpfs is for everybody, like /tmp.
fn with_default_mode(mut options: Vec<String>) -> String {
    if !options.iter().any(|option| option.starts_with("mode=")) {
        options.push("mode=1777".to_owned());
    }
    options.join(",")
}

fn existing(path: &Path) -> Result<PathBuf> {
    path.canonicalize().or_fail(|| format!("cannot mount {}", path.display()))
}

/// An absolute path inside, other than the root itself.
fn target(text: &str) -> Result<PathBuf> {
    let path = PathBuf::from(text);
    let climbs = path.components().any(|component| component == Component::ParentDir);
    if !path.is_absolute() || climbs || path.components().count() < 2 {
        return Err(Error::usage(format!("'{text}' can't be a place inside the container"))
            .hint("An absolute path, without '..', below /."));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::{memory, mount, parse, target, volume};
    use crate::container::spec::What;

    #[test]
    fn volumes_are_understood() {
        let read_only = volume("/usr:/in:ro").expect("a volume");
        assert_eq!((read_only.what, read_only.read_only), (What::Bind("/usr".into()), true));
        assert!(volume("name:/in").is_err() && volume("/usr").is_err() && volume("/usr:/in:sloppy").is_err());
    }

    #[test]
    fn mounts_are_understood() {
        let bind = mount("type=bind,src=/usr,dst=/in,readonly").expect("a bind mount");
        assert!(bind.read_only && bind.what == What::Bind("/usr".into()));
        let tmpfs = mount("type=tmpfs,dst=/tmp,tmpfs-size=1m").expect("a tmpfs");
        assert_eq!(tmpfs.what, What::Tmpfs("size=1048576,mode=1777".into()));
        assert!(
            mount("type=bind,dst=/in").is_err() && mount("src=/usr,dst=/in").is_err() && mount("type=tmpfs").is_err()
        );
        assert_eq!(memory("/tmp:size=64m").expect("a tmpfs").what, What::Tmpfs("size=64m,mode=1777".into()));
    }

    #[test]
    fn a_target_lies_inside() {
        assert!(target("/in").is_ok());
        for text in ["in", "/", "/../etc", "/in/../../etc"] {
            assert!(target(text).is_err(), "{text}");
        }
    }

    #[test]
    fn outer_mounts_come_first() {
        let mounts = parse(&["/usr:/a/b/c".into()], &[], &["/a".into()]).expect("two mounts");
        assert_eq!(mounts[0].target.to_str(), Some("/a"));
        assert!(parse(&["/usr:/a".into()], &[], &["/a".into()]).is_err());
    }
}
