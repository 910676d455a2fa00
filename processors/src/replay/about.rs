//! What a replay must know of a message: which row it is, and whose. Pure.

use crate::codec;
use tracker_schemas::{Decoder, Enriched, Event, Fact, Payment, Record};
use tracker_stream::{config::Settings, envelope::Message, process::Failure};
use uuid::Uuid;

use super::Replayed;

/// What tells a row from every other of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// Tenant, of a payment; of an event, whose id is enough, zero.
    pub oid: Uuid,
    /// Event or payment id.
    pub id: Uuid,
}

/// What is known of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Which row it is.
    pub key: Key,
    /// Time of the event, milliseconds: the row stands in its month.
    pub created_at: i64,
    /// When the edge had it.
    pub received_at: i64,
    /// Visitor.
    pub vid: Option<Uuid>,
    /// User.
    pub uid: Option<Uuid>,
    /// Tenant.
    pub oid: Option<Uuid>,
}

/// Reads the records of one topic.
pub enum Records {
    /// Raw events.
    Events(Decoder<Event>),
    /// Enriched events.
    Enriched(Decoder<Enriched>),
    /// Payments.
    Payments(Decoder<Payment>),
}

impl Records {
    /// Of that topic, with the schemas that a registry knows.
    ///
    /// # Errors
    /// A registry that does not answer.
    pub async fn of(topic: Replayed, settings: &Settings) -> Result<Self, Failure> {
        Ok(match topic {
            Replayed::Events => Self::Events(codec::decoder(settings).await?),
            Replayed::Enriched => Self::Enriched(codec::decoder(settings).await?),
            Replayed::Payments => Self::Payments(codec::decoder(settings).await?),
        })
    }

    /// What is known of a message; `None` for one that is no record.
    #[must_use]
    pub fn about(&self, message: &Message) -> Option<About> {
        fn read<R: Record>(decoder: &Decoder<R>, message: &Message, about: fn(&R) -> About) -> Option<About> {
            decoder.decode(&message.payload).ok().as_ref().map(about)
        }
        match self {
            Self::Events(decoder) => read(decoder, message, |event| of_fact(&event.fact)),
            Self::Enriched(decoder) => read(decoder, message, |event| of_fact(&event.fact)),
            Self::Payments(decoder) => read(decoder, message, of_payment),
        }
    }
}

pub(super) const fn of_fact(fact: &Fact) -> About {
    About {
        key: Key { oid: Uuid::nil(), id: fact.eid },
        created_at: fact.created_at.0,
        received_at: fact.received_at.0,
        vid: fact.vid,
        uid: fact.uid,
        oid: fact.oid,
    }
}

pub(super) fn of_payment(payment: &Payment) -> About {
    About {
        key: Key { oid: payment.oid.unwrap_or(Uuid::nil()), id: payment.id },
        created_at: payment.created_at.0,
        received_at: payment.received_at.0,
        vid: payment.vid,
        uid: payment.uid,
        oid: payment.oid,
    }
}
