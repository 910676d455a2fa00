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
    // As a rule the edge reads the files of enrich: they are told of once.
    let own = local.edge_geoip_city.iter().filter(|path| !local.geoip_city.contains(path));
    let edge =
        own.map(|path| of(path, "edge.geoip_city", "the country that decides cookies, and geoip answers,"));
    let mut findings: Vec<_> = city.chain(asn).chain(edge).collect();
    for (key, paths, cost) in [
        ("enrich.geoip_city", &local.geoip_city, "its fields stay empty"),
        ("enrich.geoip_asn", &local.geoip_asn, "its fields stay empty"),
        ("edge.geoip_city", &local.edge_geoip_city, "no signal means privacy.default_unknown there"),
    ] {
        if paths.is_empty() {
            findings.push(Finding::note(CHECK, format_args!("{key} names no file: {cost}"), ""));
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
    fn files_of_the_edge_are_told_of_where_they_are_others_than_those_of_enrich() {
        let keys = |text: &str| -> Vec<String> {
            let settings = Settings::merge(text, "test", std::iter::empty()).unwrap();
            let wrong = examine(&settings).into_iter().filter(|finding| finding.verdict != Verdict::Good);
            wrong.map(|finding| format!("{} {}", finding.what, finding.mend)).collect()
        };
        let enrich = "[enrich]\ngeoip_city = [\"/n/a\"]\ngeoip_asn = [\"/n/b\"]\n[edge]\ngeoip_city = ";
        assert_eq!(keys(&format!("{enrich}[\"/n/a\"]")).len(), 2);
        let found = keys(&format!("{enrich}[\"/n/c\"]"));
        assert!(
            found.len() == 3 && found[2].contains("/n/c") && found[2].contains("set edge.geoip_city"),
            "{found:?}"
        );
        let found = keys(&format!("{enrich}[]"));
        assert!(found[2].contains("privacy.default_unknown"), "{found:?}");
    }

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
