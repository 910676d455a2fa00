-- ltvv: lifetime value by visitor and order, for each currency. Refunds count. `orid` is the order, else the invoice.
-- Reads `ltv_items`, which follows `payments`.
--
--   SELECT currency, sum(revenue) FROM ltvv WHERE oid = '…' AND vid = '…' GROUP BY currency

CREATE VIEW IF NOT EXISTS {database}.ltvv AS
SELECT
    oid,
    id AS vid,
    order_id AS orid,
    currency,
    sum(items.revenue) AS revenue,
    count() AS payments,
    min(items.created_at) AS first_at,
    max(items.created_at) AS last_at
FROM {database}.ltv_items AS items FINAL
WHERE id_type = 'vid'
GROUP BY oid, id, order_id, currency;
