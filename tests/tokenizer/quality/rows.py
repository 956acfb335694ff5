"""What tests read from the rows of a measurement."""


def flagged(rows) -> dict[str, list[str]]:
    """Channel -> its flags, of the channels that have any."""
    return {name: row["flags"] for name, row in rows.items() if row["flags"]}
