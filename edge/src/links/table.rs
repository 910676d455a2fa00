//! All links in memory. Whoever reads takes no lock and waits for nobody; whoever writes copies one small part.
//!
//! The links lie in [`SHARDS`] parts, by a hash of their address. A part is one block of bytes, the packed links one after
//! the other, and an index of 8 bytes a link; a change makes the part anew and puts it in the place of the old one. With a
//! million links a part has 61, about 8 KB. A map of a million strings would need three times the memory, and a lock, or a
//! copy of all of it for each change.
//!
//! A million links with 99 bytes of text each take 176 bytes of memory a link, the allocator's waste included
//! (`cargo test -p tracker-edge --lib a_million_links -- --nocapture`).

use super::packed;
use arc_swap::ArcSwapOption;
use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tracker_schemas::Redirect;

/// How many parts.
pub const SHARDS: usize = 1 << 14;

/// Links by their address.
pub struct Table {
    /// Nobody can choose addresses that all fall into one part.
    blind: RandomState,
    shards: Box<[ArcSwapOption<Shard>]>,
    links: AtomicUsize,
}

/// Never changed: another one takes its place.
#[derive(Default)]
struct Shard {
    index: Box<[Entry]>,
    bytes: Box<[u8]>,
}

#[derive(Clone, Copy)]
struct Entry {
    /// Part of the hash: what differs here needs no comparison of addresses.
    tag: u32,
    /// Where its bytes end; they begin where those of the one before it end.
    end: u32,
}

/// Where an address belongs.
#[derive(Clone, Copy)]
struct Place {
    shard: usize,
    tag: u32,
}

impl Default for Table {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| ArcSwapOption::empty()).collect();
        Self { blind: RandomState::new(), shards, links: AtomicUsize::new(0) }
    }
}

impl Table {
    /// The link of an address.
    #[must_use]
    pub fn find(&self, address: &str) -> Option<Redirect> {
        let place = self.place(address);
        let shard = self.shards.get(place.shard)?.load();
        let packed = shard.as_ref()?.find(place.tag, address)?;
        packed::unpack(packed)
    }

    /// Puts a link in the place of the one that its address has.
    pub fn put(&self, link: &Redirect) {
        self.change(&link.address, Some(&packed::pack(link)));
    }

    /// Removes a link, if it is there.
    pub fn remove(&self, address: &str) {
        self.change(address, None);
    }

