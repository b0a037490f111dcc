"""The descent: options, rates, blocks of epochs, stopping rules, results."""
