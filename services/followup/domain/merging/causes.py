"""What a message is said of: of two of one rule and one cause, which two ids were told of, one goes. Pure."""

from hashlib import blake2b

from services.followup.domain.state import Outreach


def cause_of(outreach: Outreach) -> str:
    """Stands for it: the thing that its trigger names, the occasion, or else the trigger itself."""
    about: tuple[object, ...]
    if outreach.thing:
        about = ("thing", outreach.thing)
    elif outreach.spot is not None:
        about = ("date", *outreach.spot)
    else:
        about = ("at", outreach.key, outreach.at, *(outreach.of or ()))
    said = "\0".join(map(str, (outreach.rule, outreach.step or "", *about)))
    return blake2b(said.encode(), digest_size=8).hexdigest()
