//! Accounts: people who show a name and a password. Never logs either; says of neither which of them was wrong.
//!
//! Argon2id is dear on purpose: it runs off the threads that answer, few at once, and not for whoever has shown too many wrong
//! passwords. A name that is nobody's costs as much as one that is somebody's. What was right is remembered for a minute, under
//! a hash that nobody else can make, and only as long as the account stays as it is.

use super::{Limited, Limiter, Loaded, Prefix, Rate};
use crate::{answer::Denied, reason, request::Request};
use argon2::{Argon2, PasswordHash, PasswordVerifier};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;
use tracker_stream::{
    fault::{Fault, Refusal},
    keys::{Account, Scope, Unfit},
};
use uuid::Uuid;

/// Who somebody says he is.
#[derive(Clone, PartialEq, Eq)]
pub enum Shown {
    /// `Authorization: Bearer …`.
    Secret(String),
    /// `Authorization: Basic …`, or the path.
    Account {
        /// Name.
        uid: String,
        /// Password.
        password: String,
    },
}

impl Shown {
    /// What the header says.
    ///
    /// # Errors
    /// There is none, or none that can be read.
    pub fn of(request: &Request) -> Result<Self, Refusal> {
        let mend = "send `Authorization: Basic` with an account, or `Bearer` with a secret key";
        if let Some(secret) = request.secret() {
            return Ok(Self::Secret(secret.to_owned()));
        }
        let account = request.basic().ok_or_else(|| reason::MISSING_KEY.refuse(mend))?;
        let (uid, password) = account;
        Ok(Self::Account { uid, password })
    }
}

/// What it takes to know an account.
pub struct Accounts {
    work: Arc<Semaphore>,
    attempts: Limiter<Prefix>,
    verified: Mutex<HashMap<[u8; 32], Instant>>,
    blind: [u8; 16],
}

/// Passwords being checked at once: each takes 19 MiB and some 30 ms of a core.
const AT_ONCE: usize = 2;
/// How long the next ones wait for their turn.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a password that was right is remembered.
const REMEMBERED: Duration = Duration::from_secs(60);
/// How many of them.
const MOST: usize = 1024;
/// The longest password: nobody is to make us hash megabytes.
const LONGEST: usize = 1024;
/// Attempts of one address: so many at once, and then one every ten seconds. Passwords that are remembered are none.
const ATTEMPTS: Rate = Rate { per_day: some(8640), burst: some(60), senders: 50_000 };
/// A hash of no password, for names that are nobody's.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmU$9wSSqUvXyWMDzVgcWpPPkpWFcsbVVYnMUJ0rLZ8VvMk";

const fn some(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Self {
            work: Arc::new(Semaphore::new(AT_ONCE)),
            attempts: Limiter::new(ATTEMPTS),
            verified: Mutex::default(),
            blind: Uuid::new_v4().into_bytes(),
        }
    }
}

impl Accounts {
    /// The account of that name, if the password is its, and it may do this now.
    ///
    /// # Errors
    /// No such account or another password, which is one refusal; an account that has expired or may do other things; too
    /// many attempts; too much to do.
    pub async fn verify<'a>(
        &self,
        keys: &'a Loaded,
        (uid, password): (&str, String),
        scope: Scope,
        (from, now_ms): (IpAddr, i64),
    ) -> Result<&'a Account, Denied> {
        let unknown =
            || reason::UNKNOWN_ACCOUNT.refuse("there is no such account, or its password is another");
        if password.len() > LONGEST {
            return Err(unknown().into());
        }
        let known = keys.account(uid);
        let hash = known.map_or(NOBODY, |account| account.argon2id.as_str());
        let print = self.print(uid, &password, hash);
        if !self.remembers(&print, Instant::now()) {
            self.attempts.admit(&Prefix::from(from)).map_err(|left| Limited { wait: left.wait })?;
            let is_right = self.check(hash.to_owned(), password).await?;
            if !is_right || known.is_none() {
                return Err(unknown().into());
            }
            self.remember(print, Instant::now());
        }
        let account = known.ok_or_else(unknown)?;
        let fits = account.scopes.fit(scope, account.expires_at, now_ms);
        fits.map(|()| account).map_err(|unfit| match unfit {
            Unfit::Unknown => unknown().into(),
            Unfit::Expired => reason::EXPIRED_KEY.refuse("the account was good until some time ago").into(),
            Unfit::WrongScope => {
                let detail = format!("use an account with the scope `{}`", scope.name());
                reason::WRONG_SCOPE.refuse(detail).into()
            }
        })
    }

    /// Forgets whose time is over.
    pub fn sweep(&self) {
        self.attempts.sweep();
        self.forget(Instant::now());
    }

    async fn check(&self, hash: String, password: String) -> Result<bool, Fault> {
        let busy = || Fault::new("accounts_busy", "too many passwords are being checked");
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.work).acquire_owned()).await;
        let turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
        let checked = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            // The hash says its own costs: one that was made with others stays good.
            let is = |hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
            PasswordHash::new(&hash).is_ok_and(is)
        });
        checked.await.map_err(|_| busy())
    }

    /// Another account, password or hash of it has another.
    fn print(&self, uid: &str, password: &str, hash: &str) -> [u8; 32] {
        let mut print = keyed(&self.blind);
        for part in [uid, password, hash] {
            print.update(&(part.len() as u64).to_le_bytes());
            print.update(part.as_bytes());
        }
        print.finalize().into_bytes().into()
    }

    fn remembers(&self, print: &[u8; 32], now: Instant) -> bool {
        let verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        verified.get(print).is_some_and(|until| now < *until)
    }

    fn remember(&self, print: [u8; 32], now: Instant) {
        self.forget(now);
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.len() < MOST {
            verified.insert(print, now + REMEMBERED);
        }
    }

    fn forget(&self, now: Instant) {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, until| now < *until);
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key of 16 bytes")
}
