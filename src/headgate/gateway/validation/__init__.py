"""Does a call fit its contract? Pure rules that the validators in `node/validator` ask."""
