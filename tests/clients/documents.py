"""The documents of the clients without a compiler, as they send them."""

import hashlib

RUPTURES = """query Ruptures($first: Int!, $after: String) {
  ruptures(first: $first, after: $after) {
    totalCount
    complet
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        id
      }
    }
  }
}"""
REFUSE = "{ jeunes(first: 3) { edges { node { id nom ine } } } }"
DOCUMENTS = (RUPTURES, REFUSE)


def hashed(text: str) -> str:
    """The identifier of a document."""
    return hashlib.sha256(text.encode()).hexdigest()
