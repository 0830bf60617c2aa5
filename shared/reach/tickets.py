"""What every service's conditions read of tickets and their customers can be."""

from shared.reach.vocabulary import Text, Vocabulary
from shared.vocabulary import ChannelKind, Priority

TICKETS = Vocabulary(
    fields={
        ("ticket", "channel"): Text(),
        ("ticket", "channel_kind"): Text(values=frozenset(ChannelKind)),
        ("ticket", "priority"): Text(values=frozenset(Priority)),
        ("ticket", "language"): Text(),
        ("customer", "tier"): Text(),
        ("customer", "language"): Text(),
        ("customer", "organisation"): Text(),
    },
    entries={("ticket", "labels"): Text(may_be_missing=True)},
    same={("channel", "id"): ("ticket", "channel"), ("channel", "kind"): ("ticket", "channel_kind")},
)
