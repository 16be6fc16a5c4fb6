//! Reading a policy that came with a request: strictly, so that there is one way to understand it.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::policy::{CustomPolicy, EpochTime, IpRange};
use super::resource::Resource;

/// The longest policy document, in bytes. A policy of one statement with the longest URL that is of use fits.
pub const MAX_POLICY_BYTES: usize = 4096;

/// Reads a custom policy: one statement, as an object or in an array of its own; in it `Condition` with `DateLessThan`,
/// and if need be `Resource`, `DateGreaterThan` and `IpAddress`. A member that is unknown or stands there twice, or a
/// value of another kind, makes the whole malformed.
pub(super) fn read_policy(json: &[u8]) -> Option<CustomPolicy> {
    if json.len() > MAX_POLICY_BYTES {
        return None;
    }
    let [statement] = serde_json::from_slice::<Json>(json).ok()?.members(["Statement"])?;
    let statement = match statement? {
        Json::Array(statements) => <[Json; 1]>::try_from(statements).ok().map(|[only]| only)?,
        statement => statement,
    };
    let [resource, condition] = statement.members(["Resource", "Condition"])?;
    let [before, after, ip_address] = condition?.members(["DateLessThan", "DateGreaterThan", "IpAddress"])?;
    Some(CustomPolicy {
        resource: optional(resource, |resource| Resource::parse(&resource.text()?).ok()).ok()?,
        expires: epoch_time(before?)?,
        not_before: optional(after, epoch_time).ok()?,
        ip_range: optional(ip_address, ip_range).ok()?,
    })
}

fn epoch_time(condition: Json) -> Option<EpochTime> {
    match condition.members(["AWS:EpochTime"])? {
        [Some(Json::Number(seconds))] => EpochTime::from_secs(seconds).ok(),
        _ => None,
    }
}

fn ip_range(condition: Json) -> Option<IpRange> {
    let [range] = condition.members(["AWS:SourceIp"])?;
    IpRange::read(&range?.text()?)
}

/// Reads a member that may be absent, but has to be good if it is there.
fn optional<T>(member: Option<Json>, read: impl FnOnce(Json) -> Option<T>) -> Result<Option<T>, Malformed> {
    member.map(|member| read(member).ok_or(Malformed)).transpose()
}

struct Malformed;

/// A JSON value with its members in order, repeated ones included, which `serde_json::Value` would hide.
enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    Text(String),
    Number(u64),
    /// Null, a truth value, a negative number or a fraction: nothing that a policy has.
    Other,
}

impl Json {
    /// The members of an object that has no others, each at most once.
    fn members<const N: usize>(self, names: [&str; N]) -> Option<[Option<Json>; N]> {
        let Json::Object(members) = self else { return None };
        let mut found = [const { None }; N];
        for (name, value) in members {
            let place = &mut found[names.iter().position(|known| *known == name)?];
            if place.is_some() {
                return None;
            }
            *place = Some(value);
        }
        Some(found)
    }

    fn text(self) -> Option<String> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Json::Array(elements))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }
}
