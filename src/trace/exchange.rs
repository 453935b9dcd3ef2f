//! How a question to a server and its answer look in the narration: as a call does, the
//! result behind the arrow, and the headers that matter beneath.

use super::Exchange;

/// What continues a line stands further in.
const INDENT: &str = "    ";

/// Its lines; `becomes` is the arrow and `took` the time as it is written.
pub fn lines(exchange: &Exchange, becomes: &str, took: &str, width: usize) -> Vec<String> {
    let question = format!("{} {}", exchange.method, exchange.url);
    let mut answer = vec![outcome(exchange)];
    answer.extend(exchange.response.get("content-type").cloned());
    answer.extend((exchange.received > 0).then(|| size(exchange.received)));
    answer.push(took.to_owned());
    let answer = format!("{becomes} {}", answer.join("  "));
    let asked = exchange.request.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let sent = (exchange.sent > 0).then(|| size(exchange.sent));
    let asked = asked.chain(sent.as_deref().map(|sent| ("body", sent)));
    let told = exchange.response.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut lines = vec![question];
    lines.extend(asked.flat_map(|header| wrapped(header, width)));
    lines.push(format!("  {answer}"));
    lines.extend(told.filter(|(name, _)| *name != "content-type").flat_map(|header| wrapped(header, width)));
    lines
}

/// `200 OK`, or why there was no answer.
fn outcome(exchange: &Exchange) -> String {
    let status = exchange.status.map(|status| format!("{status} {}", reason(status)).trim_end().to_owned());
    match (status, &exchange.failure) {
        (Some(status), Some(failure)) => format!("{status}, then {failure}"),
        (Some(status), None) => status,
        (None, failure) => failure.clone().unwrap_or_else(|| "no answer".to_owned()),
    }
}

fn wrapped((name, value): (&str, &str), width: usize) -> Vec<String> {
    let text = format!("{name}: {value}");
    let options = textwrap::Options::new(width).initial_indent(INDENT).subsequent_indent("        ");
    textwrap::wrap(&text, options.break_words(false)).into_iter().map(Into::into).collect()
}

/// `1.4 KB`, as registries and `image ls` count: in thousands.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{}.{} KB", bytes / 1_000, bytes / 100 % 10),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        _ => format!("{}.{:02} GB", bytes / 1_000_000_000, bytes / 10_000_000 % 100),
    }
}

/// The reason phrases of RFC 9110, section 15, for what registries answer.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::{Exchange, lines, size};

    #[test]
    fn a_question_and_its_answer() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let exchange = Exchange {
            method: "GET".into(),
            url: "http://localhost:5000/v2/x/manifests/latest".into(),
            status: Some(200),
            request: [pair(
                "accept",
                "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json",
            )]
            .into(),
            response: [pair("content-type", "application/json"), pair("etag", "x")].into(),
            received: 1_434,
            ..Exchange::default()
        };
        let expected = [
            "GET http://localhost:5000/v2/x/manifests/latest",
            "    accept: application/vnd.oci.image.index.v1+json,",
            "        application/vnd.oci.image.manifest.v1+json",
            "  → 200 OK  application/json  1.4 KB  12 ms",
            "    etag: x",
        ];
        assert_eq!(lines(&exchange, "→", "12 ms", 69), expected);
        let broken = Exchange { failure: Some("it broke off".into()), ..exchange.clone() };
        assert!(lines(&broken, "->", "", 69)[3].starts_with("  -> 200 OK, then it broke off"));
        let refused = Exchange { status: None, ..broken };
        assert!(lines(&refused, "->", "", 69)[3].starts_with("  -> it broke off"));
    }

    #[test]
    fn sizes_are_short() {
        let sizes = [999, 1_000, 123_456, 62_000_000, 1_234_000_000].map(size);
        assert_eq!(sizes, ["999 B", "1.0 KB", "123.4 KB", "62.0 MB", "1.23 GB"]);
    }
}
