//! All that a client can see of a bucket, by every way of looking: what one way shows, the others must show too.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::Method;

use crate::http::Answer;
use crate::s3::{S3, element};

/// What is seen.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The objects, with their bytes.
    pub objects: BTreeMap<String, Bytes>,
    /// The uploads in progress, by their ids.
    pub uploads: BTreeMap<String, Upload>,
    /// Where two ways of looking disagree, or one fails.
    pub flaws: Vec<String>,
}

/// An upload in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Of which object.
    pub key: String,
    /// How long each part is.
    pub parts: BTreeMap<u16, u64>,
}

impl State {
    /// Looks at a bucket: ListObjectsV2, GetObject of what is listed and of `others`, ListObjectVersions,
    /// ListMultipartUploads and ListParts.
    pub async fn of(client: &S3, bucket: &str, others: &[&str]) -> Result<Self> {
        let look = async |key: &str, query: &str| client.send(Method::GET, bucket, key, query, Bytes::new()).await;
        let mut state = Self::default();
        let listed: BTreeSet<String> = client.list(bucket).await?.into_iter().collect();
        let others: BTreeSet<String> = others.iter().map(|key| (*key).to_owned()).collect();
        for key in listed.union(&others) {
            let answer = look(key, "").await?;
            match (answer.status.as_u16(), listed.contains(key)) {
                (200, true) => drop(state.objects.insert(key.clone(), answer.body)),
                (404, false) => {}
                (status, true) => state.flaws.push(format!("{key} is listed, and GET answers {status}")),
                (status, false) => state.flaws.push(format!("{key} is not listed, and GET answers {status}")),
            }
        }
        let versions = answered(&look("", "versions=").await?)?;
        let versions: BTreeSet<String> = elements(&versions, "Version", "Key").collect();
        if versions != listed {
            state.flaws.push(format!("ListObjectsV2 shows {listed:?} and ListObjectVersions {versions:?}"));
        }
        let uploads = answered(&look("", "uploads=").await?)?;
        for upload in uploads.split("<Upload>").skip(1) {
            let (Some(key), Some(id)) = (element(upload, "Key"), element(upload, "UploadId")) else { continue };
            let listed = answered(&look(&key, &format!("uploadId={id}")).await?)?;
            let numbers = elements(&listed, "Part", "PartNumber").filter_map(|number| number.parse().ok());
            let sizes = elements(&listed, "Part", "Size").filter_map(|size| size.parse().ok());
            state.uploads.insert(id, Upload { key, parts: numbers.zip(sizes).collect() });
        }
        Ok(state)
    }

    /// In what this state is not another one.
    pub fn difference(&self, expected: &Self) -> String {
        let mut said = self.flaws.join("; ");
        for key in self.objects.keys().chain(expected.objects.keys()).collect::<BTreeSet<_>>() {
            let (found, wanted) = (self.objects.get(key), expected.objects.get(key));
            if found != wanted {
                let length =
                    |body: Option<&Bytes>| body.map_or("nothing".to_owned(), |it| format!("{} bytes", it.len()));
                let _ = write!(said, " {key}: {} in place of {}", length(found), length(wanted));
            }
        }
        if self.uploads != expected.uploads {
            let _ = write!(said, " uploads: {:?} in place of {:?}", self.uploads, expected.uploads);
        }
        said
    }
}

/// The text of this element in each part of a document that begins with another.
fn elements<'x>(xml: &'x str, begin: &str, name: &'x str) -> impl Iterator<Item = String> + 'x {
    xml.split(&format!("<{begin}>")).skip(1).filter_map(move |part| element(part, name)).collect::<Vec<_>>().into_iter()
}

fn answered(answer: &Answer) -> Result<String> {
    ensure!(answer.status == 200, "a listing was refused: {} {}", answer.status, answer.text());
    Ok(answer.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(objects: &[(&str, &'static str)]) -> State {
        let objects = objects.iter().map(|(key, body)| ((*key).to_owned(), Bytes::from_static(body.as_bytes())));
        State { objects: objects.collect(), ..State::default() }
    }

    #[test]
    fn a_difference_names_what_differs_and_nothing_else() {
        let (one, two) = (state(&[("a", "1"), ("b", "2")]), state(&[("a", "1"), ("b", "22")]));
        assert_eq!(one.difference(&one), "");
        assert_eq!(one.difference(&two), " b: 1 bytes in place of 2 bytes");
        assert_eq!(one.difference(&state(&[("a", "1")])), " b: 1 bytes in place of nothing");
    }

    #[test]
    fn elements_are_found_in_the_parts_that_have_them() {
        let xml = "<Key>x</Key><Version><Key>a</Key></Version><DeleteMarker/><Version><Key>b</Key></Version>";
        assert_eq!(elements(xml, "Version", "Key").collect::<Vec<_>>(), ["a", "b"]);
    }
}
