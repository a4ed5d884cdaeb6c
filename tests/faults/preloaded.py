"""What a child needs, imported once before the first fork."""

import encodings.idna  # noqa: F401

import alembic.config
import alembic.runtime.environment
import alembic.runtime.migration
import alembic.script  # noqa: F401
import deltalake  # noqa: F401
import duckdb  # noqa: F401
import hubspot.client
import hubspot.crm.contacts
import hubspot.crm.properties
import hubspot.discovery.crm.contacts.discovery
import hubspot.discovery.crm.properties.discovery
import hubspot.discovery.oauth.discovery  # noqa: F401
import ibis
import ibis.backends.duckdb
import ibis.backends.duckdb.converter
import ibis.formats.pandas
import pandas.core.methods.to_dict  # noqa: F401
import psycopg2  # noqa: F401
import pyarrow.dataset  # noqa: F401
import sqlalchemy.dialects.postgresql
import sqlalchemy.dialects.sqlite  # noqa: F401

import churn_ml.flow.score
import churn_ml.scoring
import churn_ml.training  # noqa: F401
from churn_ml.flow.export import READS
from churn_ml.tables import SOURCE_TABLES, table
from churn_ml.warehouse.sql import no_rows

_ = ibis.duckdb  # loads the backend, connects to nothing
for name in (*READS, *SOURCE_TABLES):
    ibis.schema(no_rows(table(name)).types())  # Ibis parses a type once