    /// How many links there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.links.load(Ordering::Relaxed)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The links of a host that are `wanted`, in the order of their addresses, those after `after`, at most so many. Looks at
    /// every link.
    #[must_use]
    pub fn of_host(
        &self,
        host: &str,
        after: &str,
        most: usize,
        wanted: impl Fn(&Redirect) -> bool,
    ) -> Vec<Redirect> {
        let is_of_host = |address: &str| {
            address.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut found: BTreeMap<String, Redirect> = BTreeMap::new();
        for shard in &self.shards {
            let shard = shard.load();
            let links = shard.iter().flat_map(|shard| shard.links().map(|(_, packed)| packed));
            for packed in links {
                let Some(address) = packed::address(packed) else { continue };
                let is_full = found.len() >= most;
                let is_behind =
                    is_full && found.last_key_value().is_none_or(|(last, _)| address > last.as_str());
                if !is_of_host(address) || address <= after || is_behind {
                    continue;
                }
                if let Some(link) = packed::unpack(packed).filter(&wanted) {
                    found.insert(address.to_owned(), link);
                    if is_full {
                        found.pop_last();
                    }
                }
            }
        }
        found.into_values().collect()
    }

    fn place(&self, address: &str) -> Place {
        let hash = self.blind.hash_one(address);
        Place { shard: (hash as usize) % SHARDS, tag: (hash >> 32) as u32 }
    }

    fn change(&self, address: &str, packed: Option<&[u8]>) {
        let place = self.place(address);
        let Some(shard) = self.shards.get(place.shard) else { return };
        let before = shard.rcu(|shard| {
            let next = shard.as_deref().unwrap_or(&Shard::default()).with(place.tag, address, packed);
            (!next.index.is_empty()).then(|| Arc::new(next))
        });
        let was_there = before.is_some_and(|shard| shard.find(place.tag, address).is_some());
        match (was_there, packed.is_some()) {
            (false, true) => self.links.fetch_add(1, Ordering::Relaxed),
            (true, false) => self.links.fetch_sub(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

impl Shard {
    fn links(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.index.iter().scan(0_usize, |start, entry| {
            let (from, end) = (*start, entry.end as usize);
            *start = end;
            Some((entry.tag, self.bytes.get(from..end).unwrap_or_default()))
        })
    }

    fn find(&self, tag: u32, address: &str) -> Option<&[u8]> {
        let mut near = self.links().filter(|(known, _)| *known == tag).map(|(_, packed)| packed);
        near.find(|packed| packed::address(packed) == Some(address))
    }

    /// The same with this link in the place of the one of that address; `None`: without it.
    fn with(&self, tag: u32, address: &str, packed: Option<&[u8]>) -> Self {
        let others =
            self.links().filter(|(known, other)| *known != tag || packed::address(other) != Some(address));
        let more = packed.map_or(0, <[u8]>::len);
        let mut index = Vec::with_capacity(self.index.len() + 1);
        let mut bytes = Vec::with_capacity(self.bytes.len() + more);
        for (tag, packed) in others.chain(packed.map(|packed| (tag, packed))) {
            bytes.extend_from_slice(packed);
            index.push(Entry { tag, end: u32::try_from(bytes.len()).unwrap_or(u32::MAX) });
        }
        Self { index: index.into_boxed_slice(), bytes: bytes.into_boxed_slice() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{collections::HashMap, time::Instant};

    fn link(address: &str, urlto: &str) -> Redirect {
        let urlfrom = format!("https://{address}");
        Redirect { address: address.to_owned(), urlfrom, urlto: urlto.to_owned(), ..Redirect::default() }
    }

    #[test]
    fn a_link_is_found_changed_and_removed() {
        let table = Table::default();
        assert_eq!(table.find("a/x"), None);
        table.put(&link("a/x", "https://one.example/"));
        table.put(&link("a/y", "https://two.example/"));
        table.put(&link("a/x", "https://three.example/"));
        assert_eq!(table.find("a/x").unwrap().urlto, "https://three.example/");
        assert_eq!((table.find("a/z"), table.len()), (None, 2));
        table.remove("a/x");
        table.remove("a/x");
        assert_eq!((table.find("a/x"), table.len()), (None, 1));
    }

    #[test]
    fn the_links_of_a_host_are_told_in_order_and_page_by_page() {
        let table = Table::default();
        for address in ["sho.example/c", "sho.example/a", "sho.example.org/a", "sho.example/b"] {
            table.put(&link(address, "https://to.example/"));
        }
        let told = |after: &str, most| {
            let links = table.of_host("sho.example", after, most, |_| true);
            links.into_iter().map(|link| link.address).collect::<Vec<_>>()
        };
        assert_eq!(told("", 9), ["sho.example/a", "sho.example/b", "sho.example/c"]);
        assert_eq!(told("", 2), ["sho.example/a", "sho.example/b"]);
        assert_eq!(told("sho.example/b", 2), ["sho.example/c"]);
        let wanted = |link: &Redirect| link.address != "sho.example/a";
        let page = table.of_host("sho.example", "", 2, wanted);
        let page: Vec<_> = page.iter().map(|link| link.address.as_str()).collect();
        assert_eq!(page, ["sho.example/b", "sho.example/c"], "what is not wanted takes no place");
    }

    proptest! {
        #[test]
        fn a_shard_holds_what_a_map_would(changes in proptest::collection::vec((0_u8..6, any::<Option<u8>>()), 0..60)) {
            let (mut shard, mut model) = (Shard::default(), HashMap::new());
            for (key, value) in changes {
                let address = format!("host/{key}");
                let packed = value.map(|value| packed::pack(&link(&address, &value.to_string())));
                shard = shard.with(u32::from(key % 2), &address, packed.as_deref()); // tags that repeat
                match packed {
                    Some(packed) => model.insert(address, packed),
                    None => model.remove(&address),
                };
            }
            prop_assert_eq!(shard.index.len(), model.len());
            for key in 0..6_u8 {
                let address = format!("host/{key}");
                prop_assert_eq!(shard.find(u32::from(key % 2), &address), model.get(&address).map(Vec::as_slice));
            }
        }
    }

    /// Resident memory of this process.
    fn resident() -> usize {
        let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
        pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    }

    /// Runs one test in a process of its own: what the others hold meanwhile is not to be measured.
    fn alone(name: &str) {
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        let output = again.args(["--exact", name, "--nocapture"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        print!("{said}");
        assert!(said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    }

    #[test]
    fn a_million_links_take_less_than_200_bytes_each() {
        if !std::env::args().any(|argument| argument == "--exact") {
            return alone("links::table::tests::a_million_links_take_less_than_200_bytes_each");
        }
        const LINKS: usize = 1_000_000;
        let made = |number: usize| {
            let urlto =
                format!("https://shop.example.com/catalogue/{number:07}/spring?utm_source=newsletter");
            Redirect { updater: "marketing".to_owned(), ..link(&format!("sho.example/{number:07x}"), &urlto) }
        };
        let (table, before, started_at) = (Table::default(), resident(), Instant::now());
        (0..LINKS).for_each(|number| table.put(&made(number)));
        let (grown, filled) = (resident() - before, started_at.elapsed());
        let texts = made(0).address.len() + made(0).urlto.len() + made(0).updater.len();
        let started_at = Instant::now();
        let asked = || (0..LINKS).step_by(10);
        let found = asked().filter(|number| table.find(&made(*number).address).is_some()).count();
        println!(
            "{} bytes a link ({texts} of them its texts), filled in {filled:?}; {:?} a look-up",
            grown / LINKS,
            started_at.elapsed() / asked().count() as u32,
        );
        assert_eq!((found, table.len()), (asked().count(), LINKS));
        assert!(grown / LINKS < 200, "{} bytes a link", grown / LINKS);
    }
}
