//! Whether a program sent it, by its own word: who lies about it is not found here.

/// What kind of program calls itself by this User-Agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// It reads pages for a search engine, an archive, a preview, a monitor, a model.
    Crawler,
    /// A browser without a window, as tests and scrapers use it.
    Headless,
    /// An HTTP library or command.
    Library,
    /// Something that names its home page, and nothing else that is known.
    Fetcher,
    /// It gives no name.
    Nameless,
}

const HEADLESS: &[&str] = &[
    "headless",
    "phantomjs",
    "slimerjs",
    "puppeteer",
    "playwright",
    "selenium",
    "webdriver",
    "cypress",
    "jsdom",
];

/// HTTP libraries and commands. `okhttp`, `CFNetwork` and `Dart` are not among them: people's apps send through those.
const LIBRARIES: &[&str] = &[
    "curl/",
    "wget",
    "libcurl",
    "python",
    "aiohttp",
    "httpx/",
    "urllib",
    "go-http-client",
    "java/",
    "apache-httpclient",
    "jakarta",
    "libwww",
    "lwp::",
    "ruby",
    "faraday",
    "axios",
    "node-fetch",
    "node.js",
    "undici",
    "got (",
    "postman",
    "insomnia",
    "httpie",
    "guzzle",
    "php/",
    "reqwest",
    "hyper/",
    "rest-client",
    "winhttp",
    "powershell",
    "perl",
];

/// Words that crawlers go by; `bot` is looked for by [`says_bot`].
const CRAWLERS: &[&str] = &[
    "crawl",
    "spider",
    "slurp",
    "scrapy",
    "facebookexternalhit",
    "facebookcatalog",
    "meta-external",
    "mediapartners",
    "lighthouse",
    "pagespeed",
    "gtmetrix",
    "pingdom",
    "uptime",
    "monitor",
    "statuscake",
    "archiver",
    "archive.org",
    "preview",
    "embedly",
    "whatsapp/",
    "bingpreview",
    "validator",
    "feedfetcher",
    "google-",
    "apis-google",
    "ia_archiver",
    "chatgpt-user",
    "claude-user",
    "perplexity-user",
    "ahrefs",
    "semrush",
    "scanner",
    "nmap",
    "zgrab",
    "masscan",
];

impl Program {
    /// The kind of program that `text` stands for, if it is one. `device` is the family that uap-core found.
    #[must_use]
    pub fn of(text: &str, device: Option<&str>) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if text.is_empty() || text == "-" {
            Some(Self::Nameless)
        } else if has(HEADLESS) {
            Some(Self::Headless)
        } else if device == Some("Spider") || has(CRAWLERS) || says_bot(&text) {
            Some(Self::Crawler)
        } else if has(LIBRARIES) {
            Some(Self::Library)
        } else if text.contains("+http") {
            Some(Self::Fetcher)
        } else {
            None
        }
    }

    /// Whether it runs on nothing that one could name a device.
    #[must_use]
    pub const fn has_no_device(self) -> bool {
        !matches!(self, Self::Nameless)
    }

    /// The tag in `bot_reason`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Crawler => "crawler",
            Self::Headless => "headless",
            Self::Library => "library",
            Self::Fetcher => "fetcher",
            Self::Nameless => "no_user_agent",
        }
    }
}

/// Whether a word of `text` ends in `bot`, and is not the name of a maker of telephones (Cubot).
fn says_bot(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| {
        let word = word.trim_end_matches(|letter: char| letter.is_ascii_digit());
        (word.ends_with("bot") || word.ends_with("bots")) && word != "cubot"
    })
}
