"""What complaints can tell, and what agents ask of them."""

from hypothesis import strategies as st

from shared.schemas.commands.complaints import (
    ComplaintAcknowledgeRequested,
    ComplaintApproveRequested,
    ComplaintCloseRequested,
    ComplaintCompensateRequested,
    ComplaintReopenRequested,
    ComplaintResolveRequested,
)
from shared.schemas.commands.loyalty import RedemptionRequested
from shared.schemas.complaints import (
    CompensationGranted,
    ComplaintAcknowledged,
    ComplaintChanged,
    ComplaintClosed,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintResumed,
    ComplaintUpdated,
    ComplaintWaiting,
)
from shared.schemas.feedback import SurveyAnswered

COMPLAINTS = st.sampled_from(["k1", "k2"])
TEXT = st.just("Words.")

OPENINGS = st.builds(
    ComplaintOpened,
    complaint_id=COMPLAINTS,
    channel=st.sampled_from(["email", "web"]),
    category=st.just("delivery"),
    severity=st.sampled_from(["normal", "high"]),
    description=TEXT,
)
LIFE_STEPS = st.one_of(
    st.builds(ComplaintAcknowledged, complaint_id=COMPLAINTS, message=st.none() | TEXT),
    st.builds(ComplaintUpdated, complaint_id=COMPLAINTS, message=TEXT),
    st.builds(ComplaintResolved, complaint_id=COMPLAINTS, resolution=TEXT),
    st.builds(ComplaintReopened, complaint_id=COMPLAINTS, reason=TEXT),
    st.builds(ComplaintClosed, complaint_id=COMPLAINTS),
    st.builds(ComplaintChanged, complaint_id=COMPLAINTS, severity=st.just("critical")),
    st.builds(ComplaintWaiting, complaint_id=COMPLAINTS, reason=TEXT),
    st.builds(ComplaintResumed, complaint_id=COMPLAINTS),
)
STEPS = st.one_of(
    *[LIFE_STEPS] * 5,
    st.builds(CompensationGranted, complaint_id=COMPLAINTS, kind=st.just("points"), points=st.just(70)),
    st.builds(
        CompensationGranted, complaint_id=COMPLAINTS, kind=st.just("voucher"), reward_id=st.just("mug")
    ),
)
ASKED = st.one_of(
    st.builds(ComplaintAcknowledgeRequested, complaint_id=COMPLAINTS, message=TEXT),
    st.builds(ComplaintResolveRequested, complaint_id=COMPLAINTS, resolution=TEXT),
    st.builds(ComplaintReopenRequested, complaint_id=COMPLAINTS, reason=TEXT),
    st.builds(ComplaintCloseRequested, complaint_id=COMPLAINTS),
    st.builds(
        ComplaintCompensateRequested,
        complaint_id=COMPLAINTS,
        kind=st.just("points"),
        points=st.sampled_from([80, 9_000]),  # at once, or by approval
        asked_by=st.just("agent"),
        scopes=st.just(("complaints:write",)),
    ),
    st.builds(ComplaintApproveRequested, complaint_id=COMPLAINTS, approved_by=st.just("lead")),
    st.builds(RedemptionRequested, reward_id=st.just("mug")),
)
CHECKS = st.builds(
    lambda survey, id: SurveyAnswered.model_validate({**survey, "about": {"kind": "complaint", "id": id}}),
    st.sampled_from([{"survey": "csat", "score": n} for n in (1, 2, 3)] + [{"survey": "nps", "score": 6}]),
    COMPLAINTS,
)
