-- ltv: lifetime value by id, for each currency. `id_type` says what the id is: uid, vid, orid or invid. Refunds count.
-- Reads `ltv_items`, which follows `payments`.
--
--   SELECT currency, revenue FROM ltv WHERE oid = '…' AND id_type = 'uid' AND id = '…'

CREATE VIEW IF NOT EXISTS {database}.ltv AS
SELECT
    oid,
    id_type,
    id,
    currency,
    sum(items.revenue) AS revenue,
    count() AS payments,
    min(items.created_at) AS first_at,
    max(items.created_at) AS last_at
FROM {database}.ltv_items AS items FINAL
GROUP BY oid, id_type, id, currency;
