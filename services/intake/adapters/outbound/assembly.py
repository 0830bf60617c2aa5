"""How what leaves is put together, for the composition root."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from services.intake.adapters.bells import Bells
from services.intake.adapters.email.outbound import MailCarrier
from services.intake.adapters.outbound.carriers import Carriers
from services.intake.adapters.outbound.counting import DeliveryCounting
from services.intake.adapters.outbound.deliveries import PostgresDeliveries
from services.intake.adapters.outbound.meta import MetaCarrier
from services.intake.adapters.outbound.queue import DeliveryQueue
from services.intake.adapters.outbound.sending import Outbound
from services.intake.adapters.outbound.slack import SlackCarrier
from services.intake.adapters.outbound.standard import StandardCarrier
from services.intake.adapters.outbound.twilio import TwilioCarrier
from services.intake.adapters.outbound.vendor_http import VendorHttp
from services.intake.app.mail_ports import Blobs
from services.intake.app.ports import Workspaces
from services.intake.settings import IntakeSettings
from shared.egress import Egress
from shared.mail import MailSender
from shared.service import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundSystem:
    """Everything about what leaves that one process runs."""

    queue: DeliveryQueue
    deliveries: PostgresDeliveries
    sending: Outbound
    http: VendorHttp
    counting: DeliveryCounting


@asynccontextmanager
async def open_outbound(
    runtime: Runtime,
    settings: IntakeSettings,
    *,
    workspaces: Workspaces,
    blobs: Blobs,
    deliveries: PostgresDeliveries,
    bells: Bells,
) -> AsyncIterator[OutboundSystem]:
    """Opens what sending needs, and closes it. bells: rung by whoever queues a delivery"""
    async with AsyncExitStack() as stack:
        http = VendorHttp()
        stack.push_async_callback(http.close)
        egress = Egress(is_development=settings.environment == "development")
        stack.push_async_callback(egress.close)
        server = settings.outbound_smtp_url
        carriers = Carriers(
            mail=MailCarrier(
                MailSender(server.get_secret_value()) if server else None,
                blobs,
                secret=settings.secret.get_secret_value().encode(),
            ),
            twilio=TwilioCarrier(http, url=settings.twilio_url, public_url=settings.public_url),
            meta=MetaCarrier(http, url=settings.meta_url),
            slack=SlackCarrier(http, url=settings.slack_url),
            standard=StandardCarrier(egress),
        )
        queue = DeliveryQueue()
        yield OutboundSystem(
            queue=queue,
            deliveries=deliveries,
            http=http,
            sending=Outbound(
                runtime.database,
                queue,
                deliveries,
                workspaces,
                carriers,
                bells=bells,
                metrics=runtime.metrics,
            ),
            counting=DeliveryCounting(runtime.database, bells, runtime.metrics),
        )
