//! From and to XML.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

use super::configuration::{
    Expiration, Filter, FilterForm, LifecycleConfiguration, NEWER_VERSIONS_MAX, NoncurrentExpiration, Rule, Status,
};
use crate::s3::date::iso8601;
use crate::s3::error::S3Error;
use crate::s3::tagging::{TagSet, Tagged};
use crate::s3::xml::reader::{Element, Limits, parse};
use crate::s3::xml::writer::XmlWriter;

/// The limits of a PutBucketLifecycleConfiguration body: 1,000 rules with long ids, prefixes and tags.
pub const LIFECYCLE_LIMITS: Limits = Limits { bytes: 4 * 1024 * 1024, elements: 64 * 1024 };

/// What a rule may have, each once.
const RULE_ELEMENTS: [&str; 6] = ["ID", "Status", "Prefix", "Filter", "Expiration", "NoncurrentVersionExpiration"];
/// Storage classes are names here: there is nowhere to move an object to.
const TRANSITIONS: [&str; 2] = ["Transition", "NoncurrentVersionTransition"];
const ABORT: &str = "AbortIncompleteMultipartUpload";

impl LifecycleConfiguration {
    /// Parses and checks the body of PutBucketLifecycleConfiguration. A rule without an id gets one of `new_id`.
    pub fn parse(body: &[u8], mut new_id: impl FnMut() -> String) -> Result<Self, S3Error> {
        let root = parse(body, "LifecycleConfiguration", LIFECYCLE_LIMITS)?;
        let mut rules = Vec::with_capacity(root.children().len().min(super::RULES_MAX));
        for element in root.children() {
            if element.name() != "Rule" {
                return Err(S3Error::malformed_xml());
            }
            rules.push(rule(element, &mut new_id)?);
        }
        Self::new(rules)
    }

    /// The answer of GetBucketLifecycleConfiguration, which is also the body of the PUT.
    pub fn to_xml(&self) -> String {
        let mut xml = XmlWriter::new("LifecycleConfiguration");
        for rule in self.rules() {
            xml.element("Rule", |xml| write_rule(xml, rule));
        }
        xml.finish()
    }
}

fn rule(element: &Element, new_id: &mut impl FnMut() -> String) -> Result<Rule, S3Error> {
    for child in element.children() {
        if let Some(transition) = TRANSITIONS.into_iter().find(|name| *name == child.name()) {
            return Err(S3Error::not_implemented(transition));
        }
        if !RULE_ELEMENTS.contains(&child.name()) && child.name() != ABORT {
            return Err(S3Error::malformed_xml());
        }
    }
    let status = match element.required("Status")? {
        "Enabled" => Status::Enabled,
        "Disabled" => Status::Disabled,
        _ => return Err(S3Error::malformed_xml()),
    };
    let filter = match (element.optional("Prefix")?, only(element, "Filter")?) {
        (Some(prefix), None) => Filter {
            form: FilterForm::Legacy,
            prefix: Some(prefix.to_owned()),
            tags: TagSet::default(),
            size_greater_than: None,
            size_less_than: None,
        },
        (None, Some(element)) => filter(element)?,
        _ => return Err(S3Error::malformed_xml()),
    };
    let id = element.optional("ID")?.filter(|id| !id.is_empty());
    Ok(Rule {
        id: id.map_or_else(new_id, str::to_owned),
        status,
        filter,
        expiration: only(element, "Expiration")?.map(expiration).transpose()?,
        noncurrent: only(element, "NoncurrentVersionExpiration")?.map(noncurrent).transpose()?,
        abort_after_days: only(element, ABORT)?.map(abort).transpose()?,
    })
}

fn filter(element: &Element) -> Result<Filter, S3Error> {
    let (form, conditions) = match element.children() {
        [and] if and.name() == "And" => (FilterForm::And, and),
        [] | [_] => (FilterForm::Single, element),
        _ => return Err(S3Error::malformed_xml()),
    };
    if form == FilterForm::And && conditions.children().len() < 2 {
        return Err(S3Error::malformed_xml());
    }
    let mut tags = std::collections::BTreeMap::new();
    for child in conditions.children() {
        match child.name() {
            "Tag" => {
                let (key, value) = (child.required("Key")?, child.required("Value")?);
                if tags.insert(key.to_owned(), value.to_owned()).is_some() {
                    return Err(S3Error::invalid_request("Duplicate Tag Keys are not allowed."));
                }
            }
            "Prefix" | "ObjectSizeGreaterThan" | "ObjectSizeLessThan" => {}
            _ => return Err(S3Error::malformed_xml()),
        }
    }
    let size = |name| {
        let text = conditions.optional(name)?;
        text.map(|text| text.trim().parse::<u64>().map_err(|_| S3Error::malformed_xml())).transpose()
    };
    Ok(Filter {
        form,
        prefix: conditions.optional("Prefix")?.map(str::to_owned),
        tags: TagSet::new(tags, Tagged::Bucket)?,
        size_greater_than: size("ObjectSizeGreaterThan")?,
        size_less_than: size("ObjectSizeLessThan")?,
    })
}

