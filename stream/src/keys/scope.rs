//! What a key may do. Pure.

use super::Unfit;
use std::fmt;

/// One thing that a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Send what browsers and apps send: the one scope of a public key.
    Write,
    /// Send events as a server.
    Events,
    /// Send payments.
    Payments,
    /// Make and list short links.
    Links,
    /// Ask for the erasure of a person.
    Forget,
    /// Ask what became of an event or a payment.
    Trace,
}

impl Scope {
    /// Those of secret keys.
    pub const SECRET: [Self; 5] = [Self::Events, Self::Payments, Self::Links, Self::Forget, Self::Trace];

    /// Its name, as it stands in the key file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Events => "events",
            Self::Payments => "payments",
            Self::Links => "links",
            Self::Forget => "forget",
            Self::Trace => "trace",
        }
    }

    /// The scope of a secret key that has this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::SECRET.into_iter().find(|scope| scope.name() == name)
    }
}

/// All that a key may do.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// Whatever a secret key may.
    pub const SECRET: Self = Self(0b11_1110);

    /// Whether this is among them.
    #[must_use]
    pub const fn allow(self, scope: Scope) -> bool {
        self.0 & Self::bit(scope) != 0
    }

    /// Whether who has these until `expires_at` may do this now.
    ///
    /// # Errors
    /// Why not.
    pub fn fit(self, scope: Scope, expires_at: Option<i64>, now_ms: i64) -> Result<(), Unfit> {
        if expires_at.is_some_and(|at| now_ms >= at) {
            return Err(Unfit::Expired);
        }
        if self.allow(scope) { Ok(()) } else { Err(Unfit::WrongScope) }
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let all = [Scope::Write].into_iter().chain(Scope::SECRET);
        all.filter(move |scope| self.allow(*scope)).map(Scope::name)
    }

    const fn bit(scope: Scope) -> u8 {
        1 << scope as u8
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | Self::bit(scope)))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_do_what_its_scopes_name_and_nothing_else() {
        let scopes = Scopes::from_iter([Scope::Payments, Scope::Trace]);
        assert!(scopes.allow(Scope::Payments) && !scopes.allow(Scope::Events));
        assert_eq!(scopes.names().collect::<Vec<_>>(), ["payments", "trace"]);
        assert_eq!(Scopes::SECRET, Scopes::from_iter(Scope::SECRET));
        assert!(!Scopes::SECRET.allow(Scope::Write), "a secret is not to be shown to browsers");
    }

    #[test]
    fn every_scope_of_a_secret_is_found_by_its_name() {
        assert!(Scope::SECRET.into_iter().all(|scope| Scope::of(scope.name()) == Some(scope)));
        assert_eq!(Scope::of("write"), None);
    }
}
