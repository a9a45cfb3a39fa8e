"""What a finished run says in plain words of a flow, a country, two blocs, a year or a measure."""
