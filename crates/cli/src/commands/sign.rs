//! `gatepass sign`: what works for a while without credentials.

mod cloudfront;
mod life;
mod object;
mod post;

use gatepass_signing::sigv4::presign::Method;

use crate::{args::Sign, failure::Result, output::Output};

pub(crate) fn run(sign: &Sign, output: Output) -> Result {
    match sign {
        Sign::Get(read) => object::read(Method::Get, "GetObject", read, output),
        Sign::Head(read) => object::read(Method::Head, "HeadObject", read, output),
        Sign::Put(put) => object::put(put, output),
        Sign::Delete(delete) => object::delete(delete, output),
        Sign::Post(form) => post::run(form, output),
        Sign::Cloudfront(sign) => cloudfront::url(sign, output),
        Sign::Cookies(sign) => cloudfront::cookies(sign, output),
    }
}
