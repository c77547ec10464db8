"""Designs of experiments: how traffic is dealt, how the verdict is reached. The contract is `core.contracts.Design`."""