fn expiration(element: &Element) -> Result<Expiration, S3Error> {
    let [only] = element.children() else { return Err(S3Error::malformed_xml()) };
    match only.name() {
        "Days" => {
            days(element, "Days", "'Days' for Expiration action must be a positive integer").map(Expiration::Days)
        }
        "Date" => midnight(only.text().trim()).map(Expiration::Date),
        "ExpiredObjectDeleteMarker" => match only.text().trim() {
            "true" => Ok(Expiration::DeleteMarkers(true)),
            "false" => Ok(Expiration::DeleteMarkers(false)),
            _ => Err(S3Error::malformed_xml()),
        },
        _ => Err(S3Error::malformed_xml()),
    }
}

fn noncurrent(element: &Element) -> Result<NoncurrentExpiration, S3Error> {
    const NEWER: &str = "NewerNoncurrentVersions";
    const NOT_POSITIVE: &str = "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer";
    if element.children().iter().any(|child| !["NoncurrentDays", NEWER].contains(&child.name())) {
        return Err(S3Error::malformed_xml());
    }
    let newer_versions = match element.optional(NEWER)? {
        None => None,
        Some(text) => match text.trim().parse::<i32>().map(u32::try_from) {
            Ok(Ok(number @ 1..=NEWER_VERSIONS_MAX)) => Some(number),
            Ok(_) => {
                let message = "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be a positive integer up to 100";
                return Err(S3Error::invalid_argument(message, NEWER, text));
            }
            Err(_) => return Err(S3Error::malformed_xml()),
        },
    };
    Ok(NoncurrentExpiration { days: days(element, "NoncurrentDays", NOT_POSITIVE)?, newer_versions })
}

fn abort(element: &Element) -> Result<u32, S3Error> {
    const NOT_POSITIVE: &str =
        "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer";
    if element.children().len() > 1 {
        return Err(S3Error::malformed_xml());
    }
    days(element, "DaysAfterInitiation", NOT_POSITIVE)
}

fn days(element: &Element, name: &'static str, not_positive: &'static str) -> Result<u32, S3Error> {
    let text = element.required(name)?;
    let number: i32 = text.trim().parse().map_err(|_| S3Error::malformed_xml())?;
    match u32::try_from(number) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(S3Error::invalid_argument(not_positive, name, text)),
    }
}

/// A date, or a moment that is midnight of UTC.
fn midnight(text: &str) -> Result<Timestamp, S3Error> {
    let date = text.parse::<civil::Date>().ok().filter(|_| !text.contains('T'));
    let date = date.and_then(|date| TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok());
    let moment = date.or_else(|| text.parse().ok()).ok_or_else(S3Error::malformed_xml)?;
    if TimeZone::UTC.to_datetime(moment).time() == civil::Time::midnight() {
        return Ok(moment);
    }
    Err(S3Error::invalid_argument("'Date' must be at midnight GMT", "Date", text))
}

fn only<'a>(parent: &'a Element, name: &'a str) -> Result<Option<&'a Element>, S3Error> {
    let mut found = parent.all(name);
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        _ => Err(S3Error::malformed_xml()),
    }
}

fn write_rule(xml: &mut XmlWriter, rule: &Rule) {
    xml.text("ID", &rule.id);
    match rule.filter.form {
        FilterForm::Legacy => xml.text("Prefix", rule.filter.prefix.as_deref().unwrap_or_default()),
        FilterForm::Single => xml.element("Filter", |xml| write_conditions(xml, &rule.filter)),
        FilterForm::And => {
            xml.element("Filter", |xml| xml.element("And", |xml| write_conditions(xml, &rule.filter)));
        }
    }
    xml.text(
        "Status",
        match rule.status {
            Status::Enabled => "Enabled",
            Status::Disabled => "Disabled",
        },
    );
    if let Some(expiration) = rule.expiration {
        xml.element("Expiration", |xml| match expiration {
            Expiration::Days(days) => xml.number("Days", days.into()),
            Expiration::Date(date) => xml.text("Date", &iso8601(date)),
            Expiration::DeleteMarkers(go) => xml.boolean("ExpiredObjectDeleteMarker", go),
        });
    }
    if let Some(NoncurrentExpiration { days, newer_versions }) = rule.noncurrent {
        xml.element("NoncurrentVersionExpiration", |xml| {
            xml.number("NoncurrentDays", days.into());
            if let Some(number) = newer_versions {
                xml.number("NewerNoncurrentVersions", number.into());
            }
        });
    }
    if let Some(days) = rule.abort_after_days {
        xml.element(ABORT, |xml| xml.number("DaysAfterInitiation", days.into()));
    }
}

