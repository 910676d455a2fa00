//! The GeoIP files: are they there, and are they what they should be?

use super::Finding;
use crate::local::Local;
use std::path::PathBuf;
use tracker_geo::Geo;
use tracker_stream::config::Settings;

const CHECK: &str = "geoip";

pub fn examine(settings: &Settings) -> Vec<Finding> {
    let Ok(local) = Local::of(settings) else { return Vec::new() }; // told among the settings
    let city = local.geoip_city.iter().map(|path| of(path, "enrich.geoip_city", "country, region and city"));
    let asn = local.geoip_asn.iter().map(|path| of(path, "enrich.geoip_asn", "asn and as_org"));
    let mut findings: Vec<_> = city.chain(asn).collect();
    for (key, paths) in [("enrich.geoip_city", &local.geoip_city), ("enrich.geoip_asn", &local.geoip_asn)] {
        if paths.is_empty() {
            findings.push(Finding::note(
                CHECK,
                format_args!("{key} names no file: its fields stay empty"),
                "",
            ));
        }
    }
    findings
}

fn of(path: &PathBuf, key: &str, fields: &str) -> Finding {
    let shown = path.display();
    let mend = format!("`tracker up` fetches the free files; or set {key} to a MaxMind-format file");
    match std::fs::metadata(path) {
        Err(error) => Finding::wrong(CHECK, format_args!("{shown}: {error}; {fields} stay empty"), mend),
        Ok(_) if Geo::open([path]).missing().next().is_some() => Finding::wrong(
            CHECK,
            format_args!("{shown} is no MaxMind-format file; {fields} stay empty"),
            mend,
        ),
        Ok(_) => Finding::good(CHECK, format_args!("{shown} can be read")),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Verdict, *};

    #[test]
    fn a_missing_and_a_broken_file_are_found_with_what_they_cost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("city.mmdb");
        let missing = of(&path, "enrich.geoip_city", "country");
        assert_eq!(missing.verdict, Verdict::Wrong);
        assert!(
            missing.what.ends_with("country stay empty") && missing.mend.contains("enrich.geoip_city"),
            "{missing}"
        );
        std::fs::write(&path, "no database").unwrap();
        let broken = of(&path, "enrich.geoip_city", "country");
        assert!(broken.what.contains("no MaxMind-format file"), "{broken}");
    }
}
