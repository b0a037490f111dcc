"""The descent: options, starting weights, rates, blocks of epochs, stopping rules, results."""