fn write_conditions(xml: &mut XmlWriter, filter: &Filter) {
    xml.optional("Prefix", filter.prefix.as_deref());
    for (key, value) in filter.tags.iter() {
        xml.element("Tag", |xml| {
            xml.text("Key", key);
            xml.text("Value", value);
        });
    }
    if let Some(bytes) = filter.size_greater_than {
        xml.number("ObjectSizeGreaterThan", bytes);
    }
    if let Some(bytes) = filter.size_less_than {
        xml.number("ObjectSizeLessThan", bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{RULE_ID_MAX, RULES_MAX};
    use super::*;

    fn read(rules: &str) -> Result<LifecycleConfiguration, S3Error> {
        let body = format!("<LifecycleConfiguration>{rules}</LifecycleConfiguration>");
        LifecycleConfiguration::parse(body.as_bytes(), || "given".to_owned())
    }

    fn rule(inside: &str) -> String {
        format!("<Rule><Status>Enabled</Status>{inside}</Rule>")
    }

    fn code(rules: &str) -> &'static str {
        read(rules).unwrap_err().code().as_str()
    }

    const ONE_DAY: &str = "<Expiration><Days>1</Days></Expiration>";

    #[test]
    fn every_form_comes_back_as_it_was() {
        for inside in [
            format!("<Prefix>a/</Prefix>{ONE_DAY}"),
            format!("<Filter/>{ONE_DAY}"),
            format!("<Filter><Prefix></Prefix></Filter>{ONE_DAY}"),
            format!("<Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter>{ONE_DAY}"),
            format!(
                "<Filter><And><Prefix>a</Prefix><Tag><Key>k</Key><Value>v</Value></Tag><Tag><Key>l</Key><Value></Value>\
                 </Tag><ObjectSizeGreaterThan>0</ObjectSizeGreaterThan><ObjectSizeLessThan>9</ObjectSizeLessThan></And>\
                 </Filter>{ONE_DAY}"
            ),
            "<Filter/><Expiration><Date>2030-01-02T00:00:00.000Z</Date></Expiration>".to_owned(),
            "<Filter/><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>".to_owned(),
            "<Filter/><NoncurrentVersionExpiration><NoncurrentDays>3</NoncurrentDays><NewerNoncurrentVersions>100\
             </NewerNoncurrentVersions></NoncurrentVersionExpiration>"
                .to_owned(),
            "<Filter/><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation>\
             </AbortIncompleteMultipartUpload>"
                .to_owned(),
        ] {
            let taken = read(&rule(&inside)).unwrap_or_else(|error| panic!("{inside}: {error}"));
            assert_eq!(taken.rules()[0].id, "given");
            let told = taken.to_xml();
            assert_eq!(LifecycleConfiguration::parse(told.as_bytes(), String::new), Ok(taken), "{told}");
            let inside = inside.replace("<Filter/>", "<Filter></Filter>");
            let (before, after) = inside
                .split_at(inside.find("<Expiration>").or(inside.find("<Nonc")).or(inside.find("<Abort")).unwrap());
            assert!(told.contains(before) && told.contains(after), "{told}");
        }
    }

    #[test]
    fn there_are_one_to_a_thousand_rules() {
        let of =
            |count: usize| (0..count).map(|id| rule(&format!("<ID>r{id}</ID><Filter/>{ONE_DAY}"))).collect::<String>();
        assert_eq!(code(""), "MalformedXML");
        assert_eq!(read(&of(RULES_MAX)).unwrap().rules().len(), RULES_MAX);
        assert_eq!(code(&of(RULES_MAX + 1)), "InvalidRequest");
    }

    #[test]
    fn an_id_is_unique_and_has_255_characters() {
        let with = |id: &str| rule(&format!("<ID>{id}</ID><Filter/>{ONE_DAY}"));
        assert!(read(&with(&"é".repeat(RULE_ID_MAX))).is_ok());
        let error = read(&with(&"é".repeat(RULE_ID_MAX + 1))).unwrap_err();
        assert_eq!(error.message(), "ID length should not exceed allowed limit of 255");
        let error = read(&(with("a") + &with("a"))).unwrap_err();
        assert_eq!(error.message(), "Rule ID must be unique. Found same ID for more than one rule");
    }

    #[test]
    fn numbers_are_positive_and_dates_are_midnights() {
        let expiring = |inside: &str| rule(&format!("<Filter/><Expiration>{inside}</Expiration>"));
        for (inside, expected) in [
            ("<Days>0</Days>", "InvalidArgument"),
            ("<Days>-1</Days>", "InvalidArgument"),
            ("<Days>x</Days>", "MalformedXML"),
            ("<Days>2147483648</Days>", "MalformedXML"),
            ("<Date>2030-01-02T00:00:01Z</Date>", "InvalidArgument"),
            ("<Date>tomorrow</Date>", "MalformedXML"),
            ("", "MalformedXML"),
            ("<Days>1</Days><Date>2030-01-02</Date>", "MalformedXML"),
            ("<Days>1</Days><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker>", "MalformedXML"),
        ] {
            assert_eq!(code(&expiring(inside)), expected, "{inside}");
        }
        for inside in ["<Days>2147483647</Days>", "<Date>2030-01-02</Date>", "<Date>2030-01-02T02:00:00+02:00</Date>"] {
            assert!(read(&expiring(inside)).is_ok(), "{inside}");
        }
        let noncurrent = |inside: &str| {
            rule(&format!("<Filter/><NoncurrentVersionExpiration>{inside}</NoncurrentVersionExpiration>"))
        };
        let days = "<NoncurrentDays>1</NoncurrentDays>";
        let newer = |number: u32| format!("{days}<NewerNoncurrentVersions>{number}</NewerNoncurrentVersions>");
        assert!(read(&noncurrent(&newer(1))).is_ok() && read(&noncurrent(&newer(100))).is_ok());
        assert_eq!(code(&noncurrent(&newer(0))), "InvalidArgument");
        assert_eq!(code(&noncurrent(&newer(101))), "InvalidArgument");
        assert_eq!(code(&noncurrent("<NoncurrentDays>0</NoncurrentDays>")), "InvalidArgument");
        assert_eq!(code(&noncurrent("<NewerNoncurrentVersions>1</NewerNoncurrentVersions>")), "MalformedXML");
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let tag = "<Tag><Key>k</Key><Value>v</Value></Tag>";
        let abort = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>";
        let markers = "<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>";
        let newer = "<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays><NewerNoncurrentVersions>1</NewerNoncurrentVersions></NoncurrentVersionExpiration>";
        for (inside, expected) in [
            (format!("<Filter/><Prefix/>{ONE_DAY}"), "MalformedXML"),
            (ONE_DAY.to_owned(), "MalformedXML"),
            ("<Filter/>".to_owned(), "InvalidRequest"),
            (format!("<Filter><Prefix>a</Prefix>{tag}</Filter>{ONE_DAY}"), "MalformedXML"),
            (format!("<Filter><And>{tag}</And></Filter>{ONE_DAY}"), "MalformedXML"),
            (format!("<Filter><And>{tag}{tag}</And></Filter>{ONE_DAY}"), "InvalidRequest"),
            (format!("<Filter><Size>1</Size></Filter>{ONE_DAY}"), "MalformedXML"),
            (format!("<Filter>{tag}</Filter>{abort}"), "InvalidRequest"),
            (format!("<Filter><ObjectSizeLessThan>1</ObjectSizeLessThan></Filter>{abort}"), "InvalidRequest"),
            (format!("<Filter>{tag}</Filter>{markers}"), "InvalidRequest"),
            (format!("<Prefix/>{newer}"), "InvalidRequest"),
            (
                format!(
                    "<Filter><And><ObjectSizeGreaterThan>5</ObjectSizeGreaterThan><ObjectSizeLessThan>5\
                     </ObjectSizeLessThan></And></Filter>{ONE_DAY}"
                ),
                "InvalidRequest",
            ),
            (format!("<Filter/>{ONE_DAY}<Transition><Days>1</Days></Transition>"), "NotImplemented"),
            (format!("<Filter/>{ONE_DAY}<NoncurrentVersionTransition/>"), "NotImplemented"),
            (format!("<Filter/>{ONE_DAY}<Surprise/>"), "MalformedXML"),
        ] {
            assert_eq!(code(&rule(&inside)), expected, "{inside}");
        }
        assert_eq!(code(&rule(&format!("<Filter/>{ONE_DAY}")).replace("Enabled", "On")), "MalformedXML");
        let mixed = rule(&format!("<ID>a</ID><Filter/>{ONE_DAY}")) + &rule(&format!("<ID>b</ID><Prefix/>{ONE_DAY}"));
        assert_eq!(code(&mixed), "InvalidRequest");
    }
}
