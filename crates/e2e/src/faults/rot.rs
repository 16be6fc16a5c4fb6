//! P10: what the disk gives back otherwise than it was written is never sent as if it were right. One byte of a file is
//! changed; then an answer of 200 must carry the bytes that were written, and `store check` must say what it finds.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use bytes::Bytes;
use gatepass_signing::sigv4::presign::Method;
use tokio::runtime::Runtime;

use super::content::{Chance, Content};
use super::promises::Trial;
use super::raw;
use super::report::{Control, Report};
use super::sizes::below_power;
use crate::dev::Dev;
use crate::s3::S3;

const BUCKET: &str = "rot";
/// Some are kept in the index, some in files of one block or of many.
const OBJECTS: u64 = 24;
/// Below 4 MiB.
const LARGEST_EXPONENT: u64 = 22;

/// What came of the changes to files of one kind.
#[derive(Debug, Default)]
struct Seen {
    flips: u64,
    wrong: u64,
    refused: u64,
    reported: u64,
}

/// Changes bytes of bodies below a running server, then of the index of one that does not run.
pub fn run(trial: &Trial, mut chance: Chance) -> Result<Report> {
    let directory = tempfile::tempdir_in(&trial.work)?;
    let data = directory.path().join("data");
    let runtime = Runtime::new()?;
    let mut server = Dev::start(&data, &trial.options(&[]))?;
    let client = S3::new(server.ready())?;
    runtime.block_on(client.create_bucket(BUCKET))?;
    let mut objects = Vec::new();
    for number in 0..OBJECTS {
        let content = Content { serial: number, length: below_power(&mut chance, LARGEST_EXPONENT) };
        let key = format!("object-{number}");
        runtime.block_on(client.put(BUCKET, &key, content.bytes()))?;
        objects.push((key, content.bytes()));
    }
    let url = |key: &str| client.presign(Method::Get, BUCKET, key, 604_800);
    let urls = objects.iter().map(|(key, body)| Ok((url(key)?, body.clone()))).collect::<Result<Vec<_>>>()?;

    let mut bodies = Seen::default();
    for _ in 0..trial.effort.pick(20, 1000) {
        flip_a_body(&data, &urls, &mut chance, &mut bodies)?;
    }
    // The judge is shown a whole answer with one wrong byte: the store is told other bytes than it is compared with.
    let (key, expected) = objects.pop().context("there are objects")?;
    runtime.block_on(client.put(BUCKET, &key, Bytes::from_static(b"rotten")))?;
    let control =
        Control::of(u64::from(is_wrong(&url(&key)?, &expected)?), "answer of 200 with other bytes was noticed");
    server.terminate()?;
    drop(server);

    let checked: u64 = trial.effort.pick(2, 60);
    for _ in 0..checked {
        let (path, place) = some_byte(&files(&data.join("store/blobs"))?, &mut chance)?;
        flip(&path, place)?;
        bodies.reported += u64::from(!is_clean(trial, &data)?);
        flip(&path, place)?;
    }
    let index = flip_the_index(trial, &data, &objects, &mut chance)?;
    let mut broken = Vec::new();
    if bodies.wrong + index.wrong > 0 {
        broken.push(format!("{} answers of 200 had other bytes", bodies.wrong + index.wrong));
    }
    if bodies.reported < checked {
        broken.push(format!("the check found {} of {checked} changed files of bodies", bodies.reported));
    }
    let figures = vec![
        ("bytes changed in files of bodies", bodies.flips),
        ("of them refused or cut off when read", bodies.refused),
        ("answers of 200 with other bytes", bodies.wrong),
        ("files of bodies checked after a change", checked),
        ("of them reported", bodies.reported),
        ("bytes changed in the index", index.flips),
        ("of them noticed", index.reported),
        ("wrong answers of 200 from a changed index", index.wrong),
    ];
    Ok(Report { figures, broken, control })
}

fn flip_a_body(data: &Path, objects: &[(String, Bytes)], chance: &mut Chance, seen: &mut Seen) -> Result<()> {
    let (path, place) = some_byte(&files(&data.join("store/blobs"))?, chance)?;
    flip(&path, place)?;
    seen.flips += 1;
    let mut refused = false;
    for (url, expected) in objects {
        let answer = raw::get(url, &[])?;
        let whole = answer.status == 200 && answer.is_whole();
        refused |= !whole;
        seen.wrong += u64::from(whole && answer.body[..] != expected[..]);
    }
    seen.refused += u64::from(refused);
    flip(&path, place)
}

fn flip_the_index(trial: &Trial, data: &Path, objects: &[(String, Bytes)], chance: &mut Chance) -> Result<Seen> {
    let path = data.join("store/index.redb");
    let kept = fs::read(&path)?;
    let mut seen = Seen::default();
    for _ in 0..trial.effort.pick(2, 100) {
        flip(&path, chance.below(kept.len() as u64))?;
        seen.flips += 1;
        let mut noticed = !is_clean(trial, data)?;
        match Dev::start(data, &trial.options(&[])) {
            // It says that it cannot open the store.
            Err(_) => noticed = true,
            Ok(server) => {
                let client = S3::new(server.ready())?;
                for (key, expected) in objects {
                    let answer = raw::get(&client.presign(Method::Get, BUCKET, key, 3600)?, &[])?;
                    let whole = answer.status == 200 && answer.is_whole();
                    noticed |= !whole;
                    seen.wrong += u64::from(whole && answer.body[..] != expected[..]);
                }
            }
        }
        seen.reported += u64::from(noticed);
        fs::write(&path, &kept)?;
    }
    Ok(seen)
}

fn is_wrong(url: &str, expected: &Bytes) -> Result<bool> {
    let answer = raw::get(url, &[])?;
    Ok(answer.status == 200 && answer.is_whole() && answer.body[..] != expected[..])
}

fn is_clean(trial: &Trial, data: &Path) -> Result<bool> {
    let mut check = Command::new(&trial.server);
    check.args(["store", "check", "--data"]).arg(data.join("store"));
    Ok(check.output()?.status.success())
}

fn some_byte(files: &[PathBuf], chance: &mut Chance) -> Result<(PathBuf, u64)> {
    let path = &files[usize::try_from(chance.below(files.len() as u64))?];
    Ok((path.clone(), chance.below(fs::metadata(path)?.len())))
}

/// Changes one byte; done twice, nothing is changed.
fn flip(path: &Path, place: u64) -> Result<()> {
    let file = File::options().read(true).write(true).open(path)?;
    let mut byte = [0];
    file.read_exact_at(&mut byte, place)?;
    file.write_all_at(&[byte[0] ^ 0x20], place)?;
    Ok(())
}

fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
