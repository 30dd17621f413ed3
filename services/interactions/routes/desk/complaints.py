"""The complaint board, and one complaint: its clocks, its course, its steps."""

import asyncio
import uuid
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import Query, Response

from services.interactions.desk.names import called
from services.interactions.desk.page import Desk, Form, Posted, SignedIn, desk_router
from services.interactions.desk.site import ROOT
from services.interactions.desk.views.board import lanes
from services.interactions.desk.views.customer import complaint_box
from services.interactions.desk.views.happened import story
from services.interactions.desk.views.steps import steps_of
from services.interactions.desk.words import _
from services.interactions.domain.complaints.steps import complaint_key
from services.interactions.domain.rows import ComplaintRow
from services.interactions.domain.state import found
from services.interactions.errors import UNKNOWN_COMPLAINT
from services.interactions.models import complaints as bodies
from services.interactions.models.compensation import Approving, Compensation
from services.interactions.models.complaints import command_of, complaint_detail
from services.interactions.routes.complaints import course_now, the_one
from services.interactions.routes.dependencies import ComplaintId, Policy, Store, last_shown
from services.interactions.routes.desk.dependencies import DeskQueries
from shared.http.commands import Commands
from shared.http.dependencies import SendCommands
from shared.http.paging import cut
from shared.schemas.base import Id, Strict
from shared.schemas.commands import complaints as asked
from shared.schemas.money import digits
from shared.schemas.times import micros
