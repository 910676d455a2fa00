-- ltv_items: each payment once under each id that it names: its user, its visitor, its order and its invoice.
-- Kept by `ltv_items_mv` from `payments`. Read it through `ltv`, `ltvu` and `ltvv`.
--
-- Rows are payments, not sums, and the same payment under the same id replaces itself: so lifetime values stay right even
-- where two processors stored repeats of a payment in the same moment. Sums kept ready would have to trust that they never do.

CREATE TABLE IF NOT EXISTS {database}.ltv_items
(
    id_type       LowCardinality(String)       COMMENT 'uid, vid, orid or invid',
    id            UUID                         COMMENT 'The user, visitor, order or invoice',
    payment       UUID                         COMMENT 'Payment id',
    oid           UUID                         COMMENT 'Tenant',
    order_id      UUID                         COMMENT 'The order, else the invoice',
    currency      LowCardinality(String)       COMMENT 'ISO 4217 code',
    revenue       Decimal(22, 4)               COMMENT 'Revenue; negative for a refund',
    created_at    DateTime64(3, 'UTC')         COMMENT 'When it was paid, by the client''s time',
    received_at   DateTime64(3, 'UTC')         COMMENT 'Of repeats the latest stays'
)
ENGINE = ReplacingMergeTree(received_at)
ORDER BY (oid, id_type, id, payment)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Each payment under each id that it names';

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.ltv_items_mv TO {database}.ltv_items AS
SELECT
    named.1 AS id_type,
    named.2 AS id,
    payments.id AS payment,
    oid,
    if(orid != toUUID('00000000-0000-0000-0000-000000000000'), orid, invid) AS order_id,
    currency,
    revenue,
    created_at,
    received_at
FROM {database}.payments AS payments
ARRAY JOIN [('uid', uid), ('vid', vid), ('orid', orid), ('invid', invid)] AS named
WHERE named.2 != toUUID('00000000-0000-0000-0000-000000000000');
