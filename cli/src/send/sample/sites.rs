//! What the sample is made of: sites, networks, browsers, robots, ways in, broken lines.

/// A site and its pages; the first is where most come in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Site {
    pub host: &'static str,
    pub pages: &'static [&'static str],
    /// Where a visit is worth something.
    pub goal: &'static str,
}

pub const SITES: &[Site] = &[
    Site {
        host: "shop.example.com",
        pages: &[
            "/",
            "/shoes",
            "/shoes/trail-runner?size=42",
            "/shoes/road-runner?size=40",
            "/jackets",
            "/jackets/rain",
            "/search?q=waterproof+shoes",
            "/basket",
            "/checkout?step=1",
            "/account?token=5ecre7",
            "/stores/z%C3%BCrich",
        ],
        goal: "/checkout/pay",
    },
    Site {
        host: "blog.example.org",
        pages: &[
            "/",
            "/2026/kafka-without-tears",
            "/2026/clickhouse-basics",
            "/2026/why-logs",
            "/tags/rust",
            "/about",
            "/search?q=%E6%9D%B1%E4%BA%AC",
            "/2025/a-year-in-review",
        ],
        goal: "/newsletter",
    },
    Site {
        host: "docs.example.net",
        pages: &[
            "/",
            "/start",
            "/start/install",
            "/reference/config",
            "/reference/api?lang=en",
            "/faq",
            "/changelog",
        ],
        goal: "/feedback",
    },
    Site {
        host: "app.example.io",
        pages: &[
            "/login",
            "/dashboard",
            "/reports?from=2026-11-01&to=2026-11-07",
            "/settings/profile",
            "/projects/42",
        ],
        goal: "/projects",
    },
];

/// Beginnings of addresses of networks all over the world.
pub const NETWORKS: &[&str] = &[
    "81.2",
    "86.140",
    "91.5",
    "90.30",
    "24.48",
    "73.15",
    "98.207",
    "126.25",
    "177.40",
    "101.160",
    "49.36",
    "78.64",
    "85.4",
    "80.56",
    "151.38",
    "83.45",
    "2a02:8071",
    "2601:646",
    "2400:4050",
    "2a01:cb00",
];

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const ANDROID: &str = "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36";
const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1";

/// What visitors use; the common ones stand more than once.
pub const BROWSERS: &[&str] = &[
    CHROME,
    CHROME,
    CHROME,
    ANDROID,
    ANDROID,
    IPHONE,
    IPHONE,
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
];

/// Robots: address and name.
pub const ROBOTS: &[(&str, &str)] = &[
    ("66.249.66.1", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    ("66.249.66.1", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    ("157.55.39.1", "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"),
    (
        "20.171.207.1",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    ),
    ("54.36.148.1", "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"),
    ("203.0.113.9", "curl/8.14.1"),
    ("198.51.100.23", "python-requests/2.32.5"),
    ("2001:db8::b07", "-"),
];

/// Ways in: referer, and what is added to the page's address.
pub const WAYS_IN: &[(&str, &str)] = &[
    ("", ""),
    ("", ""),
    ("", ""),
    ("https://www.google.com/", ""),
    ("https://www.google.com/", ""),
    ("https://www.bing.com/search?q=trail+running+shoes", ""),
    ("https://duckduckgo.com/", ""),
    ("https://www.reddit.com/r/rust/", ""),
    ("https://www.facebook.com/", "fbclid=IwAR0example"),
    ("https://chatgpt.com/", "utm_source=chatgpt.com"),
    ("https://www.google.com/", "gclid=Cj0KCQexample&utm_source=google&utm_medium=cpc&utm_campaign=winter"),
    ("", "utm_source=newsletter&utm_medium=email&utm_campaign=november"),
    ("https://runners-weekly.example/reviews?page=2", ""),
];

/// Parts of pages.
pub const PARTS: &[&str] = &[
    "/assets/app.3f2a1b.js",
    "/assets/site.9c8d7e.css",
    "/assets/logo.svg",
    "/favicon.ico",
    "/assets/hero-1200.webp",
];

/// Lines that are none; `TIME` stands for the time.
pub const BROKEN: &[&str] = &[
    r#"192.0.2.10 - - [TIME] "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" 400 157 "-" "-""#,
    r#"192.0.2.11 - - [TIME] "-" 408 0 "-" "-""#,
    r#"192.0.2.12 - - [TIME] "GET /shoes HTT"#,
    r#"192.0.2.13 - - [24/Nov/2026:08:0"#,
    r#"192.0.2.14 - - [TIME] "OPTIONS * HTTP/1.1" 200 0 "-" "-""#,
    r#"2026/11/24 08:00:00 [error] 7#7: *1 open() "/srv/www/x" failed (2: No such file or directory)"#,
    r#"192.0.2.15 - - [TIME] "GET / HTTP/1.1" abc 12 "-" "curl/8.14.1""#,
    "\u{fffd}\u{fffd}\u{fffd}",
];
