-- ltvu: lifetime value by user and order, for each currency. Refunds count. `orid` is the order, else the invoice.
-- Reads `ltv_items`, which follows `payments`.
--
--   SELECT currency, sum(revenue) FROM ltvu WHERE oid = '…' AND uid = '…' GROUP BY currency

CREATE VIEW IF NOT EXISTS {database}.ltvu AS
SELECT
    oid,
    id AS uid,
    order_id AS orid,
    currency,
    sum(items.revenue) AS revenue,
    count() AS payments,
    min(items.created_at) AS first_at,
    max(items.created_at) AS last_at
FROM {database}.ltv_items AS items FINAL
WHERE id_type = 'uid'
GROUP BY oid, id, order_id, currency;
