"""The same photos, network and categories behind Hangtag and behind what people build today."""
