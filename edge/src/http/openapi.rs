//! The OpenAPI 3.1 document of the edge, made from the table of addresses: what is not in the table is not in it, and what is
//! cannot be forgotten.

use super::{
    documented::{Documented, Success, Takes},
    endpoints::{ENDPOINTS, Endpoint, LINK, Tail},
};
use crate::reason::{self, Reason};
use http::Method;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::LazyLock};

/// The document.
pub(super) static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut paths = Map::new();
    for endpoint in ENDPOINTS.iter().chain([LINK]) {
        for path in paths_of(endpoint) {
            let operations = endpoint.methods.iter().filter(|method| **method != Method::OPTIONS);
            let operations: Map<String, Value> = operations
                .map(|method| (method.as_str().to_lowercase(), operation(endpoint, method, &path)))
                .collect();
            paths.insert(path, Value::Object(operations));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tracker",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Takes page views, clicks, consents and payments, and answers when they are safe.",
        },
        "paths": paths,
        "components": { "schemas": schemas(), "securitySchemes": {
            "secret_key": { "type": "http", "scheme": "bearer" },
        } },
    })
});

/// An address as OpenAPI writes it. What may follow without end stands in one parameter.
fn paths_of(endpoint: &Endpoint) -> Vec<String> {
    match endpoint.tail {
        _ if endpoint.path.is_empty() => vec!["/{slug}".to_owned()],
        Tail::Nothing => vec![endpoint.path.to_owned()],
        Tail::Version => vec![format!("{}.{{version}}.js", endpoint.path)],
        Tail::Pairs => vec![format!("{}/", endpoint.path), format!("{}/{{pairs}}", endpoint.path)],
    }
}

fn operation(endpoint: &Endpoint, method: &Method, path: &str) -> Value {
    let Documented { summary, takes, success, refuses } = endpoint.documented(method);
    let reasons: Vec<Reason> = refuses.iter().flat_map(|group| group.iter().copied()).collect();
    let mut operation = json!({
        "operationId": format!("{}_{}", method.as_str().to_lowercase(), path.trim_matches('/').replace(['/', '.'], "_").replace(['{', '}'], "")),
        "summary": summary,
        "responses": answers(&success, &reasons),
    });
    if path.ends_with("{pairs}") {
        let pairs = json!([{
            "name": "pairs", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "key/value/key/value/…: each is a field of the event",
        }]);
        set(&mut operation, "parameters", pairs);
    }
    if path.contains("{version}") {
        let version = json!([{
            "name": "version", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "as `tracker script` prints it",
        }]);
        set(&mut operation, "parameters", version);
    }
    if path.ends_with("{slug}") {
        let slug =
            json!([{ "name": "slug", "in": "path", "required": true, "schema": { "type": "string" } }]);
        set(&mut operation, "parameters", slug);
    }
    if let Some(body) = body(takes) {
        set(&mut operation, "requestBody", body);
    }
    if reasons.contains(&reason::MISSING_KEY) {
        set(&mut operation, "security", json!([{ "secret_key": [] }]));
    }
    operation
}

fn body(takes: Takes) -> Option<Value> {
    let one_or_several = json!({ "oneOf": [
        { "$ref": "#/components/schemas/Event" },
        { "type": "array", "items": { "$ref": "#/components/schemas/Event" } },
    ] });
    let content = match takes {
        Takes::Nothing | Takes::Fields => return None,
        Takes::Events => json!({
            "application/json": { "schema": one_or_several },
            "text/plain": { "schema": one_or_several },
            "application/x-ndjson": { "schema": { "type": "string" } },
        }),
        Takes::Object => json!({ "application/json": { "schema": { "type": "object" } } }),
        Takes::Payments => {
            json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Payments" } } })
        }
    };
    Some(json!({ "content": content }))
}

/// The answers by status. Of a refusal the reasons stand in `x-reasons`, with what each means.
fn answers(success: &Success, reasons: &[Reason]) -> Value {
    let mut answers = Map::new();
    let mut well = json!({ "description": "It is safe, or is what was asked for." });
    if !success.media.is_empty() {
        let schema = match success.schema {
            "" => json!({}),
            name => json!({ "$ref": format!("#/components/schemas/{name}") }),
        };
        set(&mut well, "content", json!({ success.media: { "schema": schema } }));
    }
    answers.insert(success.status.to_string(), well);
    let mut by_status: BTreeMap<u16, Map<String, Value>> = BTreeMap::new();
    for reason in reasons.iter().chain([&reason::METHOD_NOT_ALLOWED]) {
        by_status.entry(reason.status).or_default().insert(reason.tag.to_owned(), reason.meaning.into());
    }
    for (status, reasons) in by_status {
        let mut refused = error("It is refused.");
        set(&mut refused, "x-reasons", Value::Object(reasons));
        answers.insert(status.to_string(), refused);
    }
    if success.may_wait {
        answers.insert("503".to_owned(), error("It cannot be had now: Retry-After says when to ask again."));
    }
    Value::Object(answers)
}

/// Sets a member of an object.
fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}

fn error(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
    })
}

fn schemas() -> Value {
    json!({
        "Error": {
            "type": "object",
            "required": ["error", "detail"],
            "properties": {
                "error": { "type": "string", "description": "a tag of `x-reasons`, or, with 503, of what is away" },
                "detail": { "type": "string", "description": "what to change" },
                "rejected": { "type": "array", "items": { "$ref": "#/components/schemas/Rejected" } },
            },
        },
        "Rejected": {
            "type": "object",
            "required": ["index", "reason", "detail"],
            "properties": {
                "index": { "type": "integer" }, "reason": { "type": "string" }, "detail": { "type": "string" },
                "retry": { "type": "boolean", "description": "it was not wrong: the same may be sent again" },
            },
        },
        "Several": {
            "type": "object",
            "required": ["accepted", "rejected"],
            "properties": {
                "accepted": { "type": "integer" },
                "rejected": { "type": "array", "items": { "$ref": "#/components/schemas/Rejected" } },
                "ids": { "type": "array", "items": { "type": "string", "format": "uuid" } },
            },
        },
        "Id": { "oneOf": [{ "type": "string", "format": "uuid" }, { "$ref": "#/components/schemas/Several" }] },
        "Request": {
            "type": "object",
            "required": ["request"],
            "properties": { "request": { "type": "string", "format": "uuid" } },
        },
        "Event": {
            "type": "object",
            "description": "`ename` or `etyp`, and whatever else there is to say; unknown fields are kept in `params`.",
            "properties": {
                "ename": { "type": "string" }, "etyp": { "type": "string" },
                "eid": { "type": "string", "format": "uuid" }, "cflags": { "type": "integer" },
                "url": { "type": "string" }, "last": { "type": "string" },
            },
            "additionalProperties": true,
        },
        "Payments": {
            "type": "object",
            "properties": {
                "payments": { "type": "array", "items": { "type": "object" } },
                "revenue": { "type": ["string", "number"] }, "currency": { "type": "string" },
            },
            "additionalProperties": true,
        },
    })
}
