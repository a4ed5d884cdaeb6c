"""A shop that nobody has prepared: real sales under German names, as a German shop system dumps it.

Enters: the invoice lines of UCI Online Retail II (CHURN_ML_TEST_DATA). Leaves: five files with
semicolons, decimal commas and dd.mm.yyyy hh:mm in the shop's local time. The sales are real, the
clothes are ours: amounts are called EUR and times Berlin's, as they stand.

Worked example: invoice 489434 of customer 13085 becomes one row of `Bestellungen.csv` and eight of
`Bestellpositionen.csv`; invoice C489449, a cancellation, becomes rows of `Retouren.csv`.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

LINES = """
    create temp table lines as
    select Invoice, StockCode, Description, Quantity, InvoiceDate, UnitPrice, Country,
        CustomerID::bigint as customer, row_number() over () as place
    from read_parquet($data)
    where InvoiceDate < $until::date and (CustomerID is null and hash(Invoice) % 20 = 0
        or CustomerID in (
            select CustomerID from read_parquet($data) where CustomerID is not null
            group by 1 order by hash(CustomerID) limit $customers))
"""
SALES = "lines where Invoice not like 'C%' and Quantity > 0 and UnitPrice > 0"
GERMAN_TIME = "strftime({}, '%d.%m.%Y %H:%M')"
FILES = {
    "Bestellungen": f"""
        select Invoice as "Bestellnummer", any_value(customer) as "Kundennummer",
            {GERMAN_TIME.format("min(InvoiceDate)")} as "Bestelldatum",
            replace(sum((Quantity * UnitPrice)::decimal(18,2))::varchar, '.', ',') as "Gesamtbetrag"
        from {SALES} group by Invoice order by min(place)""",
    "Bestellpositionen": f"""
        select Invoice as "Bestellnummer",
            row_number() over (partition by Invoice order by place) as "Position",
            customer as "Kundennummer", StockCode as "Artikelnummer",
            {GERMAN_TIME.format("InvoiceDate")} as "Bestelldatum", Quantity as "Menge",
            replace(UnitPrice::decimal(18,2)::varchar, '.', ',') as "Einzelpreis"
        from {SALES} order by place""",
    "Artikel": """
        select StockCode as "Artikelnummer",
            replace(arg_min(Description, place), ';', ',') as "Bezeichnung",
            left(StockCode, 2) as "Warengruppe"
        from lines where Description is not null group by StockCode order by StockCode""",
    "Kunden": f"""
        select customer as "Kundennummer", arg_min(Country, place) as "Land",
            {GERMAN_TIME.format("min(InvoiceDate)")} as "Registriert am"
        from lines where customer is not null group by customer order by customer""",
    "Retouren": f"""
        select Invoice || '-' || row_number() over (partition by Invoice order by place)
                as "Retourennummer",
            customer as "Kundennummer", StockCode as "Artikelnummer",
            {GERMAN_TIME.format("InvoiceDate")} as "Retourendatum", -Quantity as "Menge",
            replace((-Quantity * UnitPrice)::decimal(18,2)::varchar, '.', ',')
                as "Erstattungsbetrag"
        from lines where Invoice like 'C%' and Quantity < 0 and customer is not null
        order by place""",
}


def write(folder: Path, data: Path, *, customers: int, until: str = "2011-06-01") -> dict[str, int]:
    """Write the five files of `customers` customers below `folder`; returns the rows of each.

    A twentieth of the invoices without a customer come along, as in a real shop.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    with duckdb.connect() as con:
        con.execute("set threads = 1")
        told = {"data": str(data), "until": until, "customers": customers}
        con.execute(LINES, told)
        for name, sql in FILES.items():
            rows = con.sql(sql)
            rows.write_csv(str(folder / f"{name}.csv"), sep=";")
            counts[name] = len(rows)
    return counts
