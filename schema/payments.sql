-- payments: every line item of every payment; a refund has a negative revenue.
-- Written by `tracker-payments`, from the topic `payments`; by nobody else.
--
-- A tenant's payment id stands here once, whenever and however often it comes: the first stays. No FINAL is needed:
--   SELECT currency, sum(revenue) FROM payments WHERE created_at >= '2026-01-01' GROUP BY currency
-- What a user, a visitor or an order is worth: `ltv`, `ltvu`, `ltvv`.
--
-- Amounts are exact: Decimal(22, 4), never a float. Absent text is '', an absent UUID is zero, an absent number or time is NULL.
-- No partitions: a retry may come months later and must find its first copy, and payments are few beside events. Before
-- each insert the ids of the batch are looked up; `token` tells what this very insert had stored when it died.

CREATE TABLE IF NOT EXISTS {database}.payments
(
    id            UUID                          COMMENT 'Payment id; a repeat by the same tenant is the same payment',
    uid           UUID                          COMMENT 'User',
    vid           UUID                          COMMENT 'Visitor',
    sid           UUID                          COMMENT 'Session',
    oid           UUID                          COMMENT 'Tenant',
    org           LowCardinality(String)        COMMENT 'Sub-tenant',
    tid           UUID                          COMMENT 'Message thread',
    invid         UUID                          COMMENT 'Invoice',
    orid          UUID                          COMMENT 'Order',
    product_id    UUID                          COMMENT 'Product',
    updater       UUID                          COMMENT 'Who changed it last',
    owner         UUID                          COMMENT 'Who owns it',
    product       String                        COMMENT 'Product name',
    pcat          LowCardinality(String)        COMMENT 'Product category',
    man           LowCardinality(String)        COMMENT 'Manufacturer',
    model         String                        COMMENT 'Model',
    duration      LowCardinality(String)        COMMENT 'Duration of what was bought, in the seller''s words',
    currency      LowCardinality(String)        COMMENT 'ISO 4217 code',
    country       LowCardinality(String)        COMMENT 'ISO 3166-1 alpha-2',
    region        LowCardinality(String)        COMMENT 'Region or state',
    rcode         String                        COMMENT 'Referral code',
    campaign_id   String                        COMMENT 'Campaign',
    qty           Nullable(Decimal(22, 4))      COMMENT 'Quantity',
    price         Nullable(Decimal(22, 4))      COMMENT 'Price of one',
    discount      Nullable(Decimal(22, 4))      COMMENT 'Discount',
    revenue       Decimal(22, 4)                COMMENT 'Revenue; negative for a refund',
    margin        Nullable(Decimal(22, 4))      COMMENT 'Margin',
    cost          Nullable(Decimal(22, 4))      COMMENT 'Cost',
    tax           Nullable(Decimal(22, 4))      COMMENT 'Tax',
    tax_rate      Nullable(Decimal(22, 4))      COMMENT 'Tax rate',
    commission    Nullable(Decimal(22, 4))      COMMENT 'Commission',
    referral      Nullable(Decimal(22, 4))      COMMENT 'Referral fee',
    fees          Nullable(Decimal(22, 4))      COMMENT 'Fees',
    subtotal      Nullable(Decimal(22, 4))      COMMENT 'Subtotal',
    total         Nullable(Decimal(22, 4))      COMMENT 'Total',
    payment       Nullable(Decimal(22, 4))      COMMENT 'What was paid',
    starts        Nullable(DateTime64(3, 'UTC')) COMMENT 'Start of what was bought',
    ends          Nullable(DateTime64(3, 'UTC')) COMMENT 'End of what was bought',
    invoiced_at   Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was invoiced',
    paid_at       Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was paid',
    params        String                        COMMENT 'Everything else that was sent: text of a JSON object' CODEC(ZSTD(1)),
    created_at    DateTime64(3, 'UTC')          COMMENT 'Client time, if plausible; else receipt time',
    received_at   DateTime64(3, 'UTC')          COMMENT 'When the edge had read it',
    host          LowCardinality(String)        COMMENT 'Host that was asked',
    edge          LowCardinality(String)        COMMENT 'Edge node',
    schema        Int32                         COMMENT 'Version of the schema that the edge wrote',
    partition     Int32                         COMMENT 'Partition of the topic payments that it was read from' CODEC(T64, ZSTD(1)),
    offset        Int64                         COMMENT 'Offset in it' CODEC(T64, ZSTD(1)),
    produced_at   DateTime64(3, 'UTC')          COMMENT 'Time of its message: when it was received' CODEC(Delta(8), ZSTD(1)),
    token         String                        COMMENT 'Names the insert that stored it' CODEC(ZSTD(1)),
    INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(received_at)
ORDER BY (oid, id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Every line item of every payment';
