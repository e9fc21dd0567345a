"""Healing: while an alert fires, a playbook of the user's choice is run, seldom enough, and noted as operations are."""
