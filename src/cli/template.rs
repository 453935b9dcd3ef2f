//! Go's templates, as Docker's `--format` takes them: `{{.ID}}`, `{{json .Config}}`,
//! `{{range .RootFS.Layers}}{{println .}}{{end}}`.
//!
//! In reading order: `lex` cuts the text into words, `parse` makes a tree of them,
//! `eval` walks it over a JSON value, `functions` are those that a template can call.
//! Left out are `define`, `template` and `block`, which a line has no use for.
//! See <https://pkg.go.dev/text/template>.

mod eval;
mod functions;
mod lex;
mod parse;

use serde_json::Value;

use crate::error::{Error, Result};
use parse::Node;

/// A template that can be filled in.
#[derive(Debug)]
pub struct Template {
    text: String,
    nodes: Vec<Node>,
}

impl Template {
    /// Reads it; an error says at which column it is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let tokens = lex::pieces(text).map_err(|wrong| wrong.error(text))?;
        let nodes = parse::parse(tokens).map_err(|wrong| wrong.error(text))?;
        Ok(Self { text: text.to_owned(), nodes })
    }

    /// Fills it in.
    pub fn render(&self, data: &Value) -> Result<String> {
        eval::render(&self.nodes, data).map_err(|wrong| wrong.error(&self.text))
    }
}

/// What is wrong with a template, and where.
#[derive(Debug)]
struct Wrong {
    /// In bytes from the start.
    at: usize,
    why: String,
    hint: Option<String>,
}

impl Wrong {
    fn new(at: usize, why: impl Into<String>) -> Self {
        Self { at, why: why.into(), hint: None }
    }

    fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    fn error(self, text: &str) -> Error {
        let before = text.get(..self.at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        let place = if line > 1 { format!("line {line}, column {column}") } else { format!("column {column}") };
        let error = Error::usage(format!("cannot use the template '{text}': {place}: {}", self.why));
        match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

type Parsed<T> = std::result::Result<T, Wrong>;

#[cfg(test)]
mod tests {
    use super::Template;
    use serde_json::{Value, json};

    fn data() -> Value {
        json!({
            "ID": "abc", "Size": 1500, "Big": true, "Empty": "", "Nothing": null, "Zero": 0,
            "Layers": ["sha256:a", "sha256:b"],
            "Config": {"Labels": {"maintainer": "me", "a.b": "dotted"}, "Env": ["A=1"], "Cmd": null},
            "Ports": [{"Port": 80}, {"Port": 443}],
        })
    }

    fn render(text: &str) -> String {
        Template::parse(text).and_then(|template| template.render(&data())).unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn what_a_docker_user_writes() {
        for (text, expected) in [
            ("plain", "plain"),
            ("{{.ID}}", "abc"),
            ("{{ .ID }}:{{.Size}}", "abc:1500"),
            ("{{json .Config.Labels}}", r#"{"a.b":"dotted","maintainer":"me"}"#),
            ("{{json .}}", &data().to_string()),
            ("{{json .Nothing}}", "null"),
            ("{{.Config.Labels}}", "map[a.b:dotted maintainer:me]"),
            ("{{.Layers}}", "[sha256:a sha256:b]"),
            ("{{range .Layers}}{{println .}}{{end}}", "sha256:a\nsha256:b\n"),
            ("{{range $i, $layer := .Layers}}{{$i}}={{$layer}};{{end}}", "0=sha256:a;1=sha256:b;"),
            ("{{range $k, $v := .Config.Labels}}{{$k}}={{$v}} {{end}}", "a.b=dotted maintainer=me "),
            ("{{range .Ports}}{{.Port}},{{end}}", "80,443,"),
            ("{{range .Config.Cmd}}x{{else}}none{{end}}", "none"),
            ("{{range 3}}{{.}}{{end}}", "012"),
            ("{{range .Layers}}{{.}}{{break}}{{end}}", "sha256:a"),
            ("{{range $i, $v := .Layers}}{{if eq $i 0}}{{continue}}{{end}}{{$v}}{{end}}", "sha256:b"),
            ("{{if .Big}}big{{else}}small{{end}}", "big"),
            ("{{if .Empty}}a{{else if .Zero}}b{{else}}c{{end}}", "c"),
            ("{{with .Config}}{{.Env}}{{end}}", "[A=1]"),
            ("{{with .Nothing}}x{{else}}no{{end}}", "no"),
            ("{{with $x := .Config.Env}}{{len $x}}{{end}}", "1"),
            (r#"{{index .Config.Labels "a.b"}}"#, "dotted"),
            (r#"{{index .Config.Labels "none"}}|"#, "|"),
            ("{{index .Layers 1}}", "sha256:b"),
            ("{{(index .Ports 0).Port}}", "80"),
            ("{{len .Layers}} {{.Layers | len}}", "2 2"),
            (r#"{{join .Layers ","}}"#, "sha256:a,sha256:b"),
            (r#"{{index (split "a:b" ":") 1}}"#, "b"),
            ("{{upper .ID}} {{lower \"ABC\"}} {{title .ID}}", "ABC abc Abc"),
            ("{{truncate .ID 2}}", "ab"),
            ("{{pad .ID 1 2}}|", " abc  |"),
            (
                r#"{{printf "%s-%d-%v-%5.1f|%-5s|%05d|%x|%q|%%" .ID .Size .Big 2.25 .ID 42 255 .ID}}"#,
                "abc-1500-true-  2.2|abc  |00042|ff|\"abc\"|%",
            ),
            ("{{print .ID 1 2 \"x\"}}", "abc1 2x"),
            (r#"{{eq .ID "x" "abc"}} {{ne .Size 1}} {{lt 1 2}} {{ge 1 2}}"#, "true true true false"),
            (r#"{{and .ID "y"}} {{or .Empty "z"}} {{not .Big}}"#, "y z false"),
            ("{{slice .ID 1}} {{slice .Layers 0 1}}", "bc [sha256:a]"),
            ("a \n {{- .ID -}} \n b", "aabcb"),
            ("a{{/* a comment */}}b{{- /* another */ -}} c", "abc"),
            ("{{`raw \\n`}}{{\"\\t|\\u00e4\"}}{{'a'}}", "raw \\n\t|ä97"),
            ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
            ("{{$.ID}}{{with .Config}}{{$.Size}}{{end}}", "abc1500"),
            ("{{\"}}\"}}{{1.5}}{{-3}}{{0x10}}{{true}}", "}}1.5-316true"),
            ("{{.Nothing}}", "<nil>"),
        ] {
            assert_eq!(render(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            ("{{.Id}}", "column 3: there is no field 'Id'"),
            ("ab{{.ID", "column 3: this {{ is never closed"),
            ("{{if .ID}}x", "column 3: this 'if' has no {{end}}"),
            ("x{{end}}", "column 4: nothing is open that could end here"),
            ("{{else}}", "column 3: there is no 'if'"),
            ("{{jsn .}}", "column 3: there is no function 'jsn'"),
            ("{{}}", "column 3: there is nothing between {{ and }}"),
            ("{{.ID.Name}}", "column 3: 'abc' has no fields"),
            ("{{.Config.Env.X}}", "a list has no fields"),
            ("{{$x}}", "column 3: the variable $x is not set"),
            ("{{\"x}}", "column 3: this text has no end"),
            ("{{index .Layers 7}}", "column 3: index: 7 is out of range: there are 2"),
            ("{{len .Size}}", "column 3: len: a number has no length"),
            ("{{(.ID}}", "column 3: this '(' is never closed"),
            ("{{.ID | }}", "something must follow the '|'"),
            ("{{.ID .Size}}", "column 3: only functions take arguments"),
            ("{{break}}", "column 3: 'break' stands in no 'range'"),
            ("{{range .Size}}{{end}}{{range .ID}}{{end}}", "can't go through text"),
            ("{{upper}}", "column 3: upper: it takes 1 argument, not 0"),
            ("{{printf \"%d\" .ID}}", "printf: %d wants a number, not 'abc'"),
            ("{{lt .ID 1}}", "lt: text and a number can't be compared"),
            ("{{.ID ? }}", "column 7: '?' is no part of a template"),
            ("\n {{.X}}", "line 2, column 4: there is no field"),
        ] {
            let found = render(text);
            assert!(found.contains(expected), "{text}: {found}");
        }
        let hint = Template::parse("{{.Sise}}").unwrap().render(&data()).unwrap_err();
        assert!(hint.failure().hint.as_ref().unwrap().contains("'Size'"));
        let hint = Template::parse("{{jsn .}}").unwrap_err();
        assert!(hint.failure().hint.as_ref().unwrap().contains("'json'"));
    }

    #[test]
    fn deep_and_endless_templates_are_refused() {
        let deep = format!("{{{{{}1{}}}}}", "(".repeat(10_000), ")".repeat(10_000));
        assert!(render(&deep).contains("nested too deeply"));
        let deep = "{{if 1}}".repeat(10_000) + &"{{end}}".repeat(10_000);
        assert!(render(&deep).contains("nested too deeply"));
        assert!(render("{{range 999999999}}{{range 999999999}}x{{end}}{{end}}").contains("too long"));
        assert!(render("{{printf \"%999999999d\" 1}}").contains("printf"));
    }

    proptest::proptest! {
        /// Whatever a user types: a result or an error, never a panic.
        #[test]
        fn no_text_brings_it_down(text in "[{}.$a-cIDL |()\"'`\\\\:=,0-9%-]{0,30}", inner in "[a-z .$|()\"0-9:=%]{0,20}") {
            render(&text);
            render(&format!("{{{{{inner}}}}}"));
            render(&format!("{{{{range .Layers}}}}{{{{{inner}}}}}{{{{end}}}}"));
            render(&format!("{{{{printf \"%{inner}\" .ID .Size}}}}"));
        }
    }
}
