//! The OpenAPI 3.1 document of the edge, made from the table of addresses: what is not in the table is not in it, and what is
//! cannot be forgotten.

use super::{
    documented::{Away, Documented, Shows, Success, Takes},
    endpoints::{Act, ENDPOINTS, Endpoint, LINK, MICRO},
    form::Form,
};
use crate::reason::{self, Reason};
use http::Method;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::LazyLock};

/// The document, as it is answered.
pub(super) static DOCUMENT: LazyLock<String> = LazyLock::new(|| document(&[]).to_string());

/// That of an edge without a broker.
pub(super) static DOCUMENT_OF_MICRO: LazyLock<String> = LazyLock::new(|| document(MICRO).to_string());

fn document(more: &[Endpoint]) -> Value {
    let mut paths = Map::new();
    for endpoint in ENDPOINTS.iter().chain(more).chain([LINK]) {
        for form in endpoint.forms() {
            let operations = endpoint.methods.iter();
            let operations: Map<String, Value> = operations
                .map(|method| (method.as_str().to_lowercase(), operation(endpoint, method, form)))
                .collect();
            let mut item = Value::Object(operations);
            if let Some(parameters) = parameters(endpoint.act, form) {
                set(&mut item, "parameters", parameters);
            }
            paths.insert(endpoint.written(form), item);
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
        "x-everywhere": everywhere(),
        "components": { "schemas": schemas(), "securitySchemes": {
            "secret_key": { "type": "http", "scheme": "bearer" },
            "account": { "type": "http", "scheme": "basic" },
            "write_key": { "type": "apiKey", "in": "query", "name": "k" },
        } },
    })
}

/// What any address may answer, and what is answered where there is none: by status, the reasons and what each means.
/// Without a reason hyper answers by itself, with an empty body.
fn everywhere() -> Value {
    let told = |reason: Reason| json!({ reason.tag: reason.meaning });
    json!({
        "400": { "": "The head is no HTTP." },
        "404": told(reason::NOT_FOUND),
        "405": told(reason::METHOD_NOT_ALLOWED),
        "408": { "header_timeout": "The head did not arrive in time." },
        "421": told(reason::UNKNOWN_HOST),
        "431": { "": "The head is longer than the limit." },
        "503": { "too_many_connections": "All connections are in use." },
    })
}

fn operation(endpoint: &Endpoint, method: &Method, form: Form) -> Value {
    let documented = endpoint.documented(method, form);
    let path = endpoint.written(form);
    let mut operation = json!({
        "operationId": format!("{}_{}", method.as_str().to_lowercase(), path.trim_matches('/').replace(['/', '.'], "_").replace(['{', '}'], "")),
        "summary": documented.summary,
        "responses": answers(&documented, form),
    });
    if let Some(body) = body(documented.takes) {
        set(&mut operation, "requestBody", body);
    }
    if let Some(security) = security(documented.shows) {
        set(&mut operation, "security", security);
    }
    operation
}

fn parameters(act: Act, form: Form) -> Option<Value> {
    if let Act::Micro(_) = act {
        let description = "only of the test of this name";
        let test = json!({ "name": "test_id", "in": "query", "schema": { "type": "string" }, "description": description });
        return Some(json!([test]));
    }
    let parameters = form.parameters().iter().map(|(name, description)| {
        json!({
            "name": name, "in": "path", "required": true, "schema": { "type": "string" },
            "description": description,
        })
    });
    let parameters: Vec<Value> = parameters.collect();
    (!parameters.is_empty()).then_some(Value::Array(parameters))
}

/// Any of these will do.
fn security(shows: Shows) -> Option<Value> {
    match shows {
        Shows::Nothing => None,
        Shows::WriteKey => Some(json!([{}, { "write_key": [] }])),
        Shows::SecretKey => Some(json!([{ "secret_key": [] }])),
        Shows::KeyOrAccount => Some(json!([{ "secret_key": [] }, { "account": [] }])),
    }
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
        Takes::Lines => json!({ "text/plain": { "schema": { "type": "string" } } }),
    };
    Some(json!({ "content": content }))
}

/// The answers by status. Of a refusal the reasons stand in `x-reasons`, with what each means.
fn answers(documented: &Documented, form: Form) -> Value {
    let Documented { success, refuses, away, .. } = documented;
    let mut answers = Map::new();
    answers.insert(success.status.to_string(), well(success));
    if success.is_cached {
        answers.insert(
            "304".to_owned(),
            json!({ "description": "The one that `If-None-Match` names still holds." }),
        );
    }
    let mut by_status: BTreeMap<u16, Map<String, Value>> = BTreeMap::new();
    // Only what has no end can be too long.
    let reasons = refuses.iter().flat_map(|group| group.iter());
    for reason in reasons.filter(|reason| form == Form::Pairs || **reason != reason::PATH_TOO_LONG) {
        by_status.entry(reason.status).or_default().insert(reason.tag.to_owned(), reason.meaning.into());
    }
    for (status, reasons) in by_status {
        let mut refused = error("It is refused.");
        set(&mut refused, "x-reasons", Value::Object(reasons));
        answers.insert(status.to_string(), refused);
    }
    let away = match away {
        Away::Never => return Value::Object(answers),
        Away::Later => error("It cannot be had now: Retry-After says when to ask again."),
        Away::Unready => {
            json!({ "description": "What is amiss, a line each.", "content": { "text/plain": {} } })
        }
    };
    answers.insert("503".to_owned(), away);
    Value::Object(answers)
}

fn well(success: &Success) -> Value {
    let mut well = json!({ "description": "It is safe, or is what was asked for." });
    if !success.media.is_empty() {
        let schema = match success.schema {
            "" => json!({}),
            name => json!({ "$ref": format!("#/components/schemas/{name}") }),
        };
        set(&mut well, "content", json!({ success.media: { "schema": schema } }));
    }
    well
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
