//! The OCI distribution specification, endpoint by endpoint, in plain HTTP.

use std::io::{BufReader, Write};

use crate::common::http::{Answer, ask, connect, read_answer};
use crate::common::images::{self, Family, Image, Packing, digest};
use crate::server::Serving;
use crate::support::check;
use crate::{Outcome, noisy};

const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Asks, and expects a status and the code of an error.
fn expect(
    serving: &Serving,
    question: (&str, &str),
    headers: &[(&str, &str)],
    body: &[u8],
    answer: (u16, &str),
) -> Result<Answer, String> {
    let (method, target) = question;
    let got = ask(&serving.address, method, target, headers, body)?;
    let as_said = got.status == answer.0 && (method == "HEAD" || got.code() == answer.1);
    if as_said { Ok(got) } else { Err(format!("{method} {target}: wanted {answer:?}, got {got:?}: {}", got.text())) }
}

pub fn pings_and_unknown_things() -> Outcome {
    let serving = Serving::start("pings", &[])?;
    let ping = expect(&serving, ("GET", "/v2/"), &[], b"", (200, ""))?;
    check(ping.header("docker-distribution-api-version") == Some("registry/2.0"), format!("{ping:?}"))?;
    for (question, answer) in [
        (("HEAD", "/v2/"), (200, "")),
        (("GET", "/v2"), (200, "")),
        (("POST", "/v2/"), (405, "UNSUPPORTED")),
        (("GET", "/"), (404, "UNSUPPORTED")),
        (("GET", "/v1/x"), (404, "UNSUPPORTED")),
        (("GET", "/v2/x"), (404, "UNSUPPORTED")),
        (("GET", "/v2/x/manifests/1"), (404, "MANIFEST_UNKNOWN")),
        (("HEAD", "/v2/x/manifests/1"), (404, "")),
        (("GET", &format!("/v2/x/manifests/{EMPTY}")), (404, "MANIFEST_UNKNOWN")),
        (("GET", &format!("/v2/x/blobs/{EMPTY}")), (404, "BLOB_UNKNOWN")),
        (("HEAD", &format!("/v2/x/blobs/{EMPTY}")), (404, "")),
        (("DELETE", &format!("/v2/x/blobs/{EMPTY}")), (405, "UNSUPPORTED")),
        (("DELETE", "/v2/x/manifests/1"), (404, "MANIFEST_UNKNOWN")),
        (("GET", "/v2/x/tags/list"), (404, "NAME_UNKNOWN")),
        (("GET", "/v2/X/tags/list"), (400, "NAME_INVALID")),
        (("GET", "/v2/x/blobs/sha256:12"), (400, "DIGEST_INVALID")),
        (("GET", "/v2/x/manifests/sha512:12"), (400, "DIGEST_INVALID")),
        (("GET", "/v2/x/manifests/-"), (400, "MANIFEST_INVALID")),
        (("PATCH", "/v2/x/manifests/1"), (405, "UNSUPPORTED")),
        (("GET", "/v2/x/blobs/uploads/abc"), (404, "BLOB_UPLOAD_UNKNOWN")),
        (("PATCH", "/v2/x/blobs/uploads/abc"), (404, "BLOB_UPLOAD_UNKNOWN")),
        (("GET", &format!("/v2/x/referrers/{EMPTY}")), (200, "")),
        (("GET", "/v2/_catalog"), (200, "")),
    ] {
        expect(&serving, question, &[], b"", answer)?;
    }
    let referrers = ask(&serving.address, "GET", &format!("/v2/x/referrers/{EMPTY}"), &[], b"")?;
    let kind = referrers.header("content-type");
    check(kind == Some("application/vnd.oci.image.index.v1+json"), referrers.text())?;
    check(referrers.text().contains(r#""manifests":[]"#), referrers.text())
}

pub fn ranges() -> Outcome {
    let serving = Serving::start("ranges", &[])?;
    let image = Image::new(&[noisy(100_000)], Packing::Plain, Family::Oci);
    image.push(&serving.address, "noisy", "1")?;
    let (blob, bytes) = image.blobs.iter().max_by_key(|blob| blob.1.len()).ok_or("a layer")?;
    let target = format!("/v2/noisy/blobs/{blob}");
    let size = bytes.len();
    for (range, from, to) in
        [("bytes=0-9", 0, 10), ("bytes=50000-", 50_000, size), ("bytes=-7", size - 7, size), ("bytes=5-5", 5, 6)]
    {
        let answer = expect(&serving, ("GET", &target), &[("Range", range)], b"", (206, ""))?;
        check(answer.body == bytes[from..to], format!("{range}: {} bytes", answer.body.len()))?;
        let expected = format!("bytes {from}-{}/{size}", to - 1);
        check(answer.header("content-range") == Some(&expected), format!("{range}: {answer:?}"))?;
    }
    let beyond = ("Range", "bytes=1000000-");
    let answer = expect(&serving, ("GET", &target), &[beyond], b"", (416, "SIZE_INVALID"))?;
    check(answer.header("content-range") == Some(&format!("bytes */{size}")), format!("{answer:?}"))?;
    let whole = expect(&serving, ("GET", &target), &[("Range", "lines=1-")], b"", (200, ""))?;
    check(whole.body == *bytes && whole.header("docker-content-digest") == Some(blob), "a range it doesn't know")?;
    let head = expect(&serving, ("HEAD", &target), &[], b"", (200, ""))?;
    check(head.header("content-length") == Some(&size.to_string()) && head.body.is_empty(), format!("{head:?}"))
}

fn start(serving: &Serving, query: &str) -> Result<Answer, String> {
    ask(&serving.address, "POST", &format!("/v2/up/blobs/uploads/{query}"), &[], b"")
}

fn location(answer: &Answer) -> Result<String, String> {
    answer.header("location").map(str::to_owned).ok_or_else(|| format!("no location: {answer:?}"))
}

pub fn uploads() -> Outcome {
    let serving = Serving::start("uploads", &[])?;
    let bytes = images::noise(1, 200_000, false);
    let wanted = digest(&bytes);
    // All at once.
    let target = format!("/v2/up/blobs/uploads/?digest={}", wanted.replace(':', "%3A"));
    let answer = expect(&serving, ("POST", &target), &[], &bytes, (201, ""))?;
    check(answer.header("location") == Some(&format!("/v2/up/blobs/{wanted}")), format!("{answer:?}"))?;
    check(answer.header("docker-content-digest") == Some(&wanted), format!("{answer:?}"))?;
    check(ask(&serving.address, "GET", &format!("/v2/up/blobs/{wanted}"), &[], b"")?.body == bytes, "it is there")?;
    // Begun, then sent.
    let other = images::noise(2, 1_000, false);
    let begun = start(&serving, "")?;
    check(begun.status == 202 && begun.header("range") == Some("0-0"), format!("{begun:?}"))?;
    let put = format!("{}?digest={}", location(&begun)?, digest(&other));
    expect(&serving, ("PUT", &put), &[], &other, (201, ""))?;
    expect(&serving, ("PUT", &put), &[], &other, (404, "BLOB_UPLOAD_UNKNOWN"))?;
    // Nothing is a blob, too.
    expect(&serving, ("POST", &format!("/v2/up/blobs/uploads/?digest={EMPTY}")), &[], b"", (201, ""))?;
    // Wrong digests.
    expect(&serving, ("POST", &format!("/v2/up/blobs/uploads/?digest={EMPTY}")), &[], b"x", (400, "DIGEST_INVALID"))?;
    expect(&serving, ("POST", "/v2/up/blobs/uploads/?digest=md5:1"), &[], b"x", (400, "DIGEST_INVALID"))?;
    let put = location(&start(&serving, "")?)?;
    expect(&serving, ("PUT", &put), &[], b"x", (400, "DIGEST_INVALID"))?;
    expect(&serving, ("PUT", &format!("{put}?digest={EMPTY}")), &[], b"x", (400, "DIGEST_INVALID"))?;
    expect(&serving, ("GET", &put), &[], b"", (404, "BLOB_UPLOAD_UNKNOWN"))?;
    // From another repository.
    let mounted = start(&serving, &format!("?mount={wanted}&from=other"))?;
    check(mounted.status == 201 && location(&mounted)? == format!("/v2/up/blobs/{wanted}"), format!("{mounted:?}"))?;
    let unknown = start(&serving, &format!("?mount=sha256:{}&from=other", "0".repeat(64)))?;
    check(unknown.status == 202, format!("{unknown:?}"))?;
    // Given up.
    let given_up = location(&unknown)?;
    expect(&serving, ("DELETE", &given_up), &[], b"", (204, ""))?;
    expect(&serving, ("DELETE", &given_up), &[], b"", (404, "BLOB_UPLOAD_UNKNOWN"))?;
    serving.wait_for("an empty work directory", || serving.work_bytes() == 0)
}

pub fn uploads_in_pieces() -> Outcome {
    let serving = Serving::start("pieces", &[])?;
    let bytes = images::noise(3, 250_000, false);
    let place = location(&start(&serving, "")?)?;
    let piece = |from: usize, to: usize, answer| {
        let range = format!("{from}-{}", to - 1);
        expect(&serving, ("PATCH", &place), &[("Content-Range", &range)], &bytes[from..to], answer)
    };
    let answer = piece(0, 100_000, (202, ""))?;
    check(answer.header("range") == Some("0-99999"), format!("{answer:?}"))?;
    for (from, to) in [(100_001, 200_000), (0, 100_000)] {
        let answer = piece(from, to, (416, "BLOB_UPLOAD_INVALID"))?;
        check(answer.header("range") == Some("0-99999"), format!("out of order: {answer:?}"))?;
    }
    let wrong = ("Content-Range", "100000-100009");
    expect(&serving, ("PATCH", &place), &[wrong], b"short", (416, "BLOB_UPLOAD_INVALID"))?;
    let status = expect(&serving, ("GET", &place), &[], b"", (204, ""))?;
    check(status.header("range") == Some("0-99999"), format!("{status:?}"))?;
    // Under another repository it is not known.
    let elsewhere = place.replace("/up/", "/other/");
    expect(&serving, ("GET", &elsewhere), &[], b"", (404, "BLOB_UPLOAD_UNKNOWN"))?;
    // A stream in chunks, as docker sends it, without a Content-Range.
    let mut chunked = Vec::new();
    for chunk in bytes[100_000..200_000].chunks(7_777) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let mut stream = connect(&serving.address)?;
    write!(stream, "PATCH {place} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    stream.write_all(&chunked)?;
    let answer = read_answer(&mut BufReader::new(&stream), "PATCH")?;
    check(answer.status == 202 && answer.header("range") == Some("0-199999"), format!("{answer:?}"))?;
    // The last piece comes with the digest.
    let put = format!("{place}?digest={}", digest(&bytes));
    expect(&serving, ("PUT", &put), &[("Content-Range", "200000-249999")], &bytes[200_000..], (201, ""))?;
    let whole = ask(&serving.address, "GET", &format!("/v2/up/blobs/{}", digest(&bytes)), &[], b"")?;
    check(whole.body == bytes, "all pieces, in order")
}

pub fn manifests_are_looked_at() -> Outcome {
    let serving = Serving::start("manifests", &[])?;
    let image = images::tiny(Packing::Gzip, Family::Oci);
    let kind = ("Content-Type", image.top().media_type.as_str());
    let put = |target: &str, kind, body: &[u8], answer| expect(&serving, ("PUT", target), &[kind], body, answer);
    put("/v2/x/manifests/1", kind, image.document(), (400, "MANIFEST_BLOB_UNKNOWN"))?;
    image.push(&serving.address, "x", "1")?;
    let got = expect(&serving, ("GET", "/v2/x/manifests/1"), &[], b"", (200, ""))?;
    check(got.body == image.document() && got.header("content-type") == Some(kind.1), format!("{got:?}"))?;
    check(got.header("docker-content-digest") == Some(image.digest()), format!("{got:?}"))?;
    let head = expect(&serving, ("HEAD", "/v2/x/manifests/1"), &[], b"", (200, ""))?;
    check(head.header("content-length") == Some(&image.document().len().to_string()), format!("{head:?}"))?;
    let by_digest = format!("/v2/x/manifests/{}", image.digest());
    expect(&serving, ("GET", &by_digest), &[], b"", (200, ""))?;
    expect(&serving, ("GET", &by_digest.replace("/x/", "/y/")), &[], b"", (404, "MANIFEST_UNKNOWN"))?;
    put(&by_digest, kind, image.document(), (201, ""))?;
    put(&format!("/v2/x/manifests/{EMPTY}"), kind, image.document(), (400, "DIGEST_INVALID"))?;
    for (body, code) in [("", "MANIFEST_INVALID"), ("{}", "MANIFEST_INVALID"), ("[1", "MANIFEST_INVALID")] {
        put("/v2/x/manifests/2", kind, body.as_bytes(), (400, code))?;
    }
    put("/v2/x/manifests/2", ("Content-Type", "text/html"), b"<html>", (400, "MANIFEST_INVALID"))?;
    let index = ("Content-Type", "application/vnd.oci.image.index.v1+json");
    put("/v2/x/manifests/2", index, image.document(), (400, "MANIFEST_INVALID"))?;
    put("/v2/x/manifests/2", kind, &vec![b' '; (4 << 20) + 1], (413, "SIZE_INVALID"))?;
    // A size that isn't the blob's.
    let text = String::from_utf8_lossy(image.document()).replace("\"size\":", "\"size\":1");
    put("/v2/x/manifests/2", kind, text.as_bytes(), (400, "SIZE_INVALID"))?;
    // No image: a chart.
    let text = String::from_utf8_lossy(image.document()).replace("oci.image.config", "cncf.helm.config");
    put("/v2/x/manifests/2", kind, text.as_bytes(), (400, "MANIFEST_INVALID"))?;
    // An index needs its images.
    let other = images::layered(1, 100, Packing::Gzip, Family::Oci);
    let both = Image::index(&[("linux/amd64", &image), ("linux/arm64", &other)], Family::Oci);
    put("/v2/x/manifests/2", index, both.document(), (400, "MANIFEST_BLOB_UNKNOWN"))?;
    expect(&serving, ("GET", "/v2/x/manifests/2"), &[], b"", (404, "MANIFEST_UNKNOWN"))?;
    check(serving.boxlab(&["images"])?.lines().count() >= 2, "the store can be listed after all that")
}

pub fn tags_and_catalog_come_in_pages() -> Outcome {
    let serving = Serving::start("pages", &[])?;
    let image = images::tiny(Packing::Gzip, Family::Oci);
    for tag in ["a", "b", "c", "d"] {
        image.push(&serving.address, "many", tag)?;
    }
    image.push(&serving.address, "a/b/tags/list", "x")?;
    let get = |target: &str| expect(&serving, ("GET", target), &[], b"", (200, ""));
    let all = get("/v2/many/tags/list")?;
    check(all.text() == r#"{"name":"many","tags":["a","b","c","d"]}"#, all.text())?;
    check(get("/v2/a/b/tags/list/tags/list")?.text().contains(r#"["x"]"#), "a repository with an awkward name")?;
    let first = get("/v2/many/tags/list?n=3")?;
    check(first.text().contains(r#"["a","b","c"]"#), first.text())?;
    let link = first.header("link").unwrap_or_default();
    check(link == r#"</v2/many/tags/list?n=3&last=c>; rel="next""#, link)?;
    let last = get(link.trim_start_matches('<').split('>').next().unwrap_or_default())?;
    check(last.text().contains(r#"["d"]"#) && last.header("link").is_none(), format!("{last:?}"))?;
    check(get("/v2/many/tags/list?last=b")?.text().contains(r#"["c","d"]"#), "last alone")?;
    let none = get("/v2/many/tags/list?n=0")?;
    check(none.text().contains("[]") && none.header("link").is_none(), none.text())?;
    let wrong = "/v2/many/tags/list?n=many";
    expect(&serving, ("GET", wrong), &[], b"", (400, "PAGINATION_NUMBER_INVALID"))?;
    let catalog = get("/v2/_catalog?n=1")?;
    check(catalog.text() == r#"{"repositories":["a/b/tags/list"]}"#, catalog.text())?;
    check(
        catalog.header("link") == Some(r#"</v2/_catalog?n=1&last=a/b/tags/list>; rel="next""#),
        format!("{catalog:?}"),
    )?;
    check(get("/v2/_catalog?last=b")?.text() == r#"{"repositories":["many"]}"#, "the rest")
}

pub fn images_are_deleted_by_whoever_pushed_them() -> Outcome {
    let serving = Serving::start("deleted", &[])?;
    let image = images::tiny(Packing::Gzip, Family::Oci);
    for tag in ["1", "2", "3"] {
        image.push(&serving.address, "x", tag)?;
    }
    serving.boxlab(&["tag", &format!("{}/x:1", serving.address), "debian:1"])?;
    expect(&serving, ("DELETE", "/v2/x/manifests/1"), &[], b"", (202, ""))?;
    expect(&serving, ("GET", "/v2/x/manifests/1"), &[], b"", (404, "MANIFEST_UNKNOWN"))?;
    expect(&serving, ("GET", "/v2/x/manifests/2"), &[], b"", (200, ""))?;
    let by_digest = format!("/v2/x/manifests/{}", image.digest());
    expect(&serving, ("DELETE", &by_digest), &[], b"", (202, ""))?;
    expect(&serving, ("GET", "/v2/x/manifests/3"), &[], b"", (404, "MANIFEST_UNKNOWN"))?;
    expect(&serving, ("GET", &by_digest), &[], b"", (404, "MANIFEST_UNKNOWN"))?;
    expect(&serving, ("DELETE", "/v2/library/debian/manifests/1"), &[], b"", (403, "DENIED"))?;
    check(serving.boxlab(&["images"])?.contains("debian"), "the owner's image stays")?;
    // Another image takes its tag: by its digest it is there still, until it is deleted by that.
    let [old, new] = [1, 2].map(|layers| images::layered(layers, 100, Packing::Gzip, Family::Oci));
    old.push(&serving.address, "y", "1")?;
    new.push(&serving.address, "y", "1")?;
    let by_digest = format!("/v2/y/manifests/{}", old.digest());
    expect(&serving, ("GET", &by_digest), &[], b"", (200, ""))?;
    expect(&serving, ("DELETE", &by_digest), &[], b"", (202, ""))?;
    expect(&serving, ("GET", &by_digest), &[], b"", (404, "MANIFEST_UNKNOWN"))?;
    expect(&serving, ("GET", "/v2/y/manifests/1"), &[], b"", (200, "")).map(drop).map_err(Into::into)
}

pub fn bodies_and_connections() -> Outcome {
    let serving = Serving::start("connections", &[])?;
    let stream = connect(&serving.address)?;
    let mut reader = BufReader::new(&stream);
    let mut say = |text: &str, method: &str| -> Result<Answer, String> {
        (&stream).write_all(text.as_bytes()).map_err(|error| error.to_string())?;
        read_answer(&mut reader, method).map_err(|error| format!("{text}: {error}"))
    };
    // Many questions on one connection: HEAD has no body, POST may have none, DELETE may have one.
    check(say("HEAD /v2/ HTTP/1.1\r\nHost: x\r\n\r\n", "HEAD")?.status == 200, "HEAD")?;
    check(
        say("POST /v2/x/blobs/uploads/ HTTP/1.1\r\nHost: x\r\n\r\n", "POST")?.status == 202,
        "POST without a length",
    )?;
    let delete = "DELETE /v2/x/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    check(say(delete, "DELETE")?.status == 404, "DELETE with a body")?;
    check(say("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET")?.text() == "{}", "in step")?;
    // Two at once.
    let two = "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2);
    check(say(&two, "GET")?.status == 200 && say("", "GET")?.status == 200, "one after the other")?;
    // Whoever asks first is answered before the body is sent.
    let asks = |target: &str| {
        format!("POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    };
    let hello = digest(b"hello");
    let stream = connect(&serving.address)?;
    (&stream).write_all(asks(&format!("/v2/x/blobs/uploads/?digest={hello}")).as_bytes())?;
    let mut reader = BufReader::new(&stream);
    let go_on = crate::common::http::read_head(&mut reader)?.ok_or("a head")?.0;
    check(go_on.contains(" 100 "), go_on)?;
    (&stream).write_all(b"hello")?;
    check(read_answer(&mut reader, "POST")?.status == 201, "and then the body counts")?;
    let stream = connect(&serving.address)?;
    (&stream).write_all(asks("/v2/X/blobs/uploads/").as_bytes())?;
    let refused = read_answer(&mut BufReader::new(&stream), "POST")?;
    check(refused.status == 400 && refused.header("connection") == Some("close"), format!("{refused:?}"))?;
    // Old, wrong, and ambiguous.
    for (text, status) in [
        ("GET /v2/ HTTP/1.0\r\n\r\n", 200),
        ("nonsense\r\n\r\n", 400),
        ("GET /v2/%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("PUT /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        ("PUT /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
    ] {
        let stream = connect(&serving.address)?;
        (&stream).write_all(text.as_bytes())?;
        let answer = read_answer(&mut BufReader::new(&stream), "GET");
        check(answer.as_ref().is_ok_and(|answer| answer.status == status), format!("{text:?}: {answer:?}"))?;
    }
    // A head without end.
    let stream = connect(&serving.address)?;
    let _ = (&stream).write_all(format!("GET /v2/ HTTP/1.1\r\nX: {}", "x".repeat(100_000)).as_bytes());
    let answer = read_answer(&mut BufReader::new(&stream), "GET")?;
    check(matches!(answer.status, 400 | 431), format!("{answer:?}"))
}

pub fn paths_lead_nowhere_else() -> Outcome {
    let serving = Serving::start("paths", &[])?;
    std::fs::write(serving.root.join("secret"), "not for you")?;
    let long = format!("/v2/{}/tags/list", "a/".repeat(300));
    for target in [
        "/v2/../../secret",
        "/v2/x/blobs/../../../secret",
        "/v2/x/blobs/sha256:../../../../secret",
        "/v2/x/blobs/..%2f..%2f..%2fsecret",
        "/v2/../oci/manifests/1",
        "/v2/x/blobs/uploads/..%2f..%2fsecret",
        "/v2/x/manifests/..",
        "/v2/x%00/tags/list",
        "/v2/x:1/tags/list",
        "/v2/x@y/manifests/1",
        "/v2//manifests/1",
        "/v2/x/manifests/",
        &long,
    ] {
        let answer = ask(&serving.address, "GET", target, &[], b"")?;
        let refused = matches!(answer.status, 400 | 404 | 405) && !answer.text().contains("not for you");
        check(refused && !answer.code().is_empty(), format!("{target}: {answer:?} {}", answer.text()))?;
        let answer = ask(&serving.address, "PUT", target, &[], b"x")?;
        check(matches!(answer.status, 400 | 404 | 405), format!("PUT {target}: {answer:?}"))?;
    }
    Ok(())
}

pub fn what_is_pushed_by_whom() -> Outcome {
    let read_only = Serving::start("read-only", &["--read-only"])?;
    expect(&read_only, ("POST", "/v2/x/blobs/uploads/"), &[], b"", (403, "DENIED"))?;
    expect(&read_only, ("PUT", "/v2/x/manifests/1"), &[], b"{}", (403, "DENIED"))?;
    let serving = Serving::start("pages-of-the-web", &[])?;
    let page = ("Origin", "https://example.org");
    expect(&serving, ("POST", "/v2/x/blobs/uploads/"), &[page], b"", (403, "DENIED"))?;
    // From an address that others have, too.
    for (option, status) in [(None, 403), (Some("--allow-push"), 202)] {
        let options = [&["--lan", "--listen", "0.0.0.0:0"], option.as_slice()].concat();
        let lan = Serving::start(&format!("lan-{status}"), &options)?;
        let address = lan.first_line.rsplit('/').next().unwrap_or_default().to_owned();
        let answer = ask(&address, "POST", "/v2/x/blobs/uploads/", &[], b"")?;
        check(answer.status == status, format!("{address} {option:?}: {answer:?} {}", answer.text()))?;
        check(ask(&address, "GET", "/v2/", &[], b"")?.status == 200, "pulls are for all")?;
    }
    Ok(())
}
