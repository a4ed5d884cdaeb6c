"""UCI Online Retail II: the invoice lines of a British gift wholesaler, 2009-12-01 to 2011-12-09.

Enters: the published sheet as CSV or Parquet, under its first or its second column names. Leaves:
customers, orders, order_lines, returns and products by the rule of the benchmarks. An order is an
invoice that does not begin with C, of lines with quantity and price above 0; a line that begins
with C is a return. A product that stands on several lines of an invoice is one order line.

A return is linked to an order where that can be told: to the latest earlier invoice of the same
customer that holds the product in just that quantity, at a price, and was not given back yet. So
purchases and returns of one customer, product and quantity pair off like brackets: `open` counts
the purchases that are not given back, and a return closes the one that opened that depth last.
Lines without customer are brought with the order lines, each of them alone, so that validation sets
them aside by that reason and counts them. Worked example: on 2009-12-01 invoice C489449 gives back
12 of 22087; no earlier invoice of that customer holds 12 of it, so it belongs to no order.
"""

from __future__ import annotations

from collections.abc import Mapping

from churn_ml.config import SourceTable
from churn_ml.sources.nodes import raw
from churn_ml.sources.protocol import ROW, Prepared, Preset

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "Invoice": ("InvoiceNo",),
    "UnitPrice": ("Price",),
    "CustomerID": ("Customer ID", "Customer_ID"),
}
"""Their columns, and what other editions of the same data call them."""

_SOLD = "not starts_with(upper(Invoice), 'C') and number(Quantity) > 0 and number(UnitPrice) > 0"
_AMOUNT = "sum(number(Quantity) * number(UnitPrice))"
_COUNTRIES = {
    "United Kingdom": "GB",
    "EIRE": "IE",
    "France": "FR",
    "Germany": "DE",
    "Netherlands": "NL",
    "Spain": "ES",
    "Switzerland": "CH",
    "Belgium": "BE",
    "Portugal": "PT",
    "Australia": "AU",
    "Sweden": "SE",
    "Italy": "IT",
    "Finland": "FI",
    "Norway": "NO",
    "Austria": "AT",
    "Denmark": "DK",
    "Japan": "JP",
    "USA": "US",
    "Cyprus": "CY",
    "Greece": "GR",
    "Poland": "PL",
    "Singapore": "SG",
    "Canada": "CA",
    "Iceland": "IS",
    "Israel": "IL",
    "Malta": "MT",
    "Hong Kong": "HK",
    "Lithuania": "LT",
    "United Arab Emirates": "AE",
    "Bahrain": "BH",
    "Brazil": "BR",
    "Thailand": "TH",
    "Korea": "KR",
    "Lebanon": "LB",
    "Nigeria": "NG",
    "RSA": "ZA",
    "Saudi Arabia": "SA",
    "Czech Republic": "CZ",
    "Bermuda": "BM",
}
"""Country -> ISO 3166; what is no country (European Community, Unspecified) stays as it is."""

_TABLES: Mapping[str, SourceTable] = {
    "customers": SourceTable(
        columns={"customer_id": "CustomerID"},
        group_by=("CustomerID",),
        where="CustomerID is not null",
        expressions={"country": "any(Country)", "occurred_at": "min(time(InvoiceDate))"},
        values={"country": _COUNTRIES},
    ),
    "orders": SourceTable(
        columns={"order_id": "Invoice", "customer_id": "CustomerID"},
        group_by=("Invoice", "CustomerID"),
        where=f"CustomerID is not null and {_SOLD}",
        expressions={"net_amount": _AMOUNT, "occurred_at": "min(time(InvoiceDate))"},
        constants={"currency": "GBP", "status": "completed"},
    ),
    "order_lines": SourceTable(
        columns={"order_id": "Invoice", "product_id": "StockCode", "customer_id": "CustomerID"},
        group_by=("Invoice", "StockCode", "CustomerID", "alone"),
        where=f"CustomerID is null or ({_SOLD})",
        expressions={
            # of nobody's line only the reason is kept: it is not judged by its numbers, too
            "quantity": "case when CustomerID is null then 1 else sum(number(Quantity)) end",
            "net_amount": f"case when CustomerID is not null then {_AMOUNT} end",
            "occurred_at": "min(time(InvoiceDate))",
        },
        constants={"currency": "GBP"},
    ),
    "returns": SourceTable(
        columns={"customer_id": "CustomerID", "product_id": "StockCode"},
        group_by=("Invoice", "StockCode", "CustomerID", "returned"),
        where="CustomerID is not null and starts_with(upper(Invoice), 'C')",
        expressions={
            "return_id": "concat(Invoice, '-', StockCode, '-', min(row()))",
            "order_id": "returned",
            "quantity": "sum(0 - number(Quantity))",
            "refund_amount": "sum((0 - number(Quantity)) * number(UnitPrice))",
            "occurred_at": "min(time(InvoiceDate))",
        },
        constants={"currency": "GBP", "kind": "return"},
    ),
    "products": SourceTable(
        columns={"product_id": "StockCode"},
        group_by=("StockCode",),
        expressions={"occurred_at": "min(time(InvoiceDate))"},
    ),
}

_LINES = ("Invoice", "StockCode", "Quantity", "InvoiceDate", "CustomerID", "UnitPrice")
_INVOICE, _PRODUCT, _QUANTITY, _AT, _CUSTOMER, _PRICE = map(raw, _LINES)
_CANCELLED = f"starts_with(upper({_INVOICE}), 'C')"

_PREPARED: Mapping[str, Prepared] = {
    "order_lines": Prepared(
        ("CustomerID",),
        ("alone",),
        f"select *, case when {_CUSTOMER} is null then {ROW} end as {raw('alone')} from lines",
    ),
    "returns": Prepared(
        _LINES,
        ("returned",),
        f"""
        with moves as (
            select {ROW}, {_CUSTOMER} as customer, {_PRODUCT} as product, {_INVOICE} as invoice,
                {_CANCELLED} as back, as_time({_AT}) as moved_at,
                case when {_CANCELLED} then -1 else 1 end * as_number({_QUANTITY}) as units
            from lines
            where {_CUSTOMER} is not null and ({_CANCELLED} or as_number({_PRICE}) > 0)),
        counted as (
            select *, sum(case when back then -1 else 1 end) over so_far as open
            from moves where units > 0
            window so_far as (partition by customer, product, units order by moved_at, back, {ROW}
                rows unbounded preceding)),
        lowest as (
            select *, least(0, min(open) over so_far) as low, coalesce(least(0, min(open) over (
                so_far rows between unbounded preceding and 1 preceding)), 0) as low_before
            from counted
            window so_far as (
                partition by customer, product, units order by moved_at, back, {ROW})),
        pairs as (
            select {ROW}, back, lag(invoice) over (
                partition by customer, product, units, open - low + back::int
                order by moved_at, back, {ROW}) as bought_by
            from lowest where not (back and open < low_before))
        select lines.*, pairs.bought_by as {raw("returned")} from lines
        left join pairs on pairs.{ROW} = lines.{ROW} and pairs.back
        """,
    ),
}
"""What is worked out over the whole file before: which lines stand alone, which order came back."""


def preset() -> Preset:
    """What a shop would have to write to bring this data set; it says only where the files are.

    >>> sorted(preset().tables)
    ['customers', 'order_lines', 'orders', 'products', 'returns']
    """
    return Preset(_TABLES, _ALIASES, _PREPARED)
