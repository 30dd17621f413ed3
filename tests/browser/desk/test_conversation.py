"""A conversation in a browser: from a customer's email to a closed complaint with a good score."""

from playwright.sync_api import Page, expect

from .conftest import DeskSite, press


def test_from_an_email_to_a_closed_complaint_with_a_good_score(desk: DeskSite, page: Page) -> None:
    desk.tell("customer.registered", 9, name="Ana Ruiz", email="ana@x.test", locale="es")
    desk.writes(
        "The kettle leaks.", 8, subject="Order 17", message_id="<m1@x.test>", conversation_id=desk.talk
    )
    desk.sign_in(page, "mia")
    page.get_by_role("link", name="Ana Ruiz").and_(page.locator(f"[href*={desk.customer}]")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ana Ruiz")
    press(page, page.get_by_role("button", name="I take it"))
    expect(page.get_by_text("You have it")).to_be_visible()

    page.locator("summary", has_text="Open a complaint").click()
    page.get_by_label("What it is about").select_option("Product")
    page.get_by_label("How bad it is").select_option("high")
    page.get_by_label("What went wrong").fill("The kettle leaks at the lid")
    press(page, page.get_by_role("button", name="Open the complaint"))
    complaint = page.get_by_role("region", name="Complaint product")
    expect(complaint.get_by_text("First answer")).to_be_visible()
    press(page, complaint.get_by_role("button", name="I take care of it"))
    expect(complaint.get_by_text("being worked on")).to_be_visible()

    page.get_by_label("Answer to Ana Ruiz").fill("We send you a new lid today.")
    press(page, page.get_by_role("button", name="Send"))
    expect(page.get_by_role("status").filter(has_text="Sent.")).to_be_visible()
    said = page.get_by_role("region", name="What was said")
    expect(said.get_by_text("We send you a new lid today.")).to_be_visible()
    expect(page.get_by_label("Answer to Ana Ruiz")).to_have_value("")

    complaint.get_by_text("Make good").first.click()
    complaint.get_by_label("Points").check()
    complaint.get_by_label("How many").fill("200")
    press(page, complaint.get_by_role("button", name="Make good"))
    complaint.get_by_text("Solve").first.click()
    complaint.get_by_label("How it was solved").fill("A new lid")
    press(page, complaint.get_by_role("button", name="Solve"))
    expect(complaint.get_by_text("solved")).to_be_visible()
    press(page, complaint.get_by_role("button", name="Close the complaint"))
    expect(complaint.get_by_text("closed")).to_be_visible()

    closed = desk.call("GET", "/complaints?status=closed&limit=100")["items"]
    [told] = [one for one in closed if one["customer_id"] == desk.customer]
    assert (told["status"], told["assignee"], told["severity"]) == ("closed", "mia", "high")
    about = {"kind": "complaint", "id": told["complaint_id"]}
    desk.tell("survey.answered", survey="csat", score=5, about=about)
    expect(complaint.get_by_text("rated 5 of 5")).to_be_visible(timeout=3000)
