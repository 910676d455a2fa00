use super::*;
use rstest::rstest;
use std::sync::LazyLock;

static AGENTS: LazyLock<Agents> = LazyLock::new(|| Agents::new(100));

const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

#[rstest]
#[case(WINDOWS, "Desktop", "Windows", "Chrome", "desktop")]
#[case(
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
    "Mac",
    "Mac OS X",
    "Safari",
    "desktop"
)]
#[case(
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Desktop",
    "Linux",
    "Firefox",
    "desktop"
)]
#[case(
    "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Desktop",
    "Chrome OS",
    "Chrome",
    "desktop"
)]
#[case(
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
    "iPhone",
    "iOS",
    "Mobile Safari",
    "mobile"
)]
#[case(
    "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
    "iPad",
    "iOS",
    "Mobile Safari",
    "tablet"
)]
#[case(
    "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
    "Samsung SM-S918B",
    "Android",
    "Chrome Mobile",
    "mobile"
)]
#[case(
    "Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "SM-X700",
    "Android",
    "Chrome",
    "tablet"
)]
#[case(
    "Mozilla/5.0 (Linux; Android 12; CUBOT X50) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
    "X50",
    "Android",
    "Chrome Mobile",
    "mobile"
)]
#[case(
    "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/4.0 Chrome/94.0.4606.31 TV Safari/537.36",
    "Samsung SMART-TV",
    "Tizen",
    "Samsung Internet",
    "tv"
)]
fn a_persons_device_is_identified(
    #[case] user_agent: &str,
    #[case] device: &str,
    #[case] os: &str,
    #[case] browser: &str,
    #[case] form: &str,
) {
    let agent = AGENTS.identify(Some(user_agent));
    let said =
        [&agent.device, &agent.os, &agent.browser].map(|said| said.as_deref().unwrap_or_default().to_owned());
    assert_eq!(said, [device, os, browser]);
    assert_eq!(agent.form.map(Form::word), Some(form));
    assert_eq!(agent.verdict(Kind::Client), None);
}

#[rstest]
#[case("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "crawler", true)]
#[case(
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "crawler",
    true
)]
#[case("facebookexternalhit/1.1", "crawler", true)]
#[case(
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
    "headless",
    true
)]
#[case("curl/8.5.0", "library", false)]
#[case("python-requests/2.32.3", "library", false)]
#[case("Go-http-client/2.0", "library", false)]
#[case("billing/2026.11 (+https://shop.example.com)", "fetcher", false)]
#[case("", "no_user_agent", false)]
#[case("-", "no_user_agent", false)]
fn a_program_is_a_bot_unless_a_server_sends_by_it(
    #[case] user_agent: &str,
    #[case] reason: &str,
    #[case] always: bool,
) {
    let agent = AGENTS.identify(Some(user_agent));
    assert_eq!(agent.verdict(Kind::Client), Some(reason));
    assert_eq!(agent.verdict(Kind::Server), always.then_some(reason));
}

#[test]
fn a_bot_has_no_persons_device() {
    assert_eq!(AGENTS.identify(Some("curl/8.5.0")).form, Some(Form::Bot));
    assert_eq!(AGENTS.identify(None).form, None);
}

#[test]
fn an_apps_http_library_is_no_bot() {
    for user_agent in ["MyShop/3.1 (Android 14) okhttp/4.12.0", "MyShop/7 CFNetwork/1496.0.7 Darwin/23.5.0"] {
        assert_eq!(AGENTS.identify(Some(user_agent)).verdict(Kind::Client), None, "{user_agent}");
    }
}

#[test]
fn a_text_is_taken_apart_once() {
    let agents = Agents::new(10);
    assert!(Arc::ptr_eq(&agents.identify(Some(WINDOWS)), &agents.identify(Some(WINDOWS))));
}

#[test]
fn what_is_remembered_is_bounded_in_number_and_in_length() {
    let agents = Agents::new(10);
    for number in 0..1000 {
        let text = format!("{number} {}", "é".repeat(10_000));
        assert_eq!(agents.identify(Some(&text)).browser, None);
    }
    assert!(agents.remembered.len() <= 10, "{}", agents.remembered.len());
    assert!(agents.remembered.iter().all(|(text, _)| text.len() <= LONGEST));
}

#[rstest]
#[case("mobile", Some(Form::Mobile))]
#[case("Tablet", Some(Form::Tablet))]
#[case("desktop", Some(Form::Desktop))]
#[case("iPhone 15", Some(Form::Mobile))]
#[case("toaster", None)]
fn a_clients_own_word_for_its_device_has_a_form(#[case] word: &str, #[case] form: Option<Form>) {
    assert_eq!(Form::of(word, None), form);
}
