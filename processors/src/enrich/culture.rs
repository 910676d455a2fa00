//! Language and region, from `Accept-Language`.

/// Longest tag that is taken: language, script and region are 11.
const LONGEST: usize = 35;

/// The language that the header asks for most, as `en-US` or `zh-Hans-CN`.
#[must_use]
pub fn preferred(header: &str) -> Option<String> {
    let mut best: Option<(&str, f32)> = None;
    for range in header.split(',') {
        let mut parts = range.split(';');
        let tag = parts.next().unwrap_or_default().trim();
        let quality =
            parts.find_map(|part| part.trim().strip_prefix("q=")?.trim().parse().ok()).unwrap_or(1.0_f32);
        if is_tag(tag) && quality > best.map_or(0.0, |(_, quality)| quality) {
            best = Some((tag, quality));
        }
    }
    best.map(|(tag, _)| spelled(tag))
}

fn is_tag(tag: &str) -> bool {
    let language = tag.split('-').next().unwrap_or_default();
    (2..=8).contains(&language.len())
        && tag.len() <= LONGEST
        && language.bytes().all(|letter| letter.is_ascii_alphabetic())
        && tag.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-')
}

/// As BCP 47 recommends: language in small letters, script with a capital, region in capitals.
fn spelled(tag: &str) -> String {
    let mut spelled = String::with_capacity(tag.len());
    for (place, part) in tag.split('-').enumerate() {
        if place > 0 {
            spelled.push('-');
        }
        match (place, part.len()) {
            (1.., 2) => spelled.push_str(&part.to_ascii_uppercase()),
            (1.., 4) => {
                let (first, rest) = part.split_at(1);
                spelled.push_str(&first.to_ascii_uppercase());
                spelled.push_str(&rest.to_ascii_lowercase());
            }
            _ => spelled.push_str(&part.to_ascii_lowercase()),
        }
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("en-US,en;q=0.9", Some("en-US"))]
    #[case("de", Some("de"))]
    #[case("fr;q=0.5, PT-br;q=0.8", Some("pt-BR"))]
    #[case("zh-hans-cn", Some("zh-Hans-CN"))]
    #[case("es-419", Some("es-419"))]
    #[case("*", None)]
    #[case("*;q=0.5, en;q=0", None)]
    #[case("", None)]
    #[case("<script>", None)]
    #[case("en;q=nonsense", Some("en"))]
    #[case("é-ü", None)]
    fn the_language_asked_for_most_is_the_culture(#[case] header: &str, #[case] culture: Option<&str>) {
        assert_eq!(preferred(header).as_deref(), culture);
    }
}
