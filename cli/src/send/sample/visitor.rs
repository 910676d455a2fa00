//! One visitor: where it comes from, what it uses, which page it is on.

use super::{
    Request,
    random::Random,
    sites::{BROWSERS, NETWORKS, PARTS, SITES, Site, WAYS_IN},
};
use tracker_schemas::Timestamp;

/// A visitor between two requests.
pub struct Visitor {
    site: Site,
    ip: String,
    agent: &'static str,
    /// Address of the page it is on.
    page: String,
    last_at: Timestamp,
}

/// Without a request for so long, the next one begins a session.
const SESSION_MS: i64 = 30 * 60 * 1000;

impl Visitor {
    /// Somebody.
    pub fn new(random: &mut Random, sites: usize) -> Self {
        let network = random.pick(NETWORKS);
        let (one, other) = (random.below(256), 1 + random.below(254));
        let ip = if network.contains(':') {
            format!("{network}:{:x}::{:x}", random.below(0x1_0000), 1 + random.below(0xffff))
        } else {
            format!("{network}.{one}.{other}")
        };
        Self {
            site: random.pick(SITES.get(..sites).unwrap_or(SITES)),
            ip,
            agent: random.pick(BROWSERS),
            page: String::new(),
            last_at: Timestamp(i64::MIN / 2),
        }
    }

    /// Its next request.
    pub fn request(&mut self, random: &mut Random, at: Timestamp) -> Request {
        let fresh = self.page.is_empty() || at.0 - self.last_at.0 > SESSION_MS;
        self.last_at = at;
        if !fresh && random.percent(25) {
            let part = random.pick(PARTS).to_owned();
            let (status, bytes) =
                if random.percent(30) { (304, 0) } else { (200, 1_000 + random.below(200_000)) };
            return self.asked("GET", part, (status, bytes), self.page.clone());
        }
        if !fresh && random.percent(3) {
            return self.asked("POST", self.site.goal.to_owned(), (303, 0), self.page.clone());
        }
        let (from, tail) = if fresh { random.pick(WAYS_IN) } else { ("", "") };
        let referer = if fresh { from.to_owned() } else { self.page.clone() };
        let page = if fresh && random.percent(40) { self.site.pages.first().copied() } else { None };
        let page = page.unwrap_or_else(|| random.pick(self.site.pages));
        let target = match (tail, page.contains('?')) {
            ("", _) => page.to_owned(),
            (tail, true) => format!("{page}&{tail}"),
            (tail, false) => format!("{page}?{tail}"),
        };
        self.page = format!("https://{}{page}", self.site.host);
        let status = match random.below(1000) {
            0..30 => 404,
            30..33 => 500,
            33..50 => 301,
            _ => 200,
        };
        self.asked("GET", target, (status, 2_000 + random.below(60_000)), referer)
    }

    fn asked(
        &self,
        method: &'static str,
        target: String,
        (status, bytes): (u16, u64),
        referer: String,
    ) -> Request {
        let (site, ip, agent) = (self.site.host, self.ip.clone(), self.agent);
        Request { site, ip, method, target, status, bytes, referer, agent }
    }
}
