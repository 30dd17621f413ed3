"""A team at work: its lead sees it, its people say how they are, and thank each other."""

from playwright.sync_api import Page, expect

from .conftest import DeskSite
from .people import ann_of, full_team


def test_a_lead_sees_who_waits_and_what_nobody_can_do(desk: DeskSite, page: Page) -> None:
    team = f"team-{desk.customer}"
    full_team(desk, team)
    desk.sign_in(page, ann_of(desk), f"/desk/team?team={team}")
    waiting = page.get_by_role("region", name="Who waits")
    expect(waiting.get_by_role("listitem")).to_have_count(1)
    expect(waiting).to_contain_text("Meral Aksoy")
    expect(waiting).to_contain_text("nobody here knows lace repair")
    people = page.get_by_role("region", name="Who is there").get_by_role("listitem").get_by_role("strong")
    # By name: no ranks. Waited for: the live page may be drawn anew between finding them and reading.
    expect(people).to_have_text(["Ann Kowalska", "Bo Lindqvist", "Cem Yıldırım", "Dora Szabó-Nagy"])
    told = {
        "skills": {"lace repair": 7},
        "languages": ["en"],
        "capacity": {"total": 2, "weights": {"email": 1}},
    }
    desk.tell(
        "agent.changed",
        0,
        team,
        agent_id=f"eve-{desk.customer}",
        name="Eve",
        on_shift=True,
        on_break=False,
        **told,
    )
    expect(page.get_by_role("region", name="Who waits")).to_contain_text("Nobody waits")


def test_a_break_is_a_key_away(desk: DeskSite, page: Page) -> None:
    agent, team = f"me-{desk.customer}", f"team-{desk.customer}"
    told = {"name": "Mo Reyes", "skills": {"tea": 3}, "languages": ["es"]}
    told |= {"capacity": {"total": 4, "weights": {"chat": 1}}}
    desk.tell("agent.changed", 5, team, agent_id=agent, on_shift=False, on_break=False, **told)
    desk.sign_in(page, agent, "/desk/me")
    for key, word in (("w", "at work"), ("b", "on a break"), ("w", "at work"), ("e", "not at work")):
        page.keyboard.press(key)
        expect(page.locator(".person")).to_contain_text(word)
        page.wait_for_load_state()
    shown = desk.call("GET", f"/agents/{agent}")
    assert (shown["name"], shown["skills"], shown["on_shift"]) == ("Mo Reyes", {"tea": 3}, False)
    assert shown["capacity"] == {"total": 4.0, "weights": {"chat": 1.0}}, "the rest stays as it was told"


def test_thanks_to_a_colleague_are_on_the_wall(desk: DeskSite, page: Page) -> None:
    agent, team = f"bo-{desk.customer}", f"team-{desk.customer}"
    told = {"capacity": {"total": 4, "weights": {"chat": 1}}, "on_shift": True, "on_break": False}
    desk.tell("agent.changed", 5, team, agent_id=agent, name=f"Bo {desk.customer}", **told)
    desk.sign_in(page, "ann", f"/desk/wall?team={team}")
    expect(page.get_by_text("Nothing is on the wall yet")).to_be_visible()
    page.keyboard.press("n")
    page.get_by_label("Whom").select_option(agent)
    page.get_by_label("What for").fill("You found <i>the</i> parcel!")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#said")).to_contain_text("on the wall")
    story = page.get_by_role("listitem").filter(has_text=f"Thanks to Bo {desk.customer}")
    expect(story.first).to_contain_text("You found <i>the</i> parcel!")


def test_a_task_of_the_team_is_done(desk: DeskSite, page: Page) -> None:
    team = f"team-{desk.customer}"
    full_team(desk, team)
    desk.sign_in(page, ann_of(desk), "/desk/me")
    tasks = page.get_by_role("region", name="What my team has to do")
    expect(tasks).to_contain_text("Call Zita back")
    task = tasks.get_by_role("listitem").filter(has_text="Call Zita back")
    task.get_by_text("Done", exact=True).click()
    task.get_by_label("What came of it").fill("She is happy.")
    task.get_by_role("button", name="It is done").click()
    expect(page.locator("#said")).to_contain_text("Done.")
    expect(page.get_by_text("Call Zita back")).to_have_count(0)
