//! The laws that a consent stands under: shipped data, of which each site decides what applies to it. Places are ISO 3166
//! codes, of countries or of their parts (`US-CA`). The defaults of `[privacy]` follow the countries that opt in here.

/// All of them, as a JSON array in the order of `seq`: it is served as it is written.
pub const JURISDICTIONS: &str = include_str!("../data/jurisdictions.json");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{consent_defaults, country};
    use serde::Deserialize;
    use std::collections::{BTreeMap, HashSet};
    use tracker_stream::config::Settings;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Jurisdiction {
        regulation: String,
        name: String,
        compliance: Choice,
        seq: usize,
        rules: Rules,
        locs: Vec<String>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rules {
        preferences: Choice,
        statistics: Choice,
        marketing: Choice,
        #[serde(rename = "proof")]
        _proof: bool,
        withdrawal: bool,
        opt_out_signal: Signal,
        age_of_consent: u8,
        note: String,
        source: String,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Choice {
        OptIn,
        OptOut,
    }

    #[derive(PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Signal {
        Honoured,
        Required,
    }

    fn all() -> Vec<Jurisdiction> {
        serde_json::from_str(JURISDICTIONS).unwrap()
    }

    #[test]
    fn each_is_whole_and_they_stand_in_order() {
        let all = all();
        assert!(all.iter().map(|one| one.seq).eq(1..=all.len()));
        for Jurisdiction { regulation, name, compliance, rules, locs, .. } in &all {
            assert!(!name.is_empty() && !rules.note.is_empty(), "{regulation}");
            assert!(rules.withdrawal && (12..=16).contains(&rules.age_of_consent), "{regulation}");
            assert!(rules.source.starts_with("https://"), "{regulation}");
            let strictest = [rules.preferences, rules.statistics, rules.marketing].contains(&Choice::OptIn);
            assert_eq!(*compliance == Choice::OptIn, strictest, "{regulation}");
            for place in locs {
                let (land, part) = place.split_once('-').unwrap_or((place, "x"));
                assert!(country::name(land).is_some() && !part.is_empty(), "{regulation}: {place}");
            }
        }
    }

    #[test]
    fn the_laws_that_were_promised_are_among_them() {
        let by_name: BTreeMap<String, Vec<String>> =
            all().into_iter().map(|one| (one.regulation, one.locs)).collect();
        for (regulation, place) in [
            ("GDPR", "DE"),
            ("GDPR", "NO"),
            ("UK GDPR", "GB"),
            ("ePrivacy", "FR"),
            ("CCPA/CPRA", "US-CA"),
            ("LGPD", "BR"),
            ("PIPEDA", "CA"),
            ("FADP", "CH"),
        ] {
            assert!(by_name[regulation].iter().any(|listed| listed == place), "{regulation} in {place}");
        }
        let required = |one: &Jurisdiction| one.rules.opt_out_signal == Signal::Required;
        assert!(all().iter().any(|one| one.regulation == "CCPA/CPRA" && required(one)));
    }

    #[test]
    fn the_default_opt_in_countries_are_those_whose_law_opts_in() {
        let opting_in = all().into_iter().filter(|one| one.compliance == Choice::OptIn);
        let countries: HashSet<String> =
            opting_in.flat_map(|one| one.locs).filter(|place| !place.contains('-')).collect();
        let defaults = consent_defaults(&Settings::merge("", "", std::iter::empty()).unwrap()).unwrap();
        assert_eq!(defaults.opt_in_countries, countries);
    }
}
