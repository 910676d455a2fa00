//! Every version of the browser script that pages may ask for. Written by `make web`, which adds and never removes.

/// Their texts.
#[rustfmt::skip]
pub(super) const RELEASED: &[&str] = &[
    include_str!("../../../web/dist/released/track.ca650c4510e33858.js"),
];
