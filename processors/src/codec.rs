//! How values are framed: as the settings say, the same in every process.

use tracker_schemas::{Decoder, Encoder, Record};
use tracker_stream::{config::Settings, fault::Fault, process::Failure, registry};

/// Writes `R` for its topic: Avro single-object encoding, or Confluent's wire format where a registry is configured.
///
/// # Errors
/// A registry that does not answer, or does not take the schema.
pub async fn encoder<R: Record>(settings: &Settings) -> Result<Encoder<R>, Failure> {
    let topic = settings.kafka()?.topic(R::TOPIC.name());
    let id = registry::id(settings, &topic, R::TOPIC.avsc()).await?;
    Ok(Encoder::framed(id))
}

/// Reads `R` in either framing, and by every schema that the registry knows for its topic. It registers the present
/// one first: a reader that starts before the first writer must know what that one will write.
///
/// # Errors
/// A registry that does not answer, or holds what is no Avro schema.
pub async fn decoder<R: Record>(settings: &Settings) -> Result<Decoder<R>, Failure> {
    let topic = settings.kafka()?.topic(R::TOPIC.name());
    registry::id(settings, &topic, R::TOPIC.avsc()).await?;
    let mut decoder = Decoder::new();
    for known in registry::versions(settings, &topic).await? {
        let registered = decoder.register(known.id, &known.schema);
        registered.map_err(|malformed| Fault::new("schema_registry", malformed.to_string()))?;
    }
    Ok(decoder)
}
