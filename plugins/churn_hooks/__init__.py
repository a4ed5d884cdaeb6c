"""Airflow's hooks for the CRMs whose connection types no provider of Airflow's own brings.

Airflow finds them by the entry point `apache_airflow_provider` of the package churn-ml, which names
their classes, and imports them from the plugins folder, which is on the path of all its processes.
"""
