//! The page: plain HTML that needs no script and no style.

use std::fmt::Write as _;

use super::view::{DecisionView, Explanation, Outcome};

/// The page of a refusal.
pub(super) fn of(explanation: &Explanation) -> String {
    let Explanation { time, request, answer, stages, decision, signature, .. } = explanation;
    let mut page = Page::new(&format!("{} {}: why", answer.status, answer.code));
    page.heading(1, &format!("{} {}", answer.status, answer.code));
    page.paragraph(&answer.message);
    page.paragraph(&format!("{} {}", request.method, request.url));

    page.heading(2, "How far it came");
    page.open("ol");
    for (stage, outcome) in stages {
        let outcome = match outcome {
            Outcome::Passed => "passed",
            Outcome::Refused => "refused here",
            Outcome::NotReached => "not reached",
        };
        page.item(&format!("{} – {outcome}. {}", stage.name(), stage.question()));
    }
    page.close("ol");

    if let Some(decision) = decision {
        page.decision(decision);
    }

    page.heading(2, "Signature, time and address");
    page.paragraph(&format!("This is {}.", signature.kind));
    if signature.findings.is_empty() {
        page.paragraph("Nothing was found that is wrong with them.");
    }
    for finding in &signature.findings {
        page.heading(3, &finding.id.to_string());
        page.paragraph(&finding.evidence);
        page.paragraph(&format!("What to do: {}", finding.fix));
    }
    if let Some(signed) = &signature.signed {
        if let Some(canonical) = &signed.canonical_request {
            page.heading(3, "The canonical request");
            page.code(canonical);
        }
        page.heading(3, "The text that is signed");
        page.code(&signed.string_to_sign);
    }

    page.heading(2, "The request");
    page.table(("Header", "Value"), request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let operation = request.operation.unwrap_or("not known");
    page.paragraph(&format!("Operation: {operation}. From {}, at {time}.", request.peer));
    page.finish()
}

/// The page for an address that leads nowhere.
pub(super) fn forgotten(remembered: usize) -> String {
    let mut page = Page::new("Not found");
    page.heading(1, "This refusal is not remembered");
    page.paragraph(&format!(
        "The store remembers the last {remembered} refusals, until it stops. Send the request again and follow its x-gatepass-explain."
    ));
    page.finish()
}

/// HTML that is being written. Every text goes through [`escaped`].
struct Page(String);

impl Page {
    fn new(title: &str) -> Self {
        let title = escaped(title);
        Self(format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n</head>\n<body>\n<main>\n"
        ))
    }

    fn heading(&mut self, level: u8, text: &str) {
        self.push(&format!("<h{level}>{}</h{level}>", escaped(text)));
    }

    fn paragraph(&mut self, text: &str) {
        if !text.is_empty() {
            self.push(&format!("<p>{}</p>", escaped(text)));
        }
    }

    fn item(&mut self, text: &str) {
        self.push(&format!("<li>{}</li>", escaped(text)));
    }

    fn code(&mut self, text: &str) {
        self.push(&format!("<pre><code>{}</code></pre>", escaped(text)));
    }

    fn open(&mut self, element: &'static str) {
        self.push(&format!("<{element}>"));
    }

    fn close(&mut self, element: &'static str) {
        self.push(&format!("</{element}>"));
    }

    fn table<'a>(&mut self, head: (&str, &str), rows: impl Iterator<Item = (&'a str, &'a str)>) {
        self.push(&format!(
            "<table>\n<thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th></tr></thead>\n<tbody>",
            escaped(head.0),
            escaped(head.1)
        ));
        for (name, value) in rows {
            self.push(&format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escaped(name), escaped(value)));
        }
        self.push("</tbody>\n</table>");
    }

    fn decision(&mut self, decision: &DecisionView) {
        self.heading(2, "What the policies say");
        self.paragraph(&decision.because);
        self.paragraph(&format!("What to do: {}", decision.fix));
        self.paragraph(&format!("{} asks for {} on {}.", decision.principal, decision.action, decision.resource));
        if decision.statements.is_empty() {
            return;
        }
        let rows: Vec<(String, &str)> = decision
            .statements
            .iter()
            .map(|statement| {
                let sid = statement.sid.as_ref().map(|sid| format!(" \u{201c}{sid}\u{201d}")).unwrap_or_default();
                (format!("{}{sid}, {}", statement.index, statement.effect), statement.outcome.as_str())
            })
            .collect();
        self.table(("Statement", "Outcome"), rows.iter().map(|(name, outcome)| (name.as_str(), *outcome)));
    }

    fn push(&mut self, html: &str) {
        self.0.push_str(html);
        self.0.push('\n');
    }

    fn finish(mut self) -> String {
        self.push("</main>\n</body>\n</html>");
        self.0
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // No control character of a request reaches a terminal or a page.
            '\n' | '\t' => out.push(character),
            control if control.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        let text = "<script>alert(\"1\") & '2'</script>\u{0}\u{1b}[31m\n";
        assert_eq!(
            escaped(text),
            "&lt;script&gt;alert(&quot;1&quot;) &amp; &#39;2&#39;&lt;/script&gt;\\u{0}\\u{1b}[31m\n"
        );
    }
}
