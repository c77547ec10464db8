"""Explainers: how a model's number is shared out among the columns of a row. The contract is `core.contracts.Explainer`."""
