"""What Italian shops call things: the words of `guesses`, said in Italian.

Enters: nothing. Leaves: words by our table and column, without accents. Worked example:
`righe_ordine.csv` with `Ordine;Riga;Articolo;Quantità;Prezzo unitario` looks like order_lines.
"""

from __future__ import annotations

from collections.abc import Mapping

TABLES: Mapping[str, tuple[str, ...]] = {
    "order_lines": ("righe", "dettagli"),
    "orders": ("ordini", "fatture", "vendite", "acquisti", "scontrini"),
    "returns": ("resi", "rimborsi"),
    "payments": ("pagamenti",),
    "shipments": ("spedizioni", "consegne"),
    "tickets": ("reclami", "richieste"),
    "reviews": ("recensioni",),
    "customers": ("clienti",),
    "products": ("prodotti", "articoli"),
    "campaigns": ("campagne",),
    "consents": ("consensi",),
    "fx_rates": ("cambi",),
    "customer_merges": ("fusioni", "doppioni", "unioni"),
}
COLUMNS: Mapping[str, str] = {
    "customer_id": "codice_cliente cod_cliente id_cliente num_cliente nuovo_codice cliente",
    "order_id": "numero_ordine num_ordine nr_ordine id_ordine numero_fattura ordine fattura",
    "product_id": "codice_articolo cod_articolo codice_prodotto cod_prodotto articolo prodotto"
    " codice",
    "line_id": "numero_riga num_riga nr_riga riga",
    "occurred_at": "data_ordine data_e_ora data_ora data_fattura data_vendita data_acquisto data",
    "net_amount": "totale_netto importo_netto totale_ordine totale_riga importo totale"
    " prezzo_unitario",
    "quantity": "quantita quantita_resa qta pezzi",
    "discount_amount": "sconto",
    "currency": "valuta divisa",
    "status": "stato stato_ordine",
    "channel": "canale",
    "store_id": "negozio punto_vendita",
    "country": "nazione paese",
    "category": "categoria",
    "department": "reparto",
    "brand": "marca marchio",
    "list_amount": "prezzo_di_listino prezzo_listino",
    "old_id": "vecchio_codice",
    "return_id": "numero_reso num_reso nr_reso id_reso",
    "refund_amount": "importo_rimborsato rimborso",
    "reason": "motivo",
    "given": "consenso",
    "rate": "cambio tasso",
}
OWN_TIMES: Mapping[str, str] = {
    "customers": "iscritto_il registrato_il data_iscrizione data_registrazione cliente_dal",
    "products": "creato_il valido_dal",
    "returns": "data_reso data",
    "consents": "data_consenso data",
    "fx_rates": "giorno data",
    "customer_merges": "data_fusione data",
}
STATUSES: Mapping[str, str] = {
    "completed": "evaso evasa pagato pagata spedito spedita consegnato consegnata completato",
    "cancelled": "annullato annullata stornato stornata",
    "returned": "reso restituito rimborsato",
}
UNIT_PRICES = frozenset({"prezzo_unitario"})
