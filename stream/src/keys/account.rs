//! Accounts of people: a name and a password, of which the file has the argon2id hash.

use super::Scopes;
use std::fmt;
use uuid::Uuid;

/// One account.
#[derive(Clone)]
pub struct Account {
    /// Name.
    pub uid: String,
    /// Hash of the password, in PHC form: `$argon2id$v=19$m=…`. A password can be guessed, so a plain hash is not enough.
    pub argon2id: String,
    /// The tenant that it speaks for; `None`: any.
    pub tenant: Option<Uuid>,
    /// What it may do: of all scopes, only that of short links has a route that takes an account.
    pub scopes: Scopes,
    /// From when on it is good for nothing, milliseconds since the epoch.
    pub expires_at: Option<i64>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("uid", &self.uid)
            .field("tenant", &self.tenant)
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
