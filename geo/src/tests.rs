use super::*;
use std::fs;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn geo(names: &[&str]) -> Geo {
    Geo::open(&names.iter().map(|name| fixture(name)).collect::<Vec<_>>())
}

fn find(geo: &Geo, address: &str) -> Place {
    geo.find(address.parse().unwrap())
}

#[test]
fn an_ipv4_and_an_ipv6_address_are_found_in_their_own_files() {
    let geo = geo(&["city-ipv4.mmdb", "city-ipv6.mmdb", "asn.mmdb"]);
    insta::assert_debug_snapshot!([
        find(&geo, "198.51.100.7"),
        find(&geo, "2001:db8::7"),
        find(&geo, "203.0.113.200")
    ]);
}

#[test]
fn the_nested_layout_says_the_same_as_the_flat_one() {
    let nested = find(&geo(&["city-nested.mmdb"]), "2001:db8::7");
    let flat = find(&geo(&["city-ipv6.mmdb"]), "2001:db8::7");
    assert_eq!(nested, Place { tz: Some("Europe/Paris".to_owned()), ..flat });
}

#[test]
fn a_later_file_only_adds_what_the_earlier_did_not_know() {
    let geo = geo(&["city-ipv6.mmdb", "country.mmdb"]);
    assert_eq!(find(&geo, "2001:db8::7").country.as_deref(), Some("FR"));
    assert_eq!(find(&geo, "2001:db8:7::7").country.as_deref(), Some("NL"));
}

#[test]
fn an_ipv6_address_is_not_looked_for_in_an_ipv4_file() {
    // The first 32 bits of the address are those of a network of the file.
    assert_eq!(find(&geo(&["city-ipv4.mmdb"]), "c633:6407::1"), Place::default());
}

#[test]
fn an_unknown_address_and_a_missing_file_leave_everything_empty() {
    let geo = geo(&["city-ipv4.mmdb", "not-there.mmdb"]);
    assert_eq!(find(&geo, "127.0.0.1"), Place::default());
    assert_eq!(geo.missing().collect::<Vec<_>>(), [fixture("not-there.mmdb")]);
}

#[test]
fn a_file_is_read_again_when_it_has_changed_and_a_bad_one_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("city.mmdb");
    let geo = Geo::open([&path]);
    let country = || find(&geo, "81.2.69.7").country;
    assert_eq!(country(), None);

    fs::copy(fixture("city-ipv4.mmdb"), &path).unwrap();
    geo.refresh();
    assert_eq!(country().as_deref(), Some("GB"));

    let whole = fs::read(fixture("city-nested.mmdb")).unwrap();
    for part in [&whole[..whole.len() / 2], &whole[..0], &b"not a database"[..]] {
        fs::write(&path, part).unwrap(); // in place, under the mapping
        geo.refresh();
        assert_eq!(country().as_deref(), Some("GB"), "the last good state stays in use");
    }

    fs::write(&path, &whole).unwrap();
    geo.refresh();
    assert_eq!(find(&geo, "81.2.69.7").zip.as_deref(), Some("EC2V"));

    fs::remove_file(&path).unwrap();
    geo.refresh();
    assert_eq!(country().as_deref(), Some("GB"));
}

#[tokio::test]
async fn a_watched_file_is_taken_over_without_being_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("city.mmdb");
    let geo = Arc::new(Geo::open([&path]));
    let shutdown = CancellationToken::new();
    let health = Health::of(&[]);
    let watching = Arc::clone(&geo).watch(Duration::from_millis(10), health.clone(), shutdown.clone());
    let watching = tokio::spawn(watching);
    let until = async |noted: bool| {
        let changed = async {
            while health.notes().is_empty() == noted {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), changed).await.unwrap();
    };
    until(true).await;
    assert_eq!(health.notes(), [("geoip", format!("not in use: {}", path.display()))]);
    fs::copy(fixture("city-ipv4.mmdb"), &path).unwrap();
    until(false).await;
    assert_eq!(find(&geo, "81.2.69.7").city.as_deref(), Some("London"));
    shutdown.cancel();
    watching.await.unwrap();
}

#[tokio::test]
async fn files_are_read_in_the_background_and_whoever_waits_finds_them() {
    let (there, missing) = (fixture("city-ipv4.mmdb"), fixture("not-there.mmdb"));
    let geo = Geo::opening([&there, &missing]);
    geo.opened().await;
    assert_eq!(find(&geo, "81.2.69.7").city.as_deref(), Some("London"));
    assert_eq!(geo.missing().collect::<Vec<_>>(), [missing]);
}
