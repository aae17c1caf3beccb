"""Pages are small on the wire, and how small tells nothing."""


def test_a_page_goes_compressed_to_browsers_that_take_it(operator, raise_incident):
    """A board of thirty incidents takes a fifth of its length, and is the same page."""
    for place in range(30):
        raise_incident(f"till {place} stands still")

    packed = operator.open("/")
    plain = operator.open("/", headers={"Accept-Encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) < len(plain.html.encode()) / 5
    assert packed.text.split() == plain.text.split()
    assert "Accept-Encoding" in packed.headers["vary"]


def test_the_length_of_a_page_varies_by_chance(operator, raise_incident):
    """Whoever counts bytes on the wire does not learn whether a guess in the address compresses well."""
    raise_incident()

    lengths = {operator.open("/?q=till").headers["content-length"] for _ in range(8)}

    assert len(lengths) > 1
