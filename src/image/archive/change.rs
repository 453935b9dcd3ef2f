//! A line of a Dockerfile changes how an image is run: `CMD ["sh"]`, `ENV A=1`, `USER 1000`.
//!
//! Only instructions that change the configuration can stand here, as with Docker's
//! `--change`: those that would run or copy something need a build.
//! See dockerfile(5).

use oci_spec::image::Config;
use std::collections::HashMap;

use crate::error::{Error, Result};

/// Instructions that can stand here.
const KNOWN: &str = "CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR";

/// Applies one line.
pub fn apply(config: &mut Config, line: &str) -> Result<()> {
    let wrong = |why: &str| Error::usage(format!("cannot change '{line}': {why}"));
    let (instruction, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let rest = rest.trim();
    if rest.is_empty() {
        return Err(wrong("nothing follows the instruction").hint(format!("It can be one of {KNOWN}.")));
    }
    match instruction.to_ascii_uppercase().as_str() {
        "CMD" => config.set_cmd(Some(command(rest).map_err(|why| wrong(&why))?)),
        "ENTRYPOINT" => config.set_entrypoint(Some(command(rest).map_err(|why| wrong(&why))?)),
        "ENV" => {
            let mut env = config.env().clone().unwrap_or_default();
            for (name, value) in pairs(rest).map_err(|why| wrong(&why))? {
                let prefix = format!("{name}=");
                env.retain(|known| !known.starts_with(&prefix));
                env.push(prefix + &value);
            }
            config.set_env(Some(env))
        }
        "LABEL" => {
            let mut labels: HashMap<String, String> = config.labels().clone().unwrap_or_default();
            labels.extend(pairs(rest).map_err(|why| wrong(&why))?);
            config.set_labels(Some(labels))
        }
        "EXPOSE" => {
            let mut ports = config.exposed_ports().clone().unwrap_or_default();
            for port in rest.split_whitespace() {
                ports.push(checked_port(port).ok_or_else(|| wrong("a port is a number, as 80 or 53/udp"))?);
            }
            config.set_exposed_ports(Some(ports))
        }
        "VOLUME" => {
            let mut volumes = config.volumes().clone().unwrap_or_default();
            volumes.extend(if rest.starts_with('[') { command(rest).map_err(|why| wrong(&why))? } else { words(rest) });
            config.set_volumes(Some(volumes))
        }
        "USER" => config.set_user(Some(rest.to_owned())),
        "WORKDIR" => config.set_working_dir(Some(rest.to_owned())),
        "STOPSIGNAL" => config.set_stop_signal(Some(rest.to_owned())),
        _ => return Err(wrong(&format!("{instruction} can't stand here")).hint(format!("It can be one of {KNOWN}."))),
    };
    Ok(())
}

/// A JSON list is the command as it is; anything else is given to a shell.
fn command(rest: &str) -> std::result::Result<Vec<String>, String> {
    if rest.starts_with('[') {
        return serde_json::from_str(rest).map_err(|error| format!("it is no list of words in JSON: {error}"));
    }
    Ok(vec!["/bin/sh".to_owned(), "-c".to_owned(), rest.to_owned()])
}

/// `A=1 B="two words"`, or Docker's old form `A the rest`.
fn pairs(rest: &str) -> std::result::Result<Vec<(String, String)>, String> {
    let words = words(rest);
    if words.first().is_some_and(|word| !word.contains('=')) {
        let (name, value) = rest.split_once(char::is_whitespace).ok_or("a value is missing")?;
        return Ok(vec![(name.to_owned(), value.trim().to_owned())]);
    }
    let pair = |word: &String| match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("'{word}' is not NAME=VALUE")),
    };
    words.iter().map(pair).collect()
}

/// Splits at white space that is neither quoted nor escaped.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(letters.next()),
            ('"' | '\'', None) => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (letter, Some(open)) if letter == open => quote = None,
            (letter, None) if letter.is_whitespace() => words.extend(word.take()),
            (letter, _) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// `80` is short for `80/tcp`.
fn checked_port(port: &str) -> Option<String> {
    let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
    let known = ["tcp", "udp", "sctp"].contains(&protocol) && number.parse::<u16>().is_ok();
    known.then(|| format!("{number}/{protocol}"))
}

#[cfg(test)]
mod tests {
    use super::apply;
    use oci_spec::image::Config;

    fn changed(lines: &[&str]) -> serde_json::Value {
        let mut config = Config::default();
        lines.iter().for_each(|line| apply(&mut config, line).unwrap());
        serde_json::to_value(config).unwrap()
    }

    #[test]
    fn instructions_change_the_configuration() {
        let config = changed(&[
            r#"CMD ["sh", "-c", "x y"]"#,
            "entrypoint echo hello",
            r#"ENV A=1 B="two words" C=x\ y"#,
            "ENV A=2",
            "ENV OLD the rest",
            "LABEL a.b='c d'",
            "EXPOSE 80 53/udp",
            "VOLUME /a /b",
            "USER 1000:1000",
            "WORKDIR /srv",
            "STOPSIGNAL SIGINT",
        ]);
        assert_eq!(config["Cmd"], serde_json::json!(["sh", "-c", "x y"]));
        assert_eq!(config["Entrypoint"], serde_json::json!(["/bin/sh", "-c", "echo hello"]));
        assert_eq!(config["Env"], serde_json::json!(["B=two words", "C=x y", "A=2", "OLD=the rest"]));
        assert_eq!(config["Labels"], serde_json::json!({"a.b": "c d"}));
        assert_eq!(config["ExposedPorts"], serde_json::json!({"80/tcp": {}, "53/udp": {}}));
        assert_eq!(config["Volumes"], serde_json::json!({"/a": {}, "/b": {}}));
        assert_eq!((config["User"].as_str(), config["WorkingDir"].as_str()), (Some("1000:1000"), Some("/srv")));
    }

    #[test]
    fn what_needs_a_build_is_refused() {
        for line in ["RUN x", "CMD", "", "COPY a b", "CMD [1]", "EXPOSE x", "EXPOSE 80/http", "ENV A", "ENV =x"] {
            assert!(apply(&mut Config::default(), line).is_err(), "{line}");
        }
    }
}
