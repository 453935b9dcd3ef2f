//! mdBook's protocol: it writes `[context, book]` as JSON, and reads the book back.
//!
//! See "Preprocessors" in mdBook's manual. Only chapters are touched, whatever else is in there, so
//! that it goes with more than one version of mdBook.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Book;
use crate::error::{Error, IoContext, Result};
use crate::learn::Pack;

/// What `[preprocessor.boxlab]` of book.toml may say.
const SETTINGS: [&str; 2] = ["lessons", "recordings"];

/// The book with all that its chapters ask for.
pub fn process(input: &str, lessons: Option<&Path>) -> Result<String> {
    let hint = "mdBook calls it: `[preprocessor.boxlab]` with `command = \"boxlab mdbook\"` in book.toml.";
    let wrong = |what: &str| Error::new(format!("cannot understand what mdBook says: {what}")).hint(hint);
    let mut input: Value = serde_json::from_str(input).map_err(|error| wrong(&error.to_string()))?;
    let (context, book) = match input.as_array_mut().map(Vec::as_mut_slice) {
        Some([context, book]) => (context.take(), book.take()),
        _ => return Err(wrong("it is no pair of context and book")),
    };
    let root = PathBuf::from(context["root"].as_str().ok_or_else(|| wrong("it names no root"))?);
    let setting = |name: &str| context["config"]["preprocessor"]["boxlab"][name].as_str().map(|path| root.join(path));
    let [pack, recordings] = SETTINGS.map(setting);
    let made = Book {
        pack: Pack::open(lessons.or(pack.as_deref()))?,
        recordings,
        html: context["renderer"].as_str().is_none_or(|renderer| renderer == "html"),
    };
    let source = root.join(context["config"]["book"]["src"].as_str().unwrap_or("src"));
    let mut book = book;
    chapters(&mut book, &mut |chapter| one(&made, chapter, &source))?;
    serde_json::to_string(&book).map_err(|error| wrong(&error.to_string()))
}

/// Every chapter, wherever it stands.
fn chapters(value: &mut Value, each: &mut dyn FnMut(&mut Value) -> Result<()>) -> Result<()> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| chapters(item, each)),
        Value::Object(fields) => {
            if let Some(chapter) = fields.get_mut("Chapter") {
                each(chapter)?;
            }
            fields.iter_mut().try_for_each(|(_, field)| chapters(field, each))
        }
        _ => Ok(()),
    }
}

fn one(book: &Book, chapter: &mut Value, source: &Path) -> Result<()> {
    let Some(content) = chapter["content"].as_str() else { return Ok(()) };
    let path = chapter["source_path"].as_str().or_else(|| chapter["path"].as_str()).unwrap_or_default();
    let folder = source.join(path).parent().map(Path::to_owned).unwrap_or_default();
    let read = |file: &str| {
        let file = folder.join(file);
        std::fs::read_to_string(&file).or_fail(|| format!("cannot read {}", file.display()))
    };
    let text =
        book.expand(content, &read).map_err(|error| Error::new(format!("in the chapter {path}")).because(&error))?;
    chapter["content"] = Value::String(text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::process;

    #[test]
    fn chapters_are_changed_and_nothing_else() {
        let book = |text: &str| {
            format!(
                r#"{{"items":[{{"Chapter":{{"name":"A","content":{text:?},"number":[1],"sub_items":[{{"Chapter":{{"name":"B",
                "content":{text:?},"sub_items":[],"path":"b/b.md"}}}}],"path":"a.md"}}}},"Separator",{{"PartTitle":"x"}}]}}"#
            )
        };
        let context =
            r#"{"root":"/nowhere","config":{"book":{"src":"src"}},"renderer":"html","mdbook_version":"0.5.4"}"#;
        let input = format!("[{context},{}]", book("{{#lesson uts limits}}"));
        let made: serde_json::Value = serde_json::from_str(&process(&input, None).expect("a book")).expect("JSON");
        let content = made["items"][0]["Chapter"]["content"].as_str().expect("text");
        assert!(!content.contains("{{#lesson") && content.len() > 50, "{content}");
        assert_eq!(made["items"][0]["Chapter"]["sub_items"][0]["Chapter"]["content"], content);
        let same: serde_json::Value = serde_json::from_str(&book(content)).expect("JSON");
        assert_eq!(made, same);
    }

    #[test]
    fn a_mistake_names_its_chapter() {
        let input = r#"[{"root":"/nowhere","config":{},"renderer":"html"},{"items":[{"Chapter":{"content":"{{#boxlab x.jsonl}}","path":"a.md"}}]}]"#;
        let error = process(input, None).expect_err("no such file").to_string();
        assert!(error.contains("a.md") && error.contains("x.jsonl"), "{error}");
        for garbage in ["", "[]", "{}", "[1,2]", "null"] {
            assert!(process(garbage, None).is_err(), "{garbage}");
        }
    }
}
