"""What shops call things: the words by which `propose` recognises tables and columns.

Enters: a header, a file name, a few values. Leaves: our name for it, or none. These are guesses for
a first churn.toml that a person reads; nothing else in the house uses them. Worked example: a file
`sales_2017-10.csv` with `invoice_no, client, date, total` looks like `orders`, with `order_id`,
`customer_id`, `occurred_at` and `net_amount`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping

from churn_ml.sources import german, italian

TABLE_WORDS: Mapping[str, tuple[str, ...]] = {
    "coupon_redemptions": ("redemption", "redemptions", "redeemed"),
    "customer_merges": ("merges", "merged", "duplicates"),
    "returns": ("returns", "refunds", "rma"),
    "payments": ("payments", "payment", "charges"),
    "shipments": ("shipments", "shipment", "deliveries", "parcels"),
    "tickets": ("tickets", "ticket", "complaints", "inquiries", "cases"),
    "reviews": ("reviews", "review", "ratings"),
    "surveys": ("surveys", "survey", "nps"),
    "web_events": ("events", "clickstream", "pageviews", "visits", "sessions"),
    "message_events": ("messages", "emails", "newsletters"),
    "subscriptions": ("subscriptions", "subscription", "renewals"),
    "memberships": ("memberships", "loyalty"),
    "loyalty_ledger": ("points",),
    "fx_rates": ("rates", "fx"),
    "holidays": ("holidays",),
    "campaign_contacts": ("contacts", "contact", "mailings", "sends", "recipients"),
    "order_lines": ("lines", "line", "items", "item", "positions", "details", "basket"),
    "orders": ("orders", "order", "sales", "invoices", "transactions", "purchases", "receipts"),
    "customers": ("customers", "customer", "users", "clients", "households", "demographics"),
    "products": ("products", "product", "articles", "catalog", "catalogue", "skus"),
    "campaigns": ("campaigns", "campaign"),
    "consents": ("consents", "consent", "optins", "permissions"),
}
"""Words in a path that speak for a table; the first table that fits wins."""

_CUSTOMER = (
    "customer_id customer_no customer customer_number cust_id client_id client_no client user_id"
    " user_no household_id household member_id member_no account_id buyer_id buyer_no"
)
_ORDER = (
    "order_id order_no order_number order basket_id basket invoice_no invoice_id"
    " invoice receipt_id transaction_id sale_id"
)
_PRODUCT = "product_id product_no sku article_id article_no item_id stock_code product"
_TIME = (
    "occurred_at transaction_timestamp order_timestamp ordered_at order_date created_at"
    " invoice_date purchased_at purchase_date transaction_date timestamp datetime date"
)
_AMOUNT = (
    "net_amount sales_value net_total total_net amount order_total grand_total total"
    " line_total revenue value price unit_price"
)

_COLUMN_WORDS: Mapping[str, str] = {
    "customer_id": _CUSTOMER,
    "order_id": _ORDER,
    "product_id": _PRODUCT,
    "net_amount": _AMOUNT,
    "occurred_at": _TIME,
    "quantity": "quantity qty units pieces count",
    "discount_amount": "discount_amount retail_disc discount rebate",
    "coupon_amount": "coupon_amount coupon_disc coupon_discount voucher_amount",
    "currency": "currency currency_code iso_currency",
    "status": "status order_status state",
    "channel": "channel sales_channel medium source",
    "store_id": "store_id store shop_id site branch_id",
    "country": "country country_code",
    "tier": "tier level membership loyalty_tier",
    "age_band": "age_band age age_group",
    "income_band": "income_band income income_group",
    "household_size": "household_size persons",
    "household_kind": "household_comp household_kind household_type",
    "category": "category product_category product_group",
    "department": "department division",
    "brand": "brand manufacturer",
    "campaign_id": "campaign_id campaign campaign_no",
    "kind": "campaign_type kind type",
    "ends_at": "ends_at end_date ended_at valid_to",
    "coupon_id": "coupon_id coupon_upc coupon coupon_code voucher_code",
    "purpose": "purpose consent_type",
    "old_id": "old_id old_customer_id merged_id duplicate_id from_id",
    "return_id": "return_id return_no return_number rma_no rma",
    "refund_amount": "refund_amount refund refunded_amount amount",
    "payment_id": "payment_id payment_no payment_number payment",
    "amount": "amount price value total",
    "method": "method payment_method",
    "shipment_id": "shipment_id shipment_no parcel_id tracking_no tracking_number",
    "promised_at": "promised_at promised_on due_date eta",
    "delivered_at": "delivered_at delivered_on delivery_date",
    "carrier": "carrier shipper",
    "ticket_id": "ticket_id ticket_no ticket_number case_id case_no",
    "topic": "topic subject_code category reason",
    "first_response_at": "first_response_at first_reply_at answered_at",
    "resolved_at": "resolved_at solved_at closed_at",
    "review_id": "review_id review_no",
    "rating": "rating stars score",
    "survey_id": "survey_id survey_no response_id",
    "nps": "nps nps_score",
    "event_id": "event_id event_no",
    "session_id": "session_id session visit_id",
    "message_id": "message_id message_no mail_id",
    "subscription_id": "subscription_id subscription_no",
    "due_at": "due_at due_on renews_at period_end",
    "renewed_at": "renewed_at renewed_on",
    "cancelled_at": "cancelled_at canceled_at cancelled_on",
    "rate": "rate exchange_rate",
    "given": "given consent opted_in opt_in optin subscribed granted",
}

UNIT_PRICES = {
    *("price", "unit_price", "price_per_unit", "item_price", "single_price"),
    *german.UNIT_PRICES,
    *italian.UNIT_PRICES,
}
"""Names of a column that has to be multiplied by the quantity."""

_OWN_TIMES: Mapping[str, str] = {
    "customers": (
        "registered_at registered_on registration_date signup_date signed_up_at joined_on"
        " created_at updated_at valid_from"
    ),
    "products": "valid_from updated_at created_at",
    "customer_merges": "merged_at merged_on changed_at date",
    "returns": "returned_at returned_on return_date opened_at created_at date",
    "payments": "paid_at attempted_at payment_date created_at date",
    "shipments": "shipped_at shipped_on sent_at dispatch_date ship_date created_at date",
    "tickets": "opened_at created_at created_on ticket_date date",
    "reviews": "reviewed_at created_at review_date date",
    "surveys": "answered_at submitted_at created_at survey_date date",
    "web_events": "occurred_at event_time timestamp time created_at date",
    "message_events": "occurred_at event_time sent_at timestamp date",
    "subscriptions": "started_at period_start start_date valid_from",
    "memberships": "valid_from joined_at joined_on start_date",
    "fx_rates": "valid_from date day",
    "holidays": "date day",
    "campaigns": "start_date started_at starts_at valid_from",
    "campaign_contacts": "contacted_at sent_at contact_date send_date date",
    "coupon_redemptions": "redemption_date redeemed_at date",
    "consents": "changed_at given_at valid_from updated_at created_at date",
}

_STATUS_WORDS: Mapping[str, str] = {
    "completed": "completed complete paid shipped delivered closed done fulfilled invoiced",
    "cancelled": "cancelled canceled cancel void voided failed",
    "returned": "returned refunded refund return",
}


def plain_name(name: str) -> str:
    """A column name in lower case with underscores; a share is told from an amount by its mark.

    >>> plain_name("Order Date"), plain_name("InvoiceNo"), plain_name("Sconto %")
    ('order_date', 'invoice_no', 'sconto_percent')
    """
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip().replace("%", " percent"))
    return re.sub(r"[^a-z0-9]+", "_", _unaccented(split)).strip("_")


def table_of(path: str, taken: Collection[str] = ()) -> str | None:
    """The table whose words stand in the path, if it is not in `taken`.

    >>> table_of("export/order_items-2017.csv"), table_of("sales_2017-10.csv")
    ('order_lines', 'orders')
    >>> table_of("Bestellpositionen.csv"), table_of("Aufträge.csv"), table_of("righe_ordine.csv")
    ('order_lines', 'orders', 'order_lines')
    """
    words = set(re.split(r"[^a-z]+", _unaccented(path)))
    for name in TABLE_WORDS:
        marks = {*TABLE_WORDS[name], *german.TABLES.get(name, ()), *italian.TABLES.get(name, ())}
        if name not in taken and words & marks:
            return name
    return None


def column_of(table: str, ours: str, header: Collection[str]) -> str | None:
    """Their column that looks like our column `ours` of `table`.

    >>> column_of("orders", "order_id", ["InvoiceNo", "Client"])
    'InvoiceNo'
    >>> column_of("orders", "store_id", ["InvoiceNo", "Client"]) is None
    True
    """
    others = (german.COLUMNS, italian.COLUMNS)
    words = [_COLUMN_WORDS.get(ours, ours), *(tongue.get(ours, "") for tongue in others)]
    if ours == "occurred_at" and table in _OWN_TIMES:
        own = (_OWN_TIMES, german.OWN_TIMES, italian.OWN_TIMES)
        words = [tongue.get(table, "") for tongue in own]
    names = {plain_name(name): name for name in header}
    return next((names[word] for word in " ".join(words).split() if word in names), None)


def status_of(value: str) -> str | None:
    """Our status that their `value` means, if it is a known word.

    >>> status_of("Paid"), status_of("on hold"), status_of("Annullato")
    ('completed', None, 'cancelled')
    """
    word = value.strip().lower()
    tongues = (_STATUS_WORDS, german.STATUSES, italian.STATUSES)
    known = [pair for tongue in tongues for pair in tongue.items()]
    return next((ours for ours, words in known if word in words.split()), None)


def _unaccented(text: str) -> str:
    """`text` in lower case, with ä as ae and à as a."""
    spread = unicodedata.normalize("NFKD", text.lower().translate(german.UMLAUTS))
    return "".join(c for c in spread if not unicodedata.combining(c))
