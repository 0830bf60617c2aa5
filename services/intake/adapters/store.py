"""Everything that receiving and answering touches, in PostgreSQL."""

from services.intake.adapters.answering.notices import PostgresNoticePlans
from services.intake.adapters.bells import Bells
from services.intake.adapters.chat.replies import ChatReplies, chats_of
from services.intake.adapters.customers import PostgresCustomers
from services.intake.adapters.messages import PostgresMessages
from services.intake.adapters.threads import PostgresThreads
from services.intake.adapters.tickets import PostgresTickets
from services.intake.adapters.watching import TicketWatch
from services.intake.app.ports import TicketKey
from services.intake.domain.chat import Conversation
from shared.db.unit_of_work import Tx


class PostgresConversations(
    PostgresTickets, PostgresCustomers, PostgresMessages, PostgresThreads, PostgresNoticePlans
):
    """Implements the ports `Conversations` and `Correspondence`."""

    def __init__(
        self, shards: int, watch: TicketWatch, outbound: Bells, chats: ChatReplies, notices: Bells
    ) -> None:
        PostgresTickets.__init__(self, shards, watch)
        PostgresMessages.__init__(self, shards, outbound, chats)
        PostgresNoticePlans.__init__(self, shards, notices)

    async def chat_of(self, tx: Tx, key: TicketKey) -> Conversation | None:
        """The conversation by whose state answers to this ticket go."""
        return (await chats_of(tx, [key])).get(key)
