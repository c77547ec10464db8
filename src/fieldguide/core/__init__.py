"""What flows: the nouns, evaluation, configuration, seeds, errors. Knows no part and no torch."""
