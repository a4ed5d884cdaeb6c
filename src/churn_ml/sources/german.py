"""What German shops call things: the words of `guesses`, said in German.

Enters: nothing. Leaves: words by our table and column; ä, ö, ü and ß are written ae, oe, ue and ss.
Another language is a file like this one, named in `guesses`. Worked example:
`Bestellpositionen.csv` with `Bestellnummer;Artikelnummer;Menge;Einzelpreis` looks like order_lines.
"""

from __future__ import annotations

from collections.abc import Mapping

TABLES: Mapping[str, tuple[str, ...]] = {
    "order_lines": ("bestellpositionen", "auftragspositionen", "belegpositionen", "positionen"),
    "orders": ("bestellungen", "auftraege", "rechnungen", "belege", "verkaeufe"),
    "returns": ("retouren", "ruecksendungen", "gutschriften"),
    "payments": ("zahlungen",),
    "shipments": ("lieferungen", "sendungen"),
    "tickets": ("anfragen", "beschwerden"),
    "reviews": ("bewertungen",),
    "customers": ("kunden", "kundenstamm"),
    "products": ("artikel", "artikelstamm", "produkte"),
    "campaigns": ("kampagnen",),
    "consents": ("einwilligungen",),
    "fx_rates": ("wechselkurse",),
    "customer_merges": ("dubletten", "zusammenfuehrungen"),
}
COLUMNS: Mapping[str, str] = {
    "customer_id": "kundennummer kunden_nr kundennr kunden_id kunde",
    "order_id": "bestellnummer bestell_nr auftragsnummer auftrags_nr belegnummer bestellung",
    "product_id": "artikelnummer artikel_nr produktnummer artikel",
    "line_id": "position pos positionsnummer",
    "occurred_at": "bestelldatum bestellt_am auftragsdatum rechnungsdatum belegdatum datum",
    "net_amount": "gesamtbetrag nettobetrag zeilenbetrag betrag summe einzelpreis stueckpreis",
    "quantity": "menge anzahl stueck",
    "discount_amount": "rabatt",
    "currency": "waehrung",
    "country": "land",
    "category": "warengruppe kategorie",
    "brand": "marke hersteller",
    "return_id": "retourennummer retouren_nr gutschriftnummer",
    "refund_amount": "erstattungsbetrag erstattung gutschrift",
    "reason": "grund",
}
OWN_TIMES: Mapping[str, str] = {
    "customers": "registriert_am angelegt_am kunde_seit",
    "products": "angelegt_am gueltig_ab",
    "returns": "retourendatum eingegangen_am datum",
}
STATUSES: Mapping[str, str] = {
    "completed": "abgeschlossen bezahlt versandt versendet geliefert erledigt",
    "cancelled": "storniert abgebrochen",
    "returned": "retourniert erstattet",
}
UNIT_PRICES = frozenset({"einzelpreis", "stueckpreis"})
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
