//! What kind of device: by the words that its makers put into the User-Agent.

/// What kind of device it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A computer with a keyboard.
    Desktop,
    /// A telephone.
    Mobile,
    /// A tablet.
    Tablet,
    /// A television, a set-top box, a console: something across the room.
    Tv,
    /// No device: a program.
    Bot,
}

const TV: &[&str] = &[
    "smart-tv",
    "smarttv",
    "smart tv",
    "googletv",
    "google tv",
    "android tv",
    "appletv",
    "apple tv",
    "hbbtv",
    "netcast",
    "web0s",
    "webos.tv",
    "bravia",
    "roku",
    "crkey",
    "viera",
    "aquosbrowser",
    "opera tv",
    "tizen tv",
    "playstation",
    "xbox",
    "nintendo",
    "; aft",
    "dtv;",
    "mitv",
];
const TABLET: &[&str] =
    &["ipad", "tablet", "kindle", "playbook", "silk/", "sm-t", "sm-x", "nexus 7", "nexus 9", "nexus 10"];
const MOBILE: &[&str] = &[
    "mobi",
    "iphone",
    "ipod",
    "windows phone",
    "blackberry",
    "bb10",
    "opera mini",
    "kaios",
    "symbian",
    "phone",
    "smartphone",
];
const DESKTOP: &[&str] = &["windows nt", "macintosh", "x11", "cros ", "linux x86_64", "win64", "desktop"];

impl Form {
    /// The form that the words of `text`, else the operating system, stand for.
    #[must_use]
    pub fn of(text: &str, os: Option<&str>) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        // The order matters: televisions and tablets call themselves by a telephone's system, telephones by a desktop's.
        if has(TV) {
            return Some(Self::Tv);
        }
        if has(TABLET) && !text.contains("windows nt") {
            return Some(Self::Tablet);
        }
        if has(MOBILE) {
            return Some(Self::Mobile);
        }
        if text.contains("android") {
            return Some(Self::Tablet); // Google asks telephones to say `Mobile`, and tablets not to
        }
        if has(DESKTOP) {
            return Some(Self::Desktop);
        }
        match os? {
            "iOS" | "Android" => Some(Self::Mobile),
            "Windows" | "Mac OS X" | "Linux" | "Ubuntu" | "Chrome OS" => Some(Self::Desktop),
            _ => None,
        }
    }

    /// The word in `device_type`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Mobile => "mobile",
            Self::Tablet => "tablet",
            Self::Tv => "tv",
            Self::Bot => "bot",
        }
    }
}
