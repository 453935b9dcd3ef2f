//! The little HTML that the book makes itself.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

/// Text in HTML, also within quotation marks.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            letter => out.push(letter),
        }
    }
    out
}

/// A line of Markdown as HTML, without the paragraph around it.
pub fn inline(markdown: &str) -> String {
    let paragraph = |event: &Event<'_>| matches!(event, Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph));
    let mut out = String::new();
    html::push_html(&mut out, Parser::new(markdown).filter(|event| !paragraph(event)));
    out
}

/// Whole Markdown as HTML, as mdBook understands it: links to chapters lead to their pages.
pub fn html(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(markdown, options).map(|event| match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let page =
                dest_url.strip_suffix(".md").filter(|page| !page.contains(':')).map(|page| format!("{page}.html"));
            let dest_url = page.map_or(dest_url, Into::into);
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        event => event,
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

/// Where a page of the manual can be read.
pub fn manual(page: &str, section: &str) -> String {
    let page = page.to_ascii_lowercase();
    format!("https://man7.org/linux/man-pages/man{section}/{page}.{section}.html")
}
