"""What customers bought, gave back, paid and received: orders and what follows from them.

Worked example: order 31 of 2017-09-30 has two lines; one of its products came back on 2017-10-09
(`returns`), its payment failed once (`payments`), and it arrived a day after the promised one
(`shipments`).
"""

from __future__ import annotations

from churn_ml.tables.shape import CUSTOMER, MONEY, ORDER, PRODUCT, Column, canonical

ORDERS = canonical(
    "orders",
    "one row per order",
    ("order_id",),
    (
        ORDER,
        CUSTOMER,
        Column(
            "net_amount",
            "decimal(18,2)",
            "paid for goods, after discounts, before returns",
            minimum=0,
        ),
        Column("discount_amount", "decimal(18,2)", "discounts on the whole order"),
        Column("shipping_amount", "decimal(18,2)", "shipping fee paid", minimum=0),
        Column("duty_amount", "decimal(18,2)", "customs and duty paid", minimum=0),
        *MONEY,
        Column(
            "status",
            "string",
            "completed, cancelled or returned",
            required=True,
            words=("completed", "cancelled", "returned"),
            default="completed",
            after="cancelled_at",
            until_then="completed",
        ),
        Column("channel", "string", "where it was placed: web, app, store"),
        Column("store_id", "string", "the store or site that took it"),
        Column("cancelled_at", "timestamp", "when it was cancelled (UTC)", after="cancelled_at"),
        Column("cancel_reason", "string", "the shop's code of the reason", after="cancelled_at"),
    ),
)
ORDER_LINES = canonical(
    "order_lines",
    "one row per order, product and line",
    ("order_id", "product_id", "line_id"),
    (
        ORDER,
        PRODUCT,
        Column(
            "line_id",
            "string",
            "the line's number, where a product may stand twice in an order",
            required=True,
            default="1",
        ),
        CUSTOMER,
        Column("quantity", "int64", "units sold", required=True, minimum=1),
        Column("net_amount", "decimal(18,2)", "paid for the line, after discounts", minimum=0),
        Column(
            "discount_amount", "decimal(18,2)", "loyalty and shop discounts on the line", minimum=0
        ),
        Column("coupon_amount", "decimal(18,2)", "coupon discounts on the line", minimum=0),
        *MONEY,
    ),
)
RETURNS = canonical(
    "returns",
    "one row per return; occurred_at is when it was opened",
    ("return_id",),
    (
        Column("return_id", "string", "the return's number", required=True),
        CUSTOMER,
        Column("order_id", "string", "the order it belongs to, where that can be told"),
        Column("product_id", "string", "the product, where the return is of one"),
        Column("kind", "string", "return, exchange", words=("return", "exchange")),
        Column("quantity", "int64", "units given back", minimum=0),
        Column("refund_amount", "decimal(18,2)", "paid back", minimum=0, after="refunded_at"),
        *MONEY,
        Column(
            "reason",
            "string",
            "the shop's code of the reason; not_as_described and defect are indicators",
        ),
        Column("closed_at", "timestamp", "when it was settled (UTC)", after="closed_at"),
        Column(
            "refunded_at", "timestamp", "when the money was paid back (UTC)", after="refunded_at"
        ),
    ),
)
PAYMENTS = canonical(
    "payments",
    "one row per attempt to pay; occurred_at is the attempt",
    ("payment_id",),
    (
        Column("payment_id", "string", "the attempt's number", required=True),
        CUSTOMER,
        Column("order_id", "string", "the order that is paid"),
        Column(
            "status",
            "string",
            "paid, failed or open",
            required=True,
            words=("paid", "failed", "open"),
            after="paid_at",
            until_then="open",
        ),
        Column("failure_code", "string", "the shop's or provider's code of the failure"),
        Column("method", "string", "card, wallet, transfer, invoice"),
        Column("amount", "decimal(18,2)", "what was to be paid", minimum=0),
        *MONEY,
        Column("due_at", "timestamp", "when it was due (UTC), for purchases on account"),
        Column("paid_at", "timestamp", "when it was paid (UTC)", after="paid_at"),
    ),
)
SHIPMENTS = canonical(
    "shipments",
    "one row per shipment; occurred_at is when it left",
    ("shipment_id",),
    (
        Column("shipment_id", "string", "the shipment's number", required=True),
        CUSTOMER,
        Column("order_id", "string", "the order it carries"),
        Column("carrier", "string", "who carries it"),
        Column("promised_at", "timestamp", "promised arrival (UTC)"),
        Column(
            "delivered_at",
            "timestamp",
            "arrival (UTC); empty on its way",
            after="delivered_at",
        ),
        Column("customs_in_at", "timestamp", "arrival at customs (UTC)", after="customs_in_at"),
        Column("customs_out_at", "timestamp", "clearance by customs (UTC)", after="customs_out_at"),
    ),
)

TABLES = (ORDERS, ORDER_LINES, RETURNS, PAYMENTS, SHIPMENTS)
