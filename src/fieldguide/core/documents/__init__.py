"""The YAML files a person writes (study.yaml, contract.yaml, experiment.yaml), each as one valid value."""
